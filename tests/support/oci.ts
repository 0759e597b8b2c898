/**
 * Containers of an OCI config.json, for tests.
 *
 * @module
 */
import { parseConfig } from "../../lib/config/parse.ts";
import type { Config } from "../../lib/config/types.ts";
import type { Workspace } from "./containers.ts";

/** Members of an object of the text. */
export type OciJson = Record<string, unknown>;

/** Mounts that nearly every container has. */
export const OCI_MOUNTS: readonly OciJson[] = [
  { destination: "/proc", type: "proc", source: "proc" },
  {
    destination: "/dev",
    type: "tmpfs",
    source: "tmpfs",
    options: ["nosuid", "strictatime", "mode=755", "size=65536k"],
  },
  {
    destination: "/dev/pts",
    type: "devpts",
    source: "devpts",
    options: ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"],
  },
  {
    destination: "/sys",
    type: "sysfs",
    source: "sysfs",
    options: ["nosuid", "noexec", "nodev", "ro"],
  },
];

/** New namespaces by the names of OCI. */
export function ociNamespaces(...types: readonly string[]): OciJson[] {
  return types.map((type) => ({ type }));
}

/** What a text changes. */
export interface OciChanges {
  /** Members of `process`. */
  readonly process?: OciJson;
  /** Mounts after {@linkcode OCI_MOUNTS}. */
  readonly mounts?: readonly OciJson[];
  /** Members of `linux`. */
  readonly linux?: OciJson;
  /** Members of `root`. */
  readonly root?: OciJson;
  /** Further members. */
  readonly rest?: OciJson;
}

/**
 * Makes the text of a config.json whose container is the workspace's.
 *
 * @param workspace The workspace, whose root is the container's.
 * @param changes What is added.
 * @returns The text.
 */
export function ociText(
  workspace: Workspace,
  changes: OciChanges = {},
): string {
  return JSON.stringify({
    ociVersion: "1.3.0",
    root: { path: workspace.rootfs, ...changes.root },
    process: {
      cwd: "/",
      args: ["/bin/sh"],
      env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
      ...changes.process,
    },
    hostname: "oci",
    mounts: [...OCI_MOUNTS, ...changes.mounts ?? []],
    linux: {
      namespaces: ociNamespaces("mount", "pid", "network", "ipc", "uts"),
      cgroupsPath: `${workspace.tag}/${workspace.newName()}`,
      ...changes.linux,
    },
    ...changes.rest,
  });
}

/** As {@linkcode ociText}, read as a file of the workspace. */
export function ociConfig(
  workspace: Workspace,
  changes: OciChanges = {},
): Promise<Config> {
  const path = `${workspace.dir}/config.json`;
  return parseConfig(ociText(workspace, changes), { path });
}

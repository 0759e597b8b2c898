/**
 * What CRIU is told of a restore: the groups, the descriptors and the mounts that
 * wait for it.
 *
 * @module
 */
import type { PlanRun } from "../../ffi/plan_run.ts";
import type { CriuOptions } from "../criu/messages.ts";
import { HostError } from "../errors.ts";
import type { StdioEnd } from "./attach.ts";
import { restoreTuning } from "./criu_tuning.ts";
import type { Restoring } from "./restore_types.ts";

/** Directories that CRIU needs none of: one is covered, for it alone, by the mounts that it is given. */
const BASES = ["/mnt", "/media", "/srv"];

/** How CRIU and the kernel call a group. */
function cgroupRoots(
  { host, plan: { resources } }: Restoring,
): { controller: string; path: string }[] {
  return resources.cgroups.flatMap(({ version, controllers, path }) => {
    const hierarchy = host.cgroup.hierarchies.find((each) =>
      each.version === version && path.startsWith(`${each.mount}/`) &&
      (version === 2 || each.controllers[0] === controllers[0])
    );
    if (!hierarchy) return [];
    const { root, mount } = hierarchy;
    const below = path.slice(mount.length);
    const full = root === "/" ? below : root + below;
    const names = version === 2 ? [""] : controllers;
    return names.map((controller) => ({ controller, path: full }));
  });
}

function numberOf(end: StdioEnd, number: number): number {
  return end === "inherit" ? number : end.fd;
}

/** Descriptors that CRIU gets from its fourth on, and what each stands for. */
export class Inherited {
  readonly fds: number[] = [];
  readonly keys: { readonly key: string; readonly fd: number }[] = [];

  add(key: string, fd: number): void {
    if (this.keys.some((known) => known.key === key)) return;
    // 0 to 2 are CRIU's own, 3 is the socket.
    this.keys.push({ key, fd: 4 + this.fds.length });
    this.fds.push(fd);
  }
}

/**
 * Lists the descriptors that the restored processes get: the streams that take the
 * place of theirs, and a network namespace that is shared.
 *
 * @param restoring The restore.
 * @param run The run of what is made before CRIU starts; its slots are open.
 * @returns The descriptors and their keys.
 */
export function inheritedOf(
  { request: { attachment }, record, plan }: Restoring,
  run: PlanRun,
): Inherited {
  const inherited = new Inherited();
  const { stdin, stdout, stderr } = attachment.stdio;
  [stdin, stdout, stderr].forEach((end, number) => {
    const key = record.streams[number]?.key;
    if (key !== undefined) inherited.add(key, numberOf(end, number));
  });
  const network = plan.network === undefined
    ? undefined
    : run.slot(plan.network);
  if (record.network !== undefined && network !== undefined) {
    inherited.add(record.network, network);
  }
  return inherited;
}

/**
 * Finds a directory that CRIU can be given mounts in.
 *
 * @param used Paths that have to stay visible to CRIU.
 * @returns Its path.
 * @throws {HostError} `HostUnsupported` when there is none.
 */
export function baseDirectory(...used: readonly string[]): string {
  const found = BASES.find((path) => {
    try {
      return Deno.lstatSync(path).isDirectory &&
        !used.some((each) => `${each}/`.startsWith(`${path}/`));
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  });
  if (found !== undefined) return found;
  throw new HostError(
    `Cannot restore: none of the directories ${
      BASES.join(", ")
    } is there, one of which CRIU finds mounts in; make one`,
  );
}

/** Options that are the restore's alone. */
export function restoreOptions(
  restoring: Restoring,
  base: string,
  inherited: Inherited,
): Partial<CriuOptions> {
  const { record, plan, request } = restoring;
  const hasRoot = plan.trees.length > record.mounts.length;
  const first = hasRoot ? 1 : 0;
  const sockets = record.streams.flatMap(({ external }) =>
    external?.startsWith("unix[") ? [external] : []
  );
  return {
    restoreSibling: true,
    evasiveDevices: true,
    cgroupRoots: cgroupRoots(restoring),
    inheritFds: inherited.keys,
    external: [
      ...record.mounts.map(({ key }, index) =>
        `mnt[${key}]:${base}/${first + index}`
      ),
      ...new Set(sockets),
    ],
    ...(hasRoot && { root: `${base}/0` }),
    ...(request.lazyPages && { lazyPages: true }),
    ...restoreTuning(request.tuning ?? {}),
  };
}

/**
 * Options that stand before every command, and what they mean.
 *
 * @module
 */
import { resolvePath } from "../config/host_paths.ts";
import type { Option } from "../cli/command.ts";
import { currentDirectory } from "../cli/globals.ts";
import type { Values } from "../cli/values.ts";
import type { CgroupDriver } from "../container/store_types.ts";

/** The option that every command takes. */
export const HELP_OPTION: Option = {
  name: "help",
  short: "h",
  aliases: ["usage"],
  type: "boolean",
  doc: "print help",
};

/** The global options: they stand before the command. */
export const OCI_GLOBAL_OPTIONS: readonly Option[] = [
  {
    name: "root",
    type: "text",
    metavar: "DIR",
    doc: "directory of the states of all containers (default " +
      "/run/nsinit-oci, for other users than root, and for root of a user " +
      "namespace, $XDG_RUNTIME_DIR/nsinit-oci)",
  },
  {
    name: "log",
    type: "text",
    metavar: "FILE",
    doc: "append what is logged to FILE instead of writing it to stderr; " +
      "syslog:ID and journald:ID give it to the log of the machine",
  },
  {
    name: "log-format",
    type: "text",
    metavar: "FORMAT",
    default: "text",
    doc: "how lines are written: text or json",
  },
  {
    name: "log-level",
    type: "text",
    metavar: "LEVEL",
    default: "warning",
    doc: "what is logged: debug, info, warning or error",
  },
  { name: "debug", type: "boolean", doc: "log what is done, step by step" },
  {
    name: "systemd-cgroup",
    type: "boolean",
    doc: "have systemd make the cgroups; cgroupsPath is SLICE:PREFIX:NAME",
  },
  {
    name: "cgroup-manager",
    type: "text",
    metavar: "MANAGER",
    choices: ["cgroupfs", "systemd", "disabled"],
    default: "cgroupfs",
    doc: "who makes the cgroups: cgroupfs, that is we, systemd, or nobody: " +
      "then there are no limits and device rules",
  },
  {
    name: "rootless",
    type: "text",
    metavar: "BOOL",
    choices: ["true", "false", "auto"],
    default: "auto",
    doc: "whether to do without cgroups that may not be made: " +
      "true, false or auto",
  },
  {
    name: "criu",
    type: "text",
    metavar: "PATH",
    default: "criu",
    doc: "the program that checkpoints and restores",
  },
  HELP_OPTION,
  {
    name: "version",
    short: "v",
    type: "boolean",
    doc: "print the version",
  },
];

/** The version of the runtime specification that is implemented. */
export const SPEC_VERSION = "1.3.0";

/**
 * Makes a path of the command line absolute.
 *
 * @param path Relative to the current directory, or absolute.
 * @returns The normalised path.
 */
export function absolutePath(path: string): string {
  return resolvePath(path.startsWith("/") ? "/" : currentDirectory(), path);
}

/**
 * Finds the directory of all states.
 *
 * @param globals The global options.
 * @returns Its absolute path; it may not exist yet.
 */
export function ociStateRoot(globals: Values): string {
  const given = globals.text("root");
  if (given) return absolutePath(given);
  const uid = Deno.uid();
  const runtime = Deno.env.get("XDG_RUNTIME_DIR") ?? "";
  const isUsers = runtime.startsWith("/") && (uid !== 0 || isMappedRoot());
  if (isUsers) return resolvePath(runtime, "nsinit-oci");
  return uid === 0 ? "/run/nsinit-oci" : `/run/user/${uid}/nsinit-oci`;
}

/** Whether user 0 is root of a user namespace only, as where engines work for users. */
function isMappedRoot(): boolean {
  const map = Deno.readTextFileSync("/proc/self/uid_map");
  return !/^\s*0\s+0\s+4294967295\s*$/.test(map);
}

/** Whether systemd makes the cgroups. */
export function usesSystemd(globals: Values): boolean {
  return globals.flag("systemd-cgroup") ||
    globals.text("cgroup-manager") === "systemd";
}

/** Who makes the cgroups, where that is somebody else, or nobody. */
export function cgroupDriverOf(
  globals: Values,
): { readonly cgroupDriver?: CgroupDriver } {
  if (globals.text("cgroup-manager") === "disabled") {
    return { cgroupDriver: "disabled" };
  }
  return usesSystemd(globals) ? { cgroupDriver: "systemd" } : {};
}

/**
 * The socket of a service manager that wants to know when the program is ready.
 *
 * @returns Its path; undefined when nobody wants to know.
 */
export function managerSocket(): string | undefined {
  return Deno.env.get("NOTIFY_SOCKET") || undefined;
}

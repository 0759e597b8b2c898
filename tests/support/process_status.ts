/**
 * Reads what the kernel tells about a process.
 *
 * @module
 */
import { CAPABILITIES } from "../../lib/config/names/capabilities.ts";

/** Namespaces by their file names. */
export const NAMESPACE_FILES: Readonly<Record<string, string>> = {
  NEWNS: "mnt",
  NEWUTS: "uts",
  NEWIPC: "ipc",
  NEWPID: "pid",
  NEWNET: "net",
  NEWUSER: "user",
};

/** Text of `/proc/PID/status` as a record. */
export function parseStatus(text: string): Record<string, string> {
  return Object.fromEntries(
    text.split("\n").filter((line) => line.includes(":")).map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    }),
  );
}

/** Status of a process of the host. */
export function statusOf(pid: number | "self"): Record<string, string> {
  return parseStatus(Deno.readTextFileSync(`/proc/${pid}/status`));
}

/** Names of the capabilities of a mask in hexadecimal. */
export function capabilitiesOf(mask: string | undefined): string[] {
  const bits = BigInt(`0x${mask ?? "0"}`);
  return CAPABILITIES.filter((_, index) => (bits >> BigInt(index)) & 1n);
}

/** The mask of capabilities, as 16 hexadecimal digits. */
export function maskOf(names: readonly string[]): string {
  let mask = 0n;
  for (const name of names) {
    mask |= 1n << BigInt(CAPABILITIES.findIndex((known) => known === name));
  }
  return mask.toString(16).padStart(16, "0");
}

/** The mask of what may be given here: root of a container often lacks some. */
export function availableCapabilities(): bigint {
  return BigInt(`0x${statusOf("self")["CapBnd"] ?? "0"}`);
}

/** Link of a namespace of a process, e.g. `pid:[4026531836]`. */
export function namespaceOf(pid: number | "self", file: string): string {
  return Deno.readLinkSync(`/proc/${pid}/ns/${file}`);
}

/** One mount, read from mountinfo. */
export interface MountLine {
  /** Path within its file system. */
  readonly root: string;
  /** Where it is. */
  readonly point: string;
  /** Options of the mount. */
  readonly options: readonly string[];
  /** Propagation, e.g. `master:1`. */
  readonly tags: readonly string[];
  /** Kind of file system. */
  readonly type: string;
  /** Its source. */
  readonly source: string;
  /** Options of the file system. */
  readonly superOptions: readonly string[];
}

/** Parses the text of a mountinfo. */
export function parseMounts(text: string): MountLine[] {
  return text.split("\n").filter((line) => line.includes(" - ")).map((line) => {
    const fields = line.split(" ");
    const dash = fields.indexOf("-");
    return {
      root: fields[3] ?? "",
      point: fields[4] ?? "",
      options: (fields[5] ?? "").split(","),
      tags: fields.slice(6, dash),
      type: fields[dash + 1] ?? "",
      source: fields[dash + 2] ?? "",
      superOptions: (fields[dash + 3] ?? "").split(","),
    };
  });
}

/** Whether there is a process of the host, dead ones that nobody has waited for included. */
export function processExists(pid: number): boolean {
  try {
    Deno.statSync(`/proc/${pid}`);
    return true;
  } catch {
    return false;
  }
}

/** Whether there is a process that is not dead. */
export function isAlive(pid: number): boolean {
  return processExists(pid) && !/^[ZX]/.test(statusOf(pid)["State"] ?? "X");
}

/** Whether there is something of that name. */
export function fileExists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** Text of a kernel file, without white space around it. */
export function readKernelFile(path: string): string {
  return Deno.readTextFileSync(path).trim();
}

/** What a process is called, and whether it waits in the foreground of its terminal. */
export function isForeground(pid: number, name: string): boolean {
  const stat = readKernelFile(`/proc/${pid}/stat`);
  const end = stat.lastIndexOf(")");
  const [state, , group, , , foreground] = stat.slice(end + 2).split(" ");
  return stat.slice(stat.indexOf("(") + 1, end) === name &&
    state === "S" && group === foreground;
}

/** Host pids of all processes in the pid namespace of one. */
export function processesBeside(pid: number): number[] {
  const namespace = namespaceOf(pid, "pid");
  return [...Deno.readDirSync("/proc")].map(({ name }) => Number(name))
    .filter((other) => {
      try {
        return other > 0 && namespaceOf(other, "pid") === namespace;
      } catch (error) {
        // It has ended meanwhile, or the host keeps it to itself.
        if (error instanceof Deno.errors.NotFound) return false;
        if (error instanceof Deno.errors.PermissionDenied) return false;
        throw error;
      }
    });
}

/**
 * Finds out about a machine: reads, and tries in children that end at once.
 * Changes nothing.
 *
 * @module
 */
import { library } from "../../ffi/library.ts";
import { probeCall, probeNamespaces } from "../../ffi/probe.ts";
import { parseKernelRelease } from "../host/kernel_files.ts";
import { probeCgroups, probeDelegatedCgroups } from "../host/probe.ts";
import { type CgroupLayout, INITIAL_USER_NAMESPACE } from "../host/types.ts";
import { ID_MAPPERS, probeUser } from "../host/user.ts";
import { examineCriu } from "./criu.ts";
import {
  type CallName,
  type Facts,
  type NamespaceName,
  NAMESPACES,
  NEEDED_CALLS,
  type ToolName,
  TOOLS,
} from "./facts.ts";
import { findProgram } from "./programs.ts";

/** CLONE_NEW* of clone(2). */
const CLONE_FLAGS: Readonly<Record<NamespaceName, number>> = {
  mnt: 0x0002_0000,
  pid: 0x2000_0000,
  uts: 0x0400_0000,
  ipc: 0x0800_0000,
  net: 0x4000_0000,
  user: 0x1000_0000,
  cgroup: 0x0200_0000,
  time: 0x0000_0080,
};
/** What the template of a container has. */
const START: readonly NamespaceName[] = ["mnt", "pid", "uts", "ipc", "net"];

const SYSCTLS = [
  ...NAMESPACES.map((name) => `user/max_${name}_namespaces`),
  "kernel/unprivileged_userns_clone",
  "kernel/apparmor_restrict_unprivileged_userns",
  "kernel/modules_disabled",
];

/** What may be chosen. */
export interface ExamineOptions {
  /** CRIU: a path, or a name that is looked for in `PATH`. */
  readonly criu: string;
}

function readText(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return undefined; // not there, or not for this user
  }
}

function isThere(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function libraryProblem(): string | undefined {
  try {
    library();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function readSysctls(): Record<string, string> {
  return Object.fromEntries(SYSCTLS.flatMap((name) => {
    const text = readText(`/proc/sys/${name}`);
    return text === undefined ? [] : [[name, text.trim()]];
  }));
}

type Trials = Pick<Facts, "tried" | "start" | "proc" | "calls">;

/** Tries namespaces and calls; a user makes a user namespace first. */
function tryKernel(names: readonly NamespaceName[], euid: number): Trials {
  const base = euid === 0 ? 0 : CLONE_FLAGS.user;
  const all = START.reduce((flags, name) => flags | CLONE_FLAGS[name], base);
  const proc = probeNamespaces(all, { proc: true });
  // What can be made with others can be made.
  const isMade = (name: NamespaceName): boolean =>
    proc === 0 && (all & CLONE_FLAGS[name]) !== 0;
  const tried = names.map((name) =>
    [
      name,
      isMade(name) ? 0 : probeNamespaces(base | CLONE_FLAGS[name]),
    ] as const
  );
  const calls = (Object.keys(NEEDED_CALLS) as CallName[])
    .map((name) => [name, probeCall(NEEDED_CALLS[name])] as const);
  return {
    tried: Object.fromEntries(tried),
    start: proc === 0 ? 0 : probeNamespaces(all),
    proc,
    calls: Object.fromEntries(calls),
  };
}

/** Whether a file of the first hierarchy can be opened for writing. */
function canMakeGroups({ hierarchies }: CgroupLayout): boolean | undefined {
  const [first] = hierarchies;
  if (!first) return undefined;
  try {
    Deno.openSync(`${first.base}/cgroup.procs`, { write: true }).close();
    return true;
  } catch {
    return false;
  }
}

function findTools(): Partial<Record<ToolName, string>> {
  const found = TOOLS.map((name): [ToolName, string | undefined] => {
    if (name === "newuidmap" || name === "newgidmap") {
      // These are taken from one place alone.
      const path = name === "newuidmap" ? ID_MAPPERS.uid : ID_MAPPERS.gid;
      return [name, isThere(path) ? path : undefined];
    }
    return [name, findProgram(name)];
  });
  return Object.fromEntries(found.filter(([, path]) => path !== undefined));
}

function hasOverlayModule(release: string): boolean {
  const dir = `/lib/modules/${release}`;
  return ["modules.builtin", "modules.dep"].some((name) =>
    /\/overlay\.ko/.test(readText(`${dir}/${name}`) ?? "")
  );
}

async function systemdProblem(euid: number): Promise<string | undefined> {
  const { Manager } = await import("../systemd/manager.ts");
  try {
    const isMachines = euid === 0 && isInitialUserNamespace();
    using _manager = await Manager.connect(isMachines ? "system" : "user");
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

function isInitialUserNamespace(): boolean {
  try {
    return Deno.statSync("/proc/self/ns/user").ino === INITIAL_USER_NAMESPACE;
  } catch {
    return true; // a kernel without user namespaces
  }
}

/** Leaves out members that are undefined. */
function present<T extends object>(
  members: { readonly [Name in keyof T]: T[Name] | undefined },
): T {
  const entries = Object.entries(members)
    .filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as T;
}

/**
 * Finds out about this machine, as far as the asking user may.
 *
 * @param options Which CRIU is asked.
 * @returns What was found out.
 *
 * @example
 * ```ts ignore
 * const { kernel, euid } = await examine({ criu: "criu" });
 * ```
 */
export async function examine({ criu }: ExamineOptions): Promise<Facts> {
  const euid = Deno.uid() ?? 0;
  const release = (readText("/proc/sys/kernel/osrelease") ?? "").trim();
  const namespaces = NAMESPACES.filter((name) =>
    isThere(`/proc/self/ns/${name}`)
  );
  const problem = libraryProblem();
  const trials = problem === undefined
    ? tryKernel(namespaces, euid)
    : { tried: {}, calls: {} };
  const allCgroups = probeCgroups();
  const cgroup = euid === 0 ? allCgroups : probeDelegatedCgroups(euid);
  const tools = findTools();
  return present<Facts>({
    euid,
    release,
    kernel: parseKernelRelease(release),
    architecture: Deno.build.arch,
    libraryProblem: problem,
    isInitialUserNamespace: isInitialUserNamespace(),
    namespaces,
    ...trials,
    cgroup,
    allCgroups,
    canMakeGroups: canMakeGroups(cgroup),
    filesystems: (readText("/proc/filesystems") ?? "").split("\n")
      .map((line) => line.split("\t").at(-1) ?? ""),
    hasOverlayModule: hasOverlayModule(release),
    seccompActions: readText("/proc/sys/kernel/seccomp/actions_avail")
      ?.trim().split(" "),
    apparmor: readText("/sys/module/apparmor/parameters/enabled")
      ?.startsWith("Y") ?? false,
    selinux: isThere("/sys/fs/selinux/enforce"),
    sysctls: readSysctls(),
    user: euid === 0 ? undefined : probeUser(euid),
    systemdProblem: await systemdProblem(euid),
    tools,
    criu: await examineCriu(criu, euid),
  });
}

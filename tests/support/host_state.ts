/**
 * What a container could leave behind on the host, before and after a test.
 *
 * Other programs change the host meanwhile, so only what can be ours counts:
 * cgroups with our names, processes below us or with a link to our files, mounts
 * that name us or are in no place that all programs use. Interfaces are compared
 * as they are.
 *
 * @module
 */
import { AssertionError } from "@std/assert";
import { delay, PATIENCE } from "./nsinit.ts";

/** How things of a test are told from others. */
export interface Ownership {
  /** Texts of which one is in the path of each of its cgroups. */
  readonly names: readonly string[];
  /** Directories whose files are compared. */
  readonly directories: readonly string[];
}

/** Lists of what there is, each line telling one thing. */
export interface HostState {
  /** cgroup directories of all hierarchies. */
  readonly cgroups: ReadonlySet<string>;
  /** Mounts of the host's mount namespace. */
  readonly mounts: ReadonlySet<string>;
  /** Interfaces of the host's network namespace. */
  readonly interfaces: ReadonlySet<string>;
  /** Processes. */
  readonly processes: ReadonlySet<string>;
  /** Files, with type, mode and owner. */
  readonly files: ReadonlySet<string>;
}

const KINDS = [
  "cgroups",
  "mounts",
  "interfaces",
  "processes",
  "files",
] as const;
const SETTLE_MS = 3000;

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return ""; // files of a process go with it
  }
}

function readLink(path: string): string {
  try {
    return Deno.readLinkSync(path);
  } catch {
    return "";
  }
}

function listNames(path: string): Deno.DirEntry[] {
  try {
    return [...Deno.readDirSync(path)];
  } catch {
    return [];
  }
}

/** Mount points of all cgroup hierarchies. */
export function cgroupMounts(): string[] {
  return readText("/proc/self/mountinfo").split("\n")
    .filter((line) => / - cgroup2? /.test(line))
    .map((line) => line.split(" ")[4] ?? "");
}

function* directoriesBelow(path: string): Generator<string> {
  for (const entry of listNames(path)) {
    if (!entry.isDirectory) continue;
    yield `${path}/${entry.name}`;
    yield* directoriesBelow(`${path}/${entry.name}`);
  }
}

/** cgroup directories whose path holds one of the names. */
export function findCgroups(names: readonly string[]): string[] {
  const found: string[] = [];
  for (const mount of cgroupMounts()) {
    for (const path of directoriesBelow(mount)) {
      const inner = path.slice(mount.length);
      if (names.some((name) => inner.includes(name))) found.push(path);
    }
  }
  return found;
}

/** Where every program mounts what is its own. */
const COMMON_PLACES = ["/tmp/", "/var/"];

/**
 * Tells whether a mount can be ours. A test that takes seconds often sees others
 * come and go where programs keep what is their own; there ours name our files.
 *
 * @param mount Its point and what is mounted, as {@linkcode HostState} has it.
 * @param owner How ours are told from others.
 * @returns Whether it can.
 */
export function canBeOurMount(mount: string, owner: Ownership): boolean {
  if (!COMMON_PLACES.some((place) => mount.startsWith(place))) return true;
  return [...owner.names, ...owner.directories]
    .some((name) => mount.includes(name));
}

function listMounts(owner: Ownership): string[] {
  return readText("/proc/self/mountinfo").split("\n").map((line) => {
    const [, , , root, point, ...rest] = line.split(" ");
    const tail = rest.slice(rest.indexOf("-") + 1).join(" ");
    return line === "" ? "" : `${point} (${root} of ${tail})`;
  }).filter((line) => line !== "" && canBeOurMount(line, owner));
}

interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly start: string;
  readonly state: string;
}

function readProcess(pid: number): ProcessInfo | undefined {
  const text = readText(`/proc/${pid}/stat`);
  if (text === "") return undefined;
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return {
    pid,
    state: fields[0] ?? "",
    parent: Number(fields[1]),
    start: fields[19] ?? "",
  };
}

/** All processes of the host. */
export function listProcesses(): ProcessInfo[] {
  return listNames("/proc").map(({ name }) => Number(name))
    .filter((pid) => pid > 0).map(readProcess)
    .filter((info) => info !== undefined);
}

/** Pids of all descendants of a process. */
export function descendantsOf(pid: number): number[] {
  const all = listProcesses();
  const found = new Set([pid]);
  // A child has a later start, but not always a higher pid: until no more come.
  for (let size = 0; size !== found.size;) {
    size = found.size;
    for (const info of all) if (found.has(info.parent)) found.add(info.pid);
  }
  found.delete(pid);
  return [...found];
}

function isOurs(pid: number, owner: Ownership): boolean {
  const groups = readText(`/proc/${pid}/cgroup`);
  if (owner.names.some((name) => groups.includes(name))) return true;
  const command = readText(`/proc/${pid}/cmdline`);
  const links = ["cwd", "root", "exe"].map((name) =>
    readLink(`/proc/${pid}/${name}`)
  );
  return owner.directories.some((dir) =>
    command.includes(dir) || links.some((link) => link.startsWith(dir))
  );
}

function listOwnProcesses(owner: Ownership): string[] {
  const below = new Set(descendantsOf(Deno.pid));
  return listProcesses()
    .filter(({ pid }) => pid !== Deno.pid)
    .filter(({ pid }) => below.has(pid) || isOurs(pid, owner))
    .map(({ pid, start, state }) => {
      const command = readText(`/proc/${pid}/cmdline`)
        .replaceAll("\0", " ").trim().slice(0, 100);
      const exe = readLink(`/proc/${pid}/exe`);
      return `${pid} (start ${start}) ${state} [${command}] ${exe}`;
    })
    // Whether it runs or sleeps is no difference.
    .map((line) => line.replace(/\) [RSDI] \[/, ") ["));
}

function* listFiles(path: string): Generator<string> {
  let info: Deno.FileInfo;
  try {
    info = Deno.lstatSync(path);
  } catch {
    return;
  }
  const mode = ((info.mode ?? 0) & 0o7777).toString(8);
  const type = info.isDirectory
    ? "directory"
    : info.isSymlink
    ? `link to ${readLink(path)}`
    : info.isFile
    ? `file of ${info.size} bytes`
    : `node ${info.rdev}`;
  yield `${path} (${type}, ${mode}, ${info.uid}:${info.gid})`;
  if (!info.isDirectory) return;
  for (const { name } of listNames(path)) yield* listFiles(`${path}/${name}`);
}

/** Takes down what there is now. */
export function captureHostState(owner: Ownership): HostState {
  return {
    cgroups: new Set(findCgroups(owner.names)),
    mounts: new Set(listMounts(owner)),
    interfaces: new Set(listNames("/sys/class/net").map(({ name }) => name)),
    processes: new Set(listOwnProcesses(owner)),
    files: new Set(owner.directories.flatMap((dir) => [...listFiles(dir)])),
  };
}

/**
 * Compares two states.
 *
 * @param before The earlier one.
 * @param after The later one.
 * @returns One line per difference, `+` for what is new and `-` for what is gone.
 */
export function diffHostStates(before: HostState, after: HostState): string[] {
  return KINDS.flatMap((kind) => [
    ...[...after[kind]].filter((line) => !before[kind].has(line))
      .map((line) => `+ ${kind}: ${line}`),
    ...[...before[kind]].filter((line) => !after[kind].has(line))
      .map((line) => `- ${kind}: ${line}`),
  ]);
}

/**
 * Fails if the host is not as it was before; what is on its way out is given a
 * moment.
 *
 * @param before State before.
 * @param owner As for the earlier state.
 */
export async function assertNothingLeft(
  before: HostState,
  owner: Ownership,
): Promise<void> {
  const end = Date.now() + SETTLE_MS * PATIENCE;
  for (;;) {
    const difference = diffHostStates(before, captureHostState(owner));
    if (difference.length === 0) return;
    if (Date.now() > end) {
      throw new AssertionError(
        `The host is not as it was before:\n${difference.join("\n")}`,
      );
    }
    await delay(20);
  }
}

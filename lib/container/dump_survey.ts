/**
 * What a container has outside of itself, as images must note it.
 *
 * @module
 */
import {
  type ExternalMount,
  externalMounts,
  hostPathsOf,
  type MountLine,
  parseMounts,
  restrictionsOf,
} from "../criu/mounts.ts";
import { describeStream, type DumpedStream } from "../criu/streams.ts";
import type { CheckpointOptions } from "./checkpoint.ts";
import { unsupported } from "./dump_checks.ts";
import type { ImageRecord } from "./images.ts";
import type { StoredState } from "./store_types.ts";

/** Key of a network namespace that the container joined. */
const NETWORK_KEY = "nsinit-network";

function readStream(
  pid: number,
  number: number,
  ids: Set<number>,
): DumpedStream {
  const path = `/proc/${pid}/fd/${number}`;
  try {
    const link = Deno.readLinkSync(path);
    const info = Deno.readTextFileSync(`/proc/${pid}/fdinfo/${number}`);
    const [, mountId = "-1"] = /^mnt_id:\s*(\d+)$/m.exec(info) ?? [];
    const inode = BigInt(Deno.statSync(path).ino ?? 0);
    return describeStream({ link, mountId: Number(mountId), inode }, ids);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return { link: "" };
    throw error;
  }
}

function isSameFile(a: string, b: string): boolean {
  try {
    const [one, other] = [Deno.statSync(a), Deno.statSync(b)];
    return one.dev === other.dev && one.ino === other.ino;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return false;
  }
}

/** Where on the host an outside mount of the container comes from. */
function sourceOf(
  { id, pid }: StoredState,
  mount: MountLine,
  host: readonly MountLine[],
): string {
  const inside = `/proc/${pid}/root${mount.target}`;
  const path = hostPathsOf(mount, host).find((each) =>
    isSameFile(each, inside)
  );
  if (path !== undefined) return path;
  throw unsupported(
    id,
    `what is mounted at ${mount.target} cannot be found on the host any more; unmount it first`,
  );
}

/** What the first process has from outside. */
export interface Seen {
  /** Mounts whose source is on the host. */
  readonly mounts: readonly ExternalMount[];
  /** Its standard streams. */
  readonly streams: readonly DumpedStream[];
}

/**
 * Looks at mounts and streams of the first process.
 *
 * @param state The container, which runs.
 * @returns What it has from outside.
 * @throws {HostError} `HostUnsupported` for a mount whose source is gone.
 */
export function look(state: StoredState): Seen {
  const { pid, namespaces } = state;
  const host = parseMounts(Deno.readTextFileSync("/proc/self/mountinfo"));
  const hasOwn = namespaces.includes("NEWNS");
  const inside = hasOwn
    ? parseMounts(Deno.readTextFileSync(`/proc/${pid}/mountinfo`))
    : host;
  const ids = new Set(inside.map(({ id }) => id));
  const outside = hasOwn
    ? externalMounts(inside, host, namespaces.includes("NEWUSER"))
    : [];
  return {
    mounts: outside.map((mount, index) => ({
      key: `nsinit-${index}`,
      target: mount.target,
      source: sourceOf(state, mount, host),
      restrictions: restrictionsOf(mount),
    })),
    streams: [0, 1, 2].map((number) => readStream(pid, number, ids)),
  };
}

/** The choices alone; what is not chosen is left out. */
function choicesOf(options: CheckpointOptions): ImageRecord["options"] {
  const { tcpEstablished, externalUnixSockets, shellJob, fileLocks } = options;
  return {
    ...(tcpEstablished && { tcpEstablished }),
    ...(externalUnixSockets && { externalUnixSockets }),
    ...(shellJob && { shellJob }),
    ...(fileLocks && { fileLocks }),
  };
}

/** The pid that a process has in its own pid namespace. */
function innerPid(pid: number): number {
  const status = Deno.readTextFileSync(`/proc/${pid}/status`);
  const [, list = ""] = /^NSpid:\s*(.*)$/m.exec(status) ?? [];
  return Number(list.trim().split(/\s+/).at(-1) || pid);
}

/**
 * Makes the notes that a restore needs beside the images.
 *
 * @param state The container, which runs.
 * @param seen What it has from outside.
 * @param options What was asked for.
 * @returns The notes.
 */
export function recordOf(
  state: StoredState,
  seen: Seen,
  options: CheckpointOptions,
): ImageRecord {
  const { id, directory, config, resources } = state;
  const joinsNetwork = config.namespaces.some(({ type, path }) =>
    type === "NEWNET" && path !== undefined
  );
  return {
    version: 1,
    id,
    pid: innerPid(state.pid),
    directory,
    config,
    cgroups: resources.cgroups,
    ...seen,
    ...(joinsNetwork && { network: NETWORK_KEY }),
    options: choicesOf(options),
  };
}

function networkInode(pid: number): string {
  return /\d+/.exec(Deno.readLinkSync(`/proc/${pid}/ns/net`))?.[0] ?? "";
}

/**
 * Names everything outside, for CRIU.
 *
 * @param record The notes.
 * @param pid The first process.
 * @returns One name for each.
 */
export function externalOf(record: ImageRecord, pid: number): string[] {
  const streams = record.streams.flatMap(({ external }) => external ?? []);
  return [
    ...record.mounts.map(({ key, target }) => `mnt[${target}]:${key}`),
    ...new Set(streams),
    ...(record.network === undefined
      ? []
      : [`net[${networkInode(pid)}]:${record.network}`]),
  ];
}

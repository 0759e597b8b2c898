/**
 * The dump of a container: what CRIU is told of it, and what follows.
 *
 * @module
 */
import { closeFd, replaceFile } from "../../ffi/native.ts";
import { openDirectory } from "../../ffi/native.ts";
import { NAMESPACES } from "../config/names/namespaces.ts";
import { CriuError, HostError, KernelError, StateError } from "../errors.ts";
import { CgroupYard } from "./cgroup_yard.ts";
import { decisiveLine, isHarmless, remedyFor } from "../criu/failure.ts";
import {
  type CriuOptions,
  LOCK_BY_NFTABLES,
  REQUESTS,
} from "../criu/messages.ts";
import {
  type ExternalMount,
  externalMounts,
  hostPathsOf,
  type MountLine,
  parseMounts,
  restrictionsOf,
} from "../criu/mounts.ts";
import {
  askFeatures,
  type Criu,
  findCriu,
  findProgram,
} from "../criu/program.ts";
import { type Answer, askCriu, type Notification } from "../criu/session.ts";
import { describeStream, type DumpedStream } from "../criu/streams.ts";
import type { CheckpointOptions, CheckpointRequest } from "./checkpoint.ts";
import { dumpTuning } from "./criu_tuning.ts";
import {
  changeImage,
  type ImageDirectory,
  type ImageRecord,
  writeRecord,
} from "./images.ts";
import { isAlive } from "./liveness.ts";
import { ownerLives } from "./phase.ts";
import { pidsOf } from "./processes.ts";
import { dumpedFile, removeResources, runPoststop } from "./recover.ts";
import { freeOutsideFiles } from "../criu/image_files.ts";
import { whileDumping } from "./memory_progress.ts";
import { writeState } from "./store.ts";
import { NO_RESOURCES, type StoredState } from "./store_types.ts";

/** Key of a network namespace that the container joined. */
const NETWORK_KEY = "nsinit-network";
/** How long CRIU tries to stop the processes, in seconds. */
const STOP_SECONDS = 60;
const EMPTY = new Uint8Array();

/** What is dumped, where to. */
export interface DumpRequest {
  /** The container. */
  readonly state: StoredState;
  /** Its state directory, locked. */
  readonly stateDir: string;
  /** Where the images go. */
  readonly images: ImageDirectory;
  /** Where the log goes, when not to the images. */
  readonly work: ImageDirectory | undefined;
  /** What was asked for. */
  readonly options: CheckpointRequest;
}

function unsupported(id: string, why: string): HostError {
  return new HostError(`Cannot checkpoint container ${id}: ${why}`);
}

/** Refuses what could not be restored. */
function checkConfig({ id, config }: StoredState): void {
  if (config.hostRoot !== undefined) {
    throw unsupported(
      id,
      "its root is made of the host's directories and memory, which images do not hold; give it a root file system",
    );
  }
  if (config.overlay !== undefined && config.overlay.upper === undefined) {
    throw unsupported(
      id,
      "its overlay lies in memory, which images do not hold; give the overlay a directory (upper)",
    );
  }
  const joined = config.namespaces.find(({ type, path }) =>
    path !== undefined && type !== "NEWNET"
  );
  if (joined) {
    throw unsupported(
      id,
      `its namespace ${joined.type} is that of ${joined.path}; only network namespaces of others are given back`,
    );
  }
}

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

interface Seen {
  readonly mounts: readonly ExternalMount[];
  readonly streams: readonly DumpedStream[];
}

/** Looks at mounts and streams of the first process. */
function look(state: StoredState): Seen {
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

function recordOf(
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

/** Names of everything outside, for CRIU. */
function externalOf(record: ImageRecord, pid: number): string[] {
  const streams = record.streams.flatMap(({ external }) => external ?? []);
  return [
    ...record.mounts.map(({ key, target }) => `mnt[${target}]:${key}`),
    ...new Set(streams),
    ...(record.network === undefined
      ? []
      : [`net[${networkInode(pid)}]:${record.network}`]),
  ];
}

/** The group through which CRIU stops all processes at once. */
function freezerOf({ resources }: StoredState): string | undefined {
  const { cgroups } = resources;
  const group =
    cgroups.find(({ version, controllers }) =>
      version === 1 && controllers.includes("freezer")
    ) ?? cgroups.find(({ version }) => version === 2);
  return group?.path;
}

/**
 * Options that dump and restore have in common.
 *
 * @param record The notes.
 * @returns For CRIU.
 */
export async function commonOptions(
  record: ImageRecord,
): Promise<Omit<CriuOptions, "imagesDirFd">> {
  const { config, options } = record;
  const ownNetwork = config.namespaces.some(({ type, path }) =>
    type === "NEWNET" && path === undefined
  );
  const hasIptables = await findProgram("iptables-restore") !== undefined;
  return {
    logLevel: 4,
    notifyScripts: true,
    manageCgroups: true,
    orphanPtsMaster: true,
    externalSharing: true,
    externalMasters: true,
    ...(ownNetwork && { emptyNamespaces: NAMESPACES.NEWNET.flag }),
    ...(hasIptables ? {} : { networkLock: LOCK_BY_NFTABLES }),
    ...(options.tcpEstablished && { tcpEstablished: true }),
    ...(options.externalUnixSockets && { extUnixSk: true }),
    ...(options.shellJob && { shellJob: true }),
    ...(options.fileLocks && { fileLocks: true }),
  };
}

/** Why CRIU has failed, as far as it says so. */
function wordsOf(
  text: string | undefined,
  { output, response }: Answer,
): string {
  // What the log ends with where it has no more room is no whole line.
  const whole = text?.slice(0, text.lastIndexOf("\n") + 1) ?? "";
  const line = decisiveLine(whole) ?? decisiveLine(output);
  const isCut = text !== undefined && !text.endsWith("\n");
  if (isCut && (line === undefined || isHarmless(line))) {
    return "nothing more, and its log is cut off";
  }
  return line ?? response?.message?.trim() ?? "it ended without a word";
}

/** Where CRIU has written its log. */
export interface LogPlace {
  /** Directory. */
  readonly directory: string;
  /** Name in it. */
  readonly name: string;
  /** Directory of the images, where it is another one. */
  readonly images?: string;
}

/** CRIU writes in pages and tar in records: what is left after a refused write is less than this. */
const FULL_BELOW = 64 * 1024;

/**
 * What CRIU mostly keeps to itself: that there was no room. Programs that it
 * starts (tar, for what a tmpfs holds) write as well, and it only sees them fail.
 */
async function lackOfRoom(directory: string): Promise<string | undefined> {
  const { statfs } = await import("node:fs/promises");
  const { bavail, bsize, blocks } = await statfs(directory);
  // Some file systems count nothing.
  if (blocks === 0 || bavail * bsize >= FULL_BELOW) return undefined;
  return `the file system of ${directory} seems to be full`;
}

/**
 * Words a failure of CRIU: the line of its log that decides.
 *
 * @param attempt What was attempted, as `Cannot ...`.
 * @param answer What CRIU has answered.
 * @param log Where its log is.
 * @param shown Path of the log for the reader, where it is moved to; empty for one that is lost.
 * @returns The error.
 */
export async function criuFailure(
  attempt: string,
  answer: Answer,
  log: LogPlace,
  shown?: string,
): Promise<Error> {
  if (answer.thrown instanceof Error) return answer.thrown;
  const path = `${log.directory}/${log.name}`;
  const text = await Deno.readTextFile(path).catch((error) => {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return undefined;
  });
  const line = wordsOf(text, answer);
  const remedy = remedyFor(line) ??
    await lackOfRoom(log.images ?? log.directory);
  const isThere = text !== undefined && shown !== "";
  const where = isThere ? ` (all of it is in ${shown ?? path})` : "";
  return new CriuError(
    `${attempt}: CRIU says: ${line}${where}${
      remedy === undefined ? "" : `; ${remedy}`
    }`,
    {
      context: {
        log: isThere ? shown ?? path : undefined,
        line,
        errno: answer.response?.errno,
      },
    },
  );
}

/** Refuses what CRIU or the kernel does not offer. */
async function checkFeatures(
  criu: Criu,
  id: string,
  { preDump, parentPath, lazyPages }: CheckpointOptions,
): Promise<void> {
  const tracks = preDump || parentPath !== undefined;
  if (!tracks && !lazyPages) return;
  const found = await askFeatures(criu, {
    ...(tracks && { memoryTracking: true }),
    ...(lazyPages && { lazyPages: true }),
  });
  if (tracks && !found.memoryTracking) {
    throw unsupported(
      id,
      "this kernel does not track changed memory (CONFIG_MEM_SOFT_DIRTY; criu check --feature mem_dirty_track), which --pre-dump and --parent-path need; leave them out",
    );
  }
  if (lazyPages && !found.lazyPages) {
    throw unsupported(
      id,
      "this kernel or CRIU does not offer lazy pages (userfaultfd; criu check --feature uffd-noncoop); leave --lazy-pages out",
    );
  }
}

/** Waits for what CRIU has killed to be gone. */
async function untilDead(state: StoredState): Promise<void> {
  const end = Date.now() + 10_000;
  while (isAlive(state) && Date.now() < end) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** How long the pids of what CRIU has killed are waited for, in milliseconds. */
const REAP_MS = 5000;

/**
 * Waits until the parents of a container's processes have taken notice of their
 * ends: without a pid namespace of its own they come back with the same pids.
 */
async function untilReaped(
  { namespaces }: StoredState,
  pids: readonly number[],
): Promise<void> {
  if (namespaces.includes("NEWPID")) return;
  const end = Date.now() + REAP_MS;
  const isThere = (pid: number): Promise<boolean> =>
    Deno.stat(`/proc/${pid}`).then(() => true, () => false);
  for (const pid of pids) {
    while (await isThere(pid) && Date.now() < end) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** Takes away what the container had outside, and records where its processes are. */
async function settleCheckpointed(
  { state, stateDir, images }: DumpRequest,
  pids: readonly number[],
): Promise<void> {
  await untilDead(state);
  await removeResources(state);
  await untilReaped(state, pids);
  const { exit: _, ...rest } = state;
  writeState(stateDir, {
    ...rest,
    phase: "checkpointed",
    resources: NO_RESOURCES,
    images: images.path,
  });
  await runPoststop(state);
}

/** The one that watches the container is told that nothing is left to it. */
class MonitorNote {
  readonly #name: string | undefined;

  constructor(readonly dir: string, state: StoredState) {
    const hasMonitor = !state.kept && ownerLives(state);
    this.#name = hasMonitor ? dumpedFile(state) : undefined;
  }

  write(): void {
    if (this.#name === undefined) return;
    replaceFile(this.dir, this.#name, EMPTY, { mode: 0o600 });
  }

  async remove(): Promise<void> {
    if (this.#name === undefined) return;
    await Deno.remove(`${this.dir}/${this.#name}`).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}

/** Images that are thrown away must not take the log with them. */
async function keepLog(
  { images, work }: DumpRequest,
  name: string,
): Promise<string | undefined> {
  if (work) return undefined;
  const kept = `${images.path}.${name}`;
  const text = await Deno.readTextFile(`${images.path}/${name}`)
    .catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    replaceFile(
      kept.slice(0, kept.lastIndexOf("/")) || "/",
      kept.slice(kept.lastIndexOf("/") + 1),
      new TextEncoder().encode(text),
      { mode: 0o600 },
    );
    return kept;
  } catch (error) {
    // Of two failures the dump's is the one to tell.
    if (error instanceof KernelError) return "";
    throw error;
  }
}

function dumpOptions(
  { state, options }: DumpRequest,
  record: ImageRecord,
): Partial<CriuOptions> {
  const freezer = freezerOf(state);
  const { leaveRunning, preDump, parentPath, pageServer, lazyPages } = options;
  const tracks = preDump || parentPath !== undefined;
  return {
    pid: state.pid,
    external: externalOf(record, state.pid),
    timeout: STOP_SECONDS,
    ...(freezer === undefined ? {} : { freezeCgroup: freezer }),
    ...(leaveRunning && { leaveRunning: true }),
    ...(tracks && { trackMemory: true }),
    ...(parentPath === undefined ? {} : { parentImage: parentPath }),
    ...(pageServer && { pageServer }),
    ...(lazyPages && { lazyPages: true }),
  };
}

async function ask(
  request: DumpRequest,
  criu: Criu,
  record: ImageRecord,
  notified: (notification: Notification) => Promise<void>,
): Promise<Answer> {
  const { images, work, options, stateDir } = request;
  await using yard = await CgroupYard.create(stateDir);
  const name = options.preDump ? "pre-dump.log" : "dump.log";
  const fds: number[] = [];
  const open = (path: string): number => {
    const fd = openDirectory(path);
    fds.push(fd);
    return fd;
  };
  try {
    const wanted = {
      type: options.preDump ? REQUESTS.preDump : REQUESTS.dump,
      options: {
        imagesDirFd: open(images.path),
        workDirFd: open((work ?? images).path),
        logFile: name,
        ...await commonOptions(record),
        ...dumpOptions(request, record),
        ...(yard.path !== undefined && { cgroupYard: yard.path }),
        ...dumpTuning(options.tuning ?? {}),
      },
    };
    return await whileDumping(
      images.path,
      options.onProgress,
      () => askCriu(criu, wanted, notified),
    );
  } finally {
    for (const fd of fds) closeFd(fd);
  }
}

/**
 * Dumps a container that runs; its lock must be held.
 *
 * @param request What, where to.
 * @throws {HostError} `HostUnsupported` for what cannot be dumped, or not here.
 * @throws {CriuError} `CriuFailed` if CRIU fails; the container goes on.
 */
export async function dump(request: DumpRequest): Promise<void> {
  const { state, stateDir, images, work, options } = request;
  const attempt = `Cannot checkpoint container ${state.id}`;
  checkConfig(state);
  const criu = await findCriu(options.criu ?? "criu");
  await checkFeatures(criu, state.id, options);
  options.onDebug?.(`CRIU ${criu.version.join(".")} at ${criu.program}`);
  const record = recordOf(state, look(state), options);
  const note = new MonitorNote(stateDir, state);
  const stays = options.leaveRunning === true || options.preDump === true;
  const pids = stays ? [] : pidsOf(state);
  const answer = await ask(request, criu, record, async ({ point }) => {
    options.onDebug?.(`CRIU has reached ${point}`);
    // The processes are still stopped: whatever fails here lets them go on.
    if (point !== "post-dump" || options.preDump) return;
    if (record.streams.some(({ key }) => key?.startsWith("file["))) {
      await changeImage(images.path, "files.img", freeOutsideFiles);
    }
    writeRecord(images.path, record);
    if (!stays) note.write();
  });
  if (answer.response?.success !== true || answer.thrown !== undefined) {
    if (!isAlive(state)) {
      throw new StateError("ContainerNotRunning", `${attempt}: it has ended`);
    }
    await note.remove();
    const name = options.preDump ? "pre-dump.log" : "dump.log";
    const kept = await keepLog(request, name);
    const directory = (work ?? images).path;
    const places = { directory, name, images: images.path };
    throw await criuFailure(attempt, answer, places, kept);
  }
  if (!stays) await settleCheckpointed(request, pids);
}

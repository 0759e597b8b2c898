/**
 * The dump of a container: what CRIU is told of it, and what follows.
 *
 * @module
 */
import { closeFd, openDirectory, replaceFile } from "../../ffi/native.ts";
import { freeOutsideFiles } from "../criu/image_files.ts";
import { type CriuOptions, REQUESTS } from "../criu/messages.ts";
import { type Criu, findCriu } from "../criu/program.ts";
import { type Answer, askCriu, type Notification } from "../criu/session.ts";
import { KernelError, StateError } from "../errors.ts";
import { CgroupYard } from "./cgroup_yard.ts";
import type { CheckpointRequest } from "./checkpoint.ts";
import { criuFailure } from "./criu_failure.ts";
import { commonOptions } from "./criu_options.ts";
import { dumpTuning } from "./criu_tuning.ts";
import { checkConfig, checkFeatures } from "./dump_checks.ts";
import { MonitorNote, settleCheckpointed } from "./dump_settle.ts";
import { externalOf, look, recordOf } from "./dump_survey.ts";
import {
  changeImage,
  type ImageDirectory,
  type ImageRecord,
  writeRecord,
} from "./images.ts";
import { isAlive } from "./liveness.ts";
import { whileDumping } from "./memory_progress.ts";
import { pidsOf } from "./processes.ts";
import type { StoredState } from "./store_types.ts";

/** How long CRIU tries to stop the processes, in seconds. */
const STOP_SECONDS = 60;

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

/** The group through which CRIU stops all processes at once. */
function freezerOf({ resources }: StoredState): string | undefined {
  const { cgroups } = resources;
  const group =
    cgroups.find(({ version, controllers }) =>
      version === 1 && controllers.includes("freezer")
    ) ?? cgroups.find(({ version }) => version === 2);
  return group?.path;
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

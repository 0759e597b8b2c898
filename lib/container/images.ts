/**
 * The directory of a checkpoint: CRIU's images, and what nsinit notes beside
 * them.
 *
 * What is in it decides what a restored container does, with all rights that
 * its images say: only a directory that nobody else can change is used.
 *
 * @module
 */
import { effectiveUserId, replaceFile } from "../../ffi/native.ts";
import type { Config } from "../config/types.ts";
import type { ExternalMount } from "../criu/mounts.ts";
import { type DumpedStream, terminalOf } from "../criu/streams.ts";
import { describeCause, HostError, StateError, UsageError } from "../errors.ts";
import type { ResourceCgroup } from "../plan/types.ts";
import { formatData, parseData } from "./configs.ts";

/** What nsinit notes beside the images. */
export interface ImageRecord {
  /** Version of this shape. */
  readonly version: 1;
  /** Id of the container. */
  readonly id: string;
  /** Its directory; empty for one that has none. */
  readonly directory: string;
  /** Its configuration. */
  readonly config: Config;
  /** Process id of its first process, as that sees it. */
  readonly pid: number;
  /** Its groups, which its cgroup mounts show. */
  readonly cgroups: readonly ResourceCgroup[];
  /** Mounts that come from outside. */
  readonly mounts: readonly ExternalMount[];
  /** Standard streams. */
  readonly streams: readonly DumpedStream[];
  /** Key of a network namespace that was joined by path; absent for one of its own, and for the host's. */
  readonly network?: string;
  /** What the dump was asked to take along, which the restore has to know. */
  readonly options: DumpChoices;
}

/** Choices that hold for dump and restore alike. */
export interface DumpChoices {
  /** Open TCP connections are kept. */
  readonly tcpEstablished?: boolean;
  /** Unix sockets that are connected to others outside. */
  readonly externalUnixSockets?: boolean;
  /** The session or the terminal belongs to others. */
  readonly shellJob?: boolean;
  /** Locks of files that are held. */
  readonly fileLocks?: boolean;
}

/** Name of the note. */
export const RECORD_FILE = "nsinit.json";
/** The links of the standard streams, as the original wrote them. */
const DESCRIPTORS_FILE = "descriptors.json";
const RECORD_LIMIT_BYTES = 16_777_216;

/** Why a file or directory cannot be trusted; undefined when it can. */
function distrust(info: Deno.FileInfo): string | undefined {
  const uid = effectiveUserId();
  if (info.uid !== uid && info.uid !== 0) {
    return `it belongs to user ${info.uid}`;
  }
  if (((info.mode ?? 0) & 0o022) !== 0) return "others may write to it";
  return undefined;
}

/** What to do about images that are not whole. */
const ANEW = "make the checkpoint anew";

function refuse(path: string, why: string, hint: string): never {
  throw new StateError(
    "ContainerNotExists",
    `Cannot use images of ${path}: ${why}; ${hint}`,
    { context: { path } },
  );
}

async function lookAt(path: string): Promise<Deno.FileInfo | undefined> {
  try {
    return await Deno.lstat(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** A directory that a dump writes to. */
export interface ImageDirectory {
  /** Its canonical path. */
  readonly path: string;
  /** Whether the dump has made it. */
  readonly isNew: boolean;
  /** Names that were in it before. */
  readonly before: ReadonlySet<string>;
}

async function namesIn(path: string): Promise<Set<string>> {
  const names = new Set<string>();
  for await (const { name } of Deno.readDir(path)) names.add(name);
  return names;
}

/**
 * Makes a directory for images or logs, of one level, unless it is there.
 *
 * @param path Where.
 * @returns The directory.
 * @throws {UsageError} `UsageInvalid` if it cannot be made.
 * @throws {StateError} `ContainerNotExists` if others could change it.
 */
export async function makeImageDirectory(
  path: string,
): Promise<ImageDirectory> {
  const found = await lookAt(path);
  if (!found) {
    try {
      await Deno.mkdir(path, { mode: 0o700 });
    } catch (cause) {
      if (cause instanceof Deno.errors.NotCapable) throw cause;
      const hint = cause instanceof Deno.errors.NotFound
        ? "; make the directory that it is to be in"
        : "";
      throw new UsageError(
        `Cannot make directory ${path} for images: ${
          describeCause(cause)
        }${hint}`,
        { cause },
      );
    }
    const canonical = await Deno.realPath(path);
    return { path: canonical, isNew: true, before: new Set() };
  }
  const canonical = await Deno.realPath(path);
  const info = await Deno.lstat(canonical);
  if (!info.isDirectory) {
    throw new UsageError(`Cannot write images to ${path}: it is no directory`);
  }
  const why = distrust(info);
  if (why !== undefined) {
    refuse(path, why, "memory of the container goes there: chmod 700 it");
  }
  return { path: canonical, isNew: false, before: await namesIn(canonical) };
}

/**
 * Takes away what a failed dump has written; files that were there before stay.
 *
 * @param directory The directory.
 */
export async function discardImages(
  { path, isNew, before }: ImageDirectory,
): Promise<void> {
  if (isNew) return await Deno.remove(path, { recursive: true });
  for (const name of await namesIn(path)) {
    if (!before.has(name)) {
      await Deno.remove(`${path}/${name}`, { recursive: true });
    }
  }
}

/**
 * Writes the notes beside the images.
 *
 * @param path Directory of the images.
 * @param record The notes.
 */
export function writeRecord(path: string, record: ImageRecord): void {
  const encoder = new TextEncoder();
  const links = record.streams.map(({ link }) => link);
  replaceFile(
    path,
    DESCRIPTORS_FILE,
    encoder.encode(JSON.stringify(links) + "\n"),
    { mode: 0o600 },
  );
  replaceFile(path, RECORD_FILE, encoder.encode(formatData(record)), {
    mode: 0o600,
  });
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function hasShape(value: unknown): value is ImageRecord {
  if (!isObject(value) || value["version"] !== 1) return false;
  const { id, pid, directory, config, cgroups, mounts, streams, options } =
    value;
  return typeof id === "string" && Number.isSafeInteger(pid) &&
    typeof directory === "string" &&
    isObject(config) && isObject(options) &&
    [cgroups, mounts, streams, config["mounts"], config["namespaces"]]
      .every(Array.isArray);
}

/** A checkpoint that can be restored. */
export interface Images {
  /** Canonical path of the directory. */
  readonly path: string;
  /** The notes. */
  readonly record: ImageRecord;
  /** Whether the first process has a terminal. */
  readonly hasTerminal: boolean;
}

async function readRecord(path: string): Promise<ImageRecord> {
  const file = `${path}/${RECORD_FILE}`;
  const info = await lookAt(file);
  if (!info) {
    refuse(path, `there is no ${RECORD_FILE}`, "it is no checkpoint of nsinit");
  }
  if (!info.isFile || info.size > RECORD_LIMIT_BYTES) {
    refuse(
      path,
      `${RECORD_FILE} is no regular file of ordinary size`,
      ANEW,
    );
  }
  let value: unknown;
  try {
    value = parseData(await Deno.readTextFile(file));
  } catch (cause) {
    if (cause instanceof Deno.errors.NotCapable) throw cause;
    refuse(
      path,
      `${RECORD_FILE}: ${describeCause(cause)}`,
      ANEW,
    );
  }
  if (hasShape(value)) return value;
  return refuse(
    path,
    `${RECORD_FILE} is of another version`,
    "restore it with the nsinit that made it",
  );
}

/**
 * Opens a checkpoint.
 *
 * @param path Its directory.
 * @returns The checkpoint.
 * @throws {StateError} `ContainerNotExists` if there is none, or others could have changed it.
 *
 * @example
 * ```ts ignore
 * const { record } = await openImages("/var/lib/checkpoints/demo");
 * ```
 */
export async function openImages(path: string): Promise<Images> {
  const canonical = await Deno.realPath(path).catch((error) => {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return refuse(path, "there is no such directory", "checkpoint makes it");
  });
  const info = await Deno.lstat(canonical);
  if (!info.isDirectory) {
    refuse(path, "it is no directory", "name the one that checkpoint has made");
  }
  const hint =
    "whoever can change images can run anything as root: chown and chmod 700 what you trust";
  const why = distrust(info);
  if (why !== undefined) refuse(path, why, hint);
  for (const name of await namesIn(canonical)) {
    const file = await lookAt(`${canonical}/${name}`);
    const reason = file && !file.isSymlink ? distrust(file) : undefined;
    if (reason !== undefined) refuse(`${path}/${name}`, reason, hint);
  }
  const record = await readRecord(canonical);
  // Of some that are missing CRIU says nothing at all.
  for (const name of ["inventory", "pstree", `core-${record.pid}`]) {
    if (await lookAt(`${canonical}/${name}.img`)) continue;
    refuse(path, `there is no ${name}.img`, ANEW);
  }
  const hasTerminal = record.streams.some((each) =>
    terminalOf(each) !== undefined
  );
  return { path: canonical, record, hasTerminal };
}

/**
 * Refuses a file system on which images cannot lie.
 *
 * @param path Directory of the images.
 * @param rootfs Root of the container, which could change them.
 * @throws {HostError} `HostUnsupported` if they would lie in the container.
 */
export function checkOutside(path: string, rootfs: string): void {
  if (rootfs !== "/" && (path === rootfs || path.startsWith(`${rootfs}/`))) {
    throw new HostError(
      `Cannot keep images in ${path}: that is inside the container's root, where it could change them; choose another directory`,
    );
  }
}

/**
 * Changes an image in its place.
 *
 * @param path Directory of the images.
 * @param name Name of the image.
 * @param change Gives the new bytes; undefined to leave it.
 * @throws {StateError} `ContainerNotExists` if the image is damaged.
 */
export async function changeImage(
  path: string,
  name: string,
  change: (image: Uint8Array) => Uint8Array<ArrayBuffer> | undefined,
): Promise<void> {
  const image = await Deno.readFile(`${path}/${name}`);
  let changed: Uint8Array<ArrayBuffer> | undefined;
  try {
    changed = change(image);
  } catch (cause) {
    // It tells of bytes that are no message, wherever in the image they are.
    if (!(cause instanceof RangeError)) throw cause;
    refuse(path, `${name} is damaged`, ANEW);
  }
  if (changed) replaceFile(path, name, changed, { mode: 0o600 });
}

/**
 * Lets root of a user namespace read the images, and nobody else: CRIU reads
 * some of them as that.
 *
 * @param path Directory of the images.
 * @param gid Group on the host that is group 0 inside.
 */
export async function shareImages(path: string, gid: number): Promise<void> {
  await Deno.chown(path, null, gid);
  await Deno.chmod(path, 0o750);
  for (const name of await namesIn(path)) {
    const info = await lookAt(`${path}/${name}`);
    if (!info?.isFile) continue;
    await Deno.chown(`${path}/${name}`, null, gid);
    await Deno.chmod(`${path}/${name}`, 0o640);
  }
}

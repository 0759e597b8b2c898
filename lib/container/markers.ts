/**
 * The marker of a configuration's era in the container's directory: for people
 * and old scripts, written without following links, never read.
 *
 * @module
 */
import { CONFIG_FILE, PLACE_MODE } from "./config_place.ts";
import type { Dialect } from "../config/types.ts";
import {
  closeFd,
  inodeOf,
  replaceFile,
  temporaryName,
  writeDescriptor,
} from "../../ffi/native.ts";
import { describeErrno } from "../../ffi/errno.ts";
import { KernelError, StateError } from "../errors.ts";
import { lookAt } from "./look_at.ts";

/**
 * Names of the marker files of an era.
 *
 * @param dialect Dialect of the configuration; absent means D.
 * @returns File names.
 *
 * @example
 * ```ts
 * import { markerNames } from "./markers.ts";
 *
 * if (markerNames("A2")[0] !== ".nspid") throw new Error("wrong era");
 * ```
 */
export function markerNames(dialect: Dialect | undefined): readonly string[] {
  switch (dialect) {
    case "A1":
    case "A2":
    case "A3":
    case "A4":
      return [".nspid"];
    case "A5":
      return ["pid"];
    case "B1":
    case "B2":
    case "B3":
    case "C0":
      return ["pid", "start"];
    default:
      return ["state.json"];
  }
}

/** Mode of a marker of that name, from its first instant. */
export function markerMode(name: string): number {
  return name === CONFIG_FILE ? PLACE_MODE : 0o644;
}

/**
 * Names under which a marker is made before it gets its own.
 *
 * @param name The marker's.
 * @returns The one that it has until then, and a temporary one.
 */
export function markerStages(name: string): readonly [string, string] {
  const staged = stagedName(name);
  return [staged, temporaryName(staged)];
}

/** A marker that stands but has no content yet. */
export interface ReservedMarker {
  /** Its directory. */
  readonly dir: string;
  /** Its name. */
  readonly name: string;
  /** Its inode, in decimal. */
  readonly inode: string;
  /** Write descriptor; the content goes through it, so that a bind of the file shows it. */
  readonly fd: number;
}

/** Name under which a marker is made; unlike the marker's own it can only be ours. */
function stagedName(name: string): string {
  return `.${name}.nsinit-new`;
}

/**
 * Files that {@linkcode stageMarkers} may leave when it is killed: recorded
 * before it is called.
 *
 * @param dir The container's directory.
 * @param names Names of the markers.
 * @returns The files.
 */
export function stagedFiles(
  dir: string,
  names: readonly string[],
): { dir: string; name: string }[] {
  return names.flatMap(markerStages).map((name) => ({ dir, name }));
}

function refuseName(dir: string, name: string, cause?: unknown): never {
  throw new StateError(
    "IdInUse",
    `Cannot write the marker ${dir}/${name}: something that is not a regular file has that name; remove it`,
    { cause },
  );
}

/** A directory that somebody else owns, or that cannot be written to. */
function refuseDirectory(
  dir: string,
  name: string,
  cause: KernelError,
): never {
  throw new KernelError(
    `Cannot write the marker ${dir}/${name}, which tells that the container runs: ` +
      `${describeErrno(cause.errno)}; name a directory of yours by --data-path`,
    { errno: cause.errno, errnoName: cause.errnoName, cause },
  );
}

function stage(dir: string, name: string): number {
  const options = { mode: markerMode(name), keep: true, regularOnly: true };
  const staged = stagedName(name);
  try {
    return replaceFile(dir, staged, new Uint8Array(), options);
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    switch (error.errnoName) {
      case "EEXIST":
        return refuseName(dir, staged, error);
      case "EACCES":
      case "EPERM":
      case "EROFS":
        return refuseDirectory(dir, name, error);
      default:
        throw error;
    }
  }
}

/**
 * Makes empty markers under other names, so that they can be recorded before
 * they replace anything.
 *
 * @param dir The container's directory.
 * @param names Names of the markers.
 * @returns The markers, to be published and filled, or removed.
 * @throws {KernelError} `SystemError` if one cannot be written.
 * @throws {StateError} `IdInUse` if something else has the name.
 */
export function stageMarkers(
  dir: string,
  names: readonly string[],
): ReservedMarker[] {
  return names.map((name) => {
    const staged = stagedName(name);
    const fd = stage(dir, name);
    return { dir, name, inode: String(inodeOf(dir, staged) ?? 0n), fd };
  });
}

/**
 * Gives the markers their names; rename(2) follows no links.
 *
 * @param markers Staged markers.
 * @throws {StateError} `IdInUse` if something that is not a regular file has the name.
 */
export function publishMarkers(markers: readonly ReservedMarker[]): void {
  for (const { dir, name } of markers) {
    const found = lookAt(`${dir}/${name}`);
    if (found && !found.isFile) refuseName(dir, name);
    Deno.renameSync(`${dir}/${stagedName(name)}`, `${dir}/${name}`);
  }
}

/** Closes the markers' descriptors. */
export function closeMarkers(markers: readonly ReservedMarker[]): void {
  for (const marker of markers) closeFd(marker.fd);
}

/** What markers tell about the first process. */
export interface MarkerFacts {
  /** Host pid. */
  readonly pid: number;
  /** Field 22 of /proc/PID/stat. */
  readonly startTime: string;
  /** Outer and inner names of the first veth, if any. */
  readonly veth?: { readonly host: string; readonly child: string };
  /** cgroup directory per controller. */
  readonly cgroupPaths: Readonly<Record<string, string>>;
}

/** What is in a marker. */
export function markerContent(name: string, facts: MarkerFacts): string {
  if (name === CONFIG_FILE) return "";
  if (name === "start") return facts.startTime;
  if (name !== "state.json") return String(facts.pid);
  const state = {
    init_pid: facts.pid,
    init_start_time: facts.startTime,
    network_state: facts.veth
      ? { veth_host: facts.veth.host, veth_child: facts.veth.child }
      : {},
    cgroup_paths: facts.cgroupPaths,
  };
  return JSON.stringify(state) + "\n";
}

/** Fills the markers in place. */
export function fillMarkers(
  markers: readonly ReservedMarker[],
  facts: MarkerFacts,
): void {
  const encoder = new TextEncoder();
  for (const marker of markers) {
    writeDescriptor(
      marker.fd,
      encoder.encode(markerContent(marker.name, facts)),
    );
  }
}

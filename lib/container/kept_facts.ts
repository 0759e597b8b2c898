/**
 * What a start was decided from, so far as it may be another the next time.
 *
 * @module
 */
import {
  encodeNumbers,
  encodePlace,
  type KeptItem,
} from "../../ffi/encode_start.ts";
import type { CgroupHierarchy } from "../host/types.ts";
import { CONFIG_FILE } from "./config_place.ts";
import type { ExecRequest } from "./request.ts";
import { callersOpenFiles } from "./process_spec.ts";

/** Namespaces in which paths, users and processes are what they are. */
const NAMESPACES = ["mnt", "user", "pid", "cgroup"];
/** Variables that stand for options. */
const VARIABLES = ["data_path", "log", "console"];

const encoder = new TextEncoder();

/** What a file holds. */
export function fileFact(path: string): KeptItem {
  const name = encoder.encode(path + "\0");
  const content = Deno.readFileSync(path);
  const data = new Uint8Array(name.length + content.length);
  data.set(name);
  data.set(content, name.length);
  return { kind: "file", data };
}

function placeFact(path: string, found: Deno.FileInfo): KeptItem {
  const { dev, ino } = found;
  if (ino === null) throw new TypeError(`Cannot tell ${path} from others`);
  return { kind: "place", data: encodePlace(path, { dev, ino }) };
}

function place(path: string): KeptItem {
  return placeFact(path, Deno.statSync(path));
}

/** As {@linkcode place}, of a file that must not have been written either. */
export function versionOf(file: string, seenAs: string): KeptItem {
  const { dev, ino, size, mtime, ctime } = Deno.statSync(file);
  if (ino === null || mtime === null || ctime === null) {
    throw new TypeError(`Cannot tell ${file} from others`);
  }
  const version = {
    size,
    modified: mtime.getTime(),
    changed: ctime.getTime(),
  };
  return { kind: "place", data: encodePlace(seenAs, { dev, ino, version }) };
}

/** Rights of this process, as the kernel words them. */
function rightsFact(): KeptItem {
  const text = Deno.readTextFileSync("/proc/self/status");
  const rights = /^CapInh:[\s\S]*?^Seccomp:.*\n/m.exec(text)?.[0];
  if (rights === undefined) throw new TypeError("Cannot find the rights");
  return { kind: "lines", data: `/proc/self/status\0${rights}` };
}

function limitFact(): KeptItem {
  const limit = callersOpenFiles();
  if (limit === undefined) throw new TypeError("Cannot find the limits");
  return {
    kind: "limit",
    data: encodeNumbers([BigInt(limit.soft), BigInt(limit.hard)]),
  };
}

/** A path as it was given, and the same one by its canonical name. */
function placesOf(path: string): KeptItem[] {
  const canonical = Deno.realPathSync(path);
  return canonical === path ? [place(path)] : [place(path), place(canonical)];
}

/** A configuration, or that there is none: an empty one that a command has put there counts. */
function configFacts({ configPath, directory }: ExecRequest): KeptItem[] {
  const usual = `${directory}/${CONFIG_FILE}`;
  const paths = configPath === undefined ? [usual] : [usual, configPath];
  return [...new Set(paths)].flatMap((path): KeptItem[] => {
    try {
      return [place(path), fileFact(path)];
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
      return [{ kind: "absent", data: `${path}\0` }];
    }
  });
}

function groupFacts({ base, version }: CgroupHierarchy): KeptItem[] {
  return version === 2
    ? [place(base), fileFact(`${base}/cgroup.controllers`)]
    : [place(base)];
}

/**
 * Looks at everything that a start was decided from, but for the command line.
 *
 * @param request What was asked.
 * @param rootfs The root file system as the configuration names it.
 * @param hierarchies Cgroup hierarchies of the machine.
 * @param launcher The program that looks at them the next time.
 * @returns The facts.
 * @throws {TypeError} If something cannot be told.
 * @throws {Deno.errors.NotFound} Or another of its kind, if something cannot be read.
 */
export function collectFacts(
  request: ExecRequest,
  rootfs: string,
  hierarchies: readonly CgroupHierarchy[],
  launcher: string,
): KeptItem[] {
  const isSet = (name: string): boolean => Deno.env.get(name) !== undefined;
  if (VARIABLES.some(isSet)) throw new TypeError("A variable stands in");
  return [
    versionOf(launcher, "/proc/self/exe"),
    fileFact("/proc/sys/kernel/random/boot_id"),
    ...VARIABLES.map((name): KeptItem => ({
      kind: "unset",
      data: `${name}\0`,
    })),
    limitFact(),
    ...configFacts(request),
    ...placesOf(request.directory),
    ...placesOf(rootfs),
    ...NAMESPACES.map((name) => place(`/proc/self/ns/${name}`)),
    rightsFact(),
    fileFact("/proc/1/cgroup"),
    ...hierarchies.flatMap(groupFacts),
  ];
}

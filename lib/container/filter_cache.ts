/**
 * Compiled seccomp filters on disk: libseccomp takes longer for some hundred
 * rules than a container takes to start, and a command line compiles anew each
 * time.
 *
 * The directory lies beside the default state root, not in it, where whatever
 * stays behind looks like a container. Whoever may write there decides what
 * filters do, so it has to be ours like the root itself. Each file holds the
 * rules that it was made of, and counts only for exactly these.
 *
 * @module
 */
import { type FilterCache, seccompVersion } from "../../ffi/seccomp.ts";
import { effectiveUserId, replaceFile } from "../../ffi/native.ts";
import { hashOf, loadBytes } from "../../ffi/state_files.ts";
import { KernelError } from "../errors.ts";
import { defaultStateRoot } from "./state_root.ts";

/** Changes when the layout of the files or what is compiled does. */
const FORMAT = 2;
const LIMIT_BYTES = 1 << 20;
/** When there are more files, all go: rules that are still used come back. */
const KEPT_FILES = 64;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What a file is about, as its first part. */
function headOf(rules: string): string {
  return `${FORMAT} ${Deno.build.arch} ${seccompVersion()} ${rules}\0`;
}

function makeDirectory(dir: string): void {
  try {
    Deno.mkdirSync(dir, { mode: 0o700 });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

/** Whether nobody else may write to a directory. */
function isOurs(dir: string): boolean {
  const { isDirectory, uid, mode } = Deno.lstatSync(dir);
  return isDirectory && uid === effectiveUserId() &&
    ((mode ?? 0) & 0o022) === 0;
}

/** The disk is full, it is not there, another process was faster: never worth failing for. */
function isMiss(error: unknown): boolean {
  return error instanceof KernelError || error instanceof TypeError ||
    Object.values(Deno.errors).some((kind) => error instanceof kind);
}

function makeRoom(dir: string): void {
  const names = [...Deno.readDirSync(dir)].map(({ name }) => name);
  if (names.length < KEPT_FILES) return;
  for (const name of names) Deno.removeSync(`${dir}/${name}`);
}

function load(
  dir: string,
  name: string,
): Uint8Array<ArrayBuffer> | undefined {
  try {
    if (!isOurs(dir)) return undefined;
    return loadBytes(`${dir}/${name}`, LIMIT_BYTES);
  } catch (error) {
    if (isMiss(error)) return undefined;
    throw error;
  }
}

function store(
  dir: string,
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
): void {
  try {
    makeDirectory(dir);
    if (!isOurs(dir)) return;
    makeRoom(dir);
    replaceFile(dir, name, bytes, { mode: 0o600 });
  } catch (error) {
    if (!isMiss(error)) throw error;
  }
}

/** Where the cache of this program's user is. */
function usualDirectory(): string {
  return `${defaultStateRoot()}-filters`;
}

/**
 * The cache of this program's user: `/run/nsinit-filters` for the superuser.
 *
 * @param dir Its directory, which need not be there.
 * @returns The cache; what cannot be read or written counts as not there.
 *
 * @example
 * ```ts ignore
 * const { program } = compileFilter(config.seccomp, filterCache());
 * ```
 */
export function filterCache(dir?: string): FilterCache {
  return {
    read(rules): Uint8Array<ArrayBuffer> | undefined {
      const text = headOf(rules);
      const head = encoder.encode(text);
      const bytes = load(dir ?? usualDirectory(), hashOf(head));
      // As texts: a loop over bytes takes its time before it is compiled.
      return bytes && decoder.decode(bytes.subarray(0, head.length)) === text
        ? bytes.slice(head.length)
        : undefined;
    },
    write(rules, program): void {
      const head = encoder.encode(headOf(rules));
      const bytes = new Uint8Array(head.length + program.length);
      bytes.set(head);
      bytes.set(program, head.length);
      if (bytes.length <= LIMIT_BYTES) {
        store(dir ?? usualDirectory(), hashOf(head), bytes);
      }
    },
  };
}

/**
 * Compiled seccomp filters on disk: libseccomp takes longer for some hundred
 * rules than a container takes to start, and a command line compiles anew each
 * time.
 *
 * The directory lies in the default state root, under a name that no container
 * can have. Whoever may write there decides what is in the states as well, so
 * what is read from it is trusted like them. Each file holds the rules that it
 * was made of, and counts only for exactly these.
 *
 * @module
 */
import { type FilterCache, seccompVersion } from "../../ffi/seccomp.ts";
import { effectiveUserId, replaceFile } from "../../ffi/native.ts";
import { hashOf, loadBytes } from "../../ffi/state_files.ts";
import { KernelError } from "../errors.ts";
import { defaultStateRoot } from "./state_root.ts";

/** Name of the directory; `@` is not for ids. */
export const CACHE_NAME = "@seccomp";
/** Changes when the layout of the files or what is compiled does. */
const FORMAT = 1;
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

function load(root: string, name: string): Uint8Array<ArrayBuffer> | undefined {
  const dir = `${root}/${CACHE_NAME}`;
  try {
    if (!isOurs(root) || !isOurs(dir)) return undefined;
    return loadBytes(`${dir}/${name}`, LIMIT_BYTES);
  } catch (error) {
    if (isMiss(error)) return undefined;
    throw error;
  }
}

function store(
  root: string,
  name: string,
  bytes: Uint8Array<ArrayBuffer>,
): void {
  const dir = `${root}/${CACHE_NAME}`;
  try {
    makeDirectory(root);
    makeDirectory(dir);
    if (!isOurs(root) || !isOurs(dir)) return;
    makeRoom(dir);
    replaceFile(dir, name, bytes, { mode: 0o600 });
  } catch (error) {
    if (!isMiss(error)) throw error;
  }
}

/**
 * The cache of the default state root.
 *
 * @param root The root, which need not be there.
 * @returns The cache; what cannot be read or written counts as not there.
 *
 * @example
 * ```ts ignore
 * const { program } = compileFilter(config.seccomp, filterCache());
 * ```
 */
export function filterCache(root: string = defaultStateRoot()): FilterCache {
  return {
    read(rules): Uint8Array<ArrayBuffer> | undefined {
      const text = headOf(rules);
      const head = encoder.encode(text);
      const bytes = load(root, hashOf(head));
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
      if (bytes.length <= LIMIT_BYTES) store(root, hashOf(head), bytes);
    },
  };
}

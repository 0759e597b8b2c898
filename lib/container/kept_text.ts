/**
 * What all has in common that is kept for the launcher: the place, and texts in
 * which something stands for what is not known yet.
 *
 * @module
 */
import { KEPT_ESCAPE, KEPT_VALUES } from "../../ffi/encode_start.ts";
import { replaceFile } from "../../ffi/native.ts";
import { NsinitError } from "../errors.ts";

/** Where it is kept; `c/kept.h` says the same. */
const DIRECTORY = "/run/nsinit-starts";
/** Stands for a pid where a number has to. */
export const LONGEST_PID = 9_999_999_999;
/** The longest start time there can be. */
export const LONGEST_START: string = "9".repeat(20);
/** Stand for the inodes of markers. */
export const NO_INODES: readonly string[] = [
  (1n << 64n) - 1n,
  (1n << 64n) - 2n,
].map(String);

/** Path of a program of the bundle, from its modules. */
export function launcherPath(name: "nsinit" | "nsinit-oci"): string {
  return new URL(`../${name}`, import.meta.url).pathname;
}

/** What stands for a value in a text that is not packed yet. */
export function escaped(value: keyof typeof KEPT_VALUES): string {
  return KEPT_ESCAPE + KEPT_VALUES[value];
}

/**
 * Brings a text, in which values are escaped by JSON or are the longest
 * numbers, into the form that the launcher takes. Pure.
 *
 * @param text The text.
 * @param mark A mark of an owner, for which another stands later; none when absent.
 * @returns The text of an item.
 */
export function tokenText(text: string, mark?: string): string {
  const escapedText = text.replaceAll("\\u0001", KEPT_ESCAPE);
  const marked = mark === undefined
    ? escapedText
    : escapedText.replaceAll(mark, escaped("mark"));
  return marked
    .replaceAll(String(LONGEST_PID), escaped("pid"))
    .replaceAll(String(LONGEST_PID - 1), escaped("owner"))
    .replaceAll(NO_INODES[0] ?? "", escaped("inode"))
    .replaceAll(NO_INODES[1] ?? "", escaped("second"));
}

/** Words as C reads them one after the other. */
export function listText(words: readonly string[]): string {
  return words.map((word) => `${word}\0`).join("");
}

/** Whether the directory, which the launcher makes, is for the superuser alone. */
function isOurs(): boolean {
  const { isDirectory, uid, mode } = Deno.lstatSync(DIRECTORY);
  return isDirectory && uid === 0 && ((mode ?? 0) & 0o022) === 0;
}

/**
 * Writes a file that is kept, by rename; not where others could change it.
 *
 * @param name Its name.
 * @param bytes What is in it.
 * @throws {KernelError} `SystemError` if it cannot be written.
 */
export function writeKept(name: string, bytes: Uint8Array<ArrayBuffer>): void {
  if (!isOurs()) return;
  replaceFile(DIRECTORY, name, bytes, { mode: 0o600 });
}

/** It cannot be told, read or written: then it is not kept. */
function isMiss(error: unknown): boolean {
  return error instanceof NsinitError || error instanceof TypeError ||
    Object.values(Deno.errors).some((kind) => error instanceof kind);
}

/** Undefined where an action fails for such a reason. */
export async function ifItCan<T>(
  action: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    if (isMiss(error)) return undefined;
    throw error;
  }
}

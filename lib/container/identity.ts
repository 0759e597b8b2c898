/**
 * Container ids: their form, and the id of a directory.
 *
 * @module
 */
import { StateError } from "../errors.ts";

/** Longest name of a file that file systems take, in bytes: the state directory and groups are called by the id. */
const LONGEST_NAME = 255;

/**
 * Checks a container id.
 *
 * @param id Candidate.
 * @returns The id.
 * @throws {StateError} `InvalidIdFormat` unless it is 1 to 1024 letters, digits and `_ + - .`, not `.` or `..`, and no longer than names of files can be, which is 255.
 *
 * @example
 * ```ts
 * import { checkId } from "./identity.ts";
 *
 * checkId("demo-1.2");
 * ```
 */
export function checkId(id: string): string {
  const isWellFormed = /^[A-Za-z0-9_+.-]{1,1024}$/.test(id) && id !== "." &&
    id !== "..";
  if (isWellFormed && id.length <= LONGEST_NAME) return id;
  const shown = JSON.stringify(id.length > 64 ? `${id.slice(0, 64)}...` : id);
  const why = isWellFormed
    ? `it has ${id.length} characters, and names of files ${LONGEST_NAME} at most`
    : 'ids are 1 to 1024 letters, digits, "_", "+", "-" and "."';
  throw new StateError(
    "InvalidIdFormat",
    `Cannot use container id ${shown}: ${why}`,
    { context: { id } },
  );
}

/**
 * Derives the id of a container from its directory, so that the same command
 * in the same place means the same container.
 *
 * @param directory Directory; resolved to its canonical path.
 * @param kind Tells several containers of one directory apart; empty for the usual one.
 * @returns Last path component (what is allowed of it) and 12 hex digits of a SHA-256.
 * @throws {Deno.errors.NotFound} If there is no such directory.
 *
 * @example
 * ```ts
 * import { deriveId } from "./identity.ts";
 *
 * if (await deriveId("/tmp") !== await deriveId("/tmp/.")) throw new Error("differ");
 * ```
 */
export async function deriveId(
  directory: string,
  kind = "",
): Promise<string> {
  const canonical = await Deno.realPath(directory);
  // No path holds a NUL, so no other directory gets that text.
  const text = kind === "" ? canonical : `${canonical}\0${kind}`;
  const digest = new Uint8Array(
    await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)),
  );
  const hash = Array.from(
    digest.subarray(0, 6),
    (byte) => byte.toString(16).padStart(2, "0"),
  ).join("");
  const name = canonical.slice(canonical.lastIndexOf("/") + 1)
    .replaceAll(/[^A-Za-z0-9_-]/g, "").slice(0, 40);
  return `${name || "root"}-${hash}`;
}

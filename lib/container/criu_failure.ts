/**
 * Words for a failure of CRIU, from its log and from what is left of the disk.
 *
 * @module
 */
import { roomLeft } from "../../ffi/native.ts";
import { decisiveLine, isHarmless, remedyFor } from "../criu/failure.ts";
import type { Answer } from "../criu/session.ts";
import { CriuError } from "../errors.ts";

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
const FULL_BELOW = 64n * 1024n;

/**
 * What CRIU mostly keeps to itself: that there was no room. Programs that it
 * starts (tar, for what a tmpfs holds) write as well, and it only sees them fail.
 */
function lackOfRoom(directory: string): string | undefined {
  return roomLeft(directory) < FULL_BELOW
    ? `the file system of ${directory} seems to be full`
    : undefined;
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
    lackOfRoom(log.images ?? log.directory);
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

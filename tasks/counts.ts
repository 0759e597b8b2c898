/**
 * Counting what test runs print. Pure.
 *
 * @module
 */

/** Numbers of tests by outcome. */
export interface Counts {
  /** Tests that held. */
  readonly passed: number;
  /** Tests that did not, and runs that gave no account of themselves. */
  readonly failed: number;
  /** Tests that did not run. */
  readonly skipped: number;
}

/** Nothing counted yet. */
export const NONE: Counts = { passed: 0, failed: 0, skipped: 0 };

/** One failure: what a run without a readable account counts as. */
export const ONE_FAILED: Counts = { passed: 0, failed: 1, skipped: 0 };

/**
 * Adds counts.
 *
 * @param all The counts.
 * @returns Their sums.
 */
export function sum(...all: Counts[]): Counts {
  return all.reduce((a, b) => ({
    passed: a.passed + b.passed,
    failed: a.failed + b.failed,
    skipped: a.skipped + b.skipped,
  }), NONE);
}

/**
 * Words counts as the line that ends a test run.
 *
 * @param counts The counts.
 * @returns The line, without a newline.
 */
export function formatCounts({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed, ${skipped} skipped`;
}

/**
 * Reads such a line back from the end of a run's output.
 *
 * @param output All that was printed.
 * @returns The counts, or `undefined` if the last line is something else.
 */
export function readCounts(output: string): Counts | undefined {
  const line = output.trimEnd().split("\n").at(-1) ?? "";
  const match = /^(\d+) passed, (\d+) failed, (\d+) skipped\r?$/.exec(line);
  if (match === null) return undefined;

  return {
    passed: Number(match[1]),
    failed: Number(match[2]),
    skipped: Number(match[3]),
  };
}

/** The line that ends a run of `deno test`; steps are not counted. */
const DENO_SUMMARY =
  /^(?:ok|FAILED) \| (\d+) passed(?: \(\d+ steps?\))? \| (\d+) failed(?: \(\d+ steps?\))?(?: \| (\d+) ignored(?: \(\d+ steps?\))?)?/gm;

/**
 * Counts the tests of a run of `deno test`.
 *
 * @param output What it printed, without colours.
 * @param code Its exit status.
 * @returns The counts; at least one failure unless the run ended with status 0
 * and a summary.
 */
export function countDenoTests(output: string, code: number): Counts {
  const match = [...output.matchAll(DENO_SUMMARY)].at(-1);
  if (match === undefined) return ONE_FAILED;

  const failed = Number(match[2]);
  return {
    passed: Number(match[1]),
    failed: code === 0 ? failed : Math.max(failed, 1),
    skipped: Number(match[3] ?? 0),
  };
}

/** The line that `make` prints for the end of each C test program. */
const PROGRAM_END = /^(ok|skipped|failed) \S*\/test_\w+\r?$/gm;

/**
 * Counts the C test programs of a run of `make test` or `make asan`, which
 * prints how each ended and stops at the first that fails.
 *
 * @param output What it printed.
 * @param code Its exit status.
 * @returns The counts; at least one failure unless the run ended with status 0
 * and named a program.
 */
export function countPrograms(output: string, code: number): Counts {
  const ends = [...output.matchAll(PROGRAM_END)].map((match) => match[1]);
  if (ends.length === 0) return ONE_FAILED;

  const failed = ends.filter((end) => end === "failed").length;
  return {
    passed: ends.filter((end) => end === "ok").length,
    failed: code === 0 ? failed : Math.max(failed, 1),
    skipped: ends.filter((end) => end === "skipped").length,
  };
}

/**
 * Counts the tests in the text of a test file, for saying how many were
 * skipped without running it.
 *
 * @param text The text of the file.
 * @returns How many there are, at least one.
 */
export function countDeclared(text: string): number {
  const declared = text.match(/^\s*(?:Deno\.test|rootTest|test)\b.*\(/gm);

  return Math.max(declared?.length ?? 0, 1);
}

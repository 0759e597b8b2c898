/**
 * What a run of the bench finds out.
 *
 * @module
 */
import { summarize, type Summary } from "./statistics.ts";

/** One bar of a figure: a contender and what it took. */
export interface Line {
  /** Contender, or what was varied. */
  readonly label: string;
  /** What its samples come to; absent when it was not there. */
  readonly summary?: Summary;
  /** Further numbers by name, e.g. `cpu`. */
  readonly more?: Readonly<Record<string, number>>;
  /** Why there is no summary. */
  readonly note?: string;
}

/** Contenders measured in one interleaved run. */
export interface Figure {
  /** Short name, unique in a run. */
  readonly id: string;
  /** What was measured. */
  readonly title: string;
  /** Unit of the summaries. */
  readonly unit: string;
  /** The contenders. */
  readonly lines: readonly Line[];
}

/** A measured value that has a target in bench/targets.ts. */
export interface Check {
  /** Key of the target. */
  readonly key: string;
  /** The value, in the target's unit; absent when it could not be measured. */
  readonly value?: number;
  /** What has to be known to read it. */
  readonly note?: string;
}

/** What one section of the bench adds. */
export interface Found {
  /** Its figures. */
  readonly figures: readonly Figure[];
  /** Its values with targets. */
  readonly checks: readonly Check[];
}

/** Where and with what a run took place. */
export interface Setting {
  /** ISO date and time. */
  readonly date: string;
  /** Processor, number of cores, memory, kernel, distribution. */
  readonly machine: string;
  /** Where cgroups are, as all contenders saw them. */
  readonly cgroups: string;
  /** Load average of the last minute when it began: other work on the machine. */
  readonly loadBefore: number;
  /** Versions by program. */
  readonly versions: Readonly<Record<string, string>>;
}

/** The values of the run before, of the same version. */
export interface Before {
  /** ISO date and time. */
  readonly date: string;
  /** Its values with targets. */
  readonly checks: readonly Check[];
}

/** All of a run. */
export interface Results extends Found {
  /** Where and with what. */
  readonly setting: Setting;
  /** How long it took, in seconds. */
  readonly seconds: number;
  /** Sections that failed, with why. */
  readonly failures: readonly string[];
  /** The run before, where it was of the same version: what holds must hold twice. */
  readonly before?: Before;
}

/**
 * Makes a line of samples.
 *
 * @param label Contender.
 * @param samples Its samples.
 * @param more Further numbers by name.
 * @returns The line.
 */
export function lineOf(
  label: string,
  samples: readonly number[],
  more?: Readonly<Record<string, number>>,
): Line {
  return { label, summary: summarize(samples), ...(more && { more }) };
}

/** The commit; a run that is written down is itself a change to the next. */
function versionOf({ setting: { versions } }: Results): string | undefined {
  return versions["nsinit"]?.replace("+", "");
}

/**
 * Adds the run before to a run. Pure.
 *
 * @param results The run.
 * @param earlier What is kept of the run before.
 * @returns The run, with that where both are of one version.
 */
export function withBefore(results: Results, earlier: Results): Results {
  const { setting: { date }, checks } = earlier;
  if (versionOf(earlier) !== versionOf(results)) return results;
  return { ...results, before: { date, checks } };
}

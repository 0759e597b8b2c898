/**
 * What is said about a machine.
 *
 * @module
 */

/** How well something is there. */
export type Status = "ok" | "limited" | "missing";

/** One line of the report. */
export interface Finding {
  /** What part of the machine it is about. */
  readonly topic: string;
  /** What was looked at. */
  readonly name: string;
  /** How well it is there. */
  readonly status: Status;
  /** What that means. */
  readonly message: string;
  /** What to do about it. */
  readonly fix?: string;
  /** Whether no container runs because of it. */
  readonly isFatal?: boolean;
}

/** Makes a finding of what is there. */
export function ok(topic: string, name: string, message: string): Finding {
  return { topic, name, status: "ok", message };
}

/** Makes a finding of what is there in part. */
export function limited(
  topic: string,
  name: string,
  message: string,
  fix?: string,
): Finding {
  const base = { topic, name, status: "limited", message } as const;
  return fix === undefined ? base : { ...base, fix };
}

/** Makes a finding of what is not there, and not needed for every container. */
export function missing(
  topic: string,
  name: string,
  message: string,
  fix?: string,
): Finding {
  const base = { topic, name, status: "missing", message } as const;
  return fix === undefined ? base : { ...base, fix };
}

/** Makes a finding of what is not there, so that no container runs. */
export function fatal(
  topic: string,
  name: string,
  message: string,
  fix?: string,
): Finding {
  return { ...missing(topic, name, message, fix), isFatal: true };
}

/**
 * Whether containers run where this was found.
 *
 * @param findings All of them.
 * @returns False if one stands in the way of every container.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { canRun, limited } from "./findings.ts";
 *
 * assert(canRun([limited("cgroups", "delegation", "no limits")]));
 * ```
 */
export function canRun(findings: readonly Finding[]): boolean {
  return !findings.some(({ isFatal }) => isFatal);
}

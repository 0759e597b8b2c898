/**
 * The whole report of a machine. Pure.
 *
 * @module
 */
import type { Facts } from "./facts.ts";
import { canRun, type Finding } from "./findings.ts";
import { judgeKernel } from "./kernel.ts";
import { judgeResources } from "./resources.ts";
import { judgeSurroundings } from "./surroundings.ts";

/** What is said about a machine. */
export interface Report {
  /** Whether containers run. */
  readonly canRun: boolean;
  /** All findings, those of one topic together. */
  readonly findings: readonly Finding[];
}

/**
 * Judges a machine.
 *
 * @param facts What was found out about it.
 * @returns The report.
 *
 * @example
 * ```ts ignore
 * const { canRun } = judge(await examine({ criu: "criu" }));
 * ```
 */
export function judge(facts: Facts): Report {
  const findings = [
    ...judgeKernel(facts),
    ...judgeResources(facts),
    ...judgeSurroundings(facts),
  ];
  const topics = Map.groupBy(findings, ({ topic }) => topic);
  return { canRun: canRun(findings), findings: [...topics.values()].flat() };
}

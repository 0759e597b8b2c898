/**
 * Results as text: what people read in a terminal and in bench/README.md. Pure.
 *
 * @module
 */
import type { Check, Figure, Line, Results } from "./results.ts";
import { judge, type Target, TARGETS, type Verdict } from "./targets.ts";

const SIGNS: Readonly<Record<Verdict, string>> = {
  "aim": "yes, and the aim",
  "must": "yes",
  "misses": "NO",
  "no target": "",
  "not measured": "not measured",
};

/**
 * Lays cells out as a Markdown table that is aligned in a terminal, too.
 *
 * @param head Column titles.
 * @param rows The cells; columns but the first are set right.
 * @returns The lines.
 */
export function layOut(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string[] {
  const widths = head.map((title, column) =>
    Math.max(
      3,
      ...[head, ...rows].map((row) => row[column]?.length ?? 0),
      title.length,
    )
  );
  const line = (cells: readonly string[]): string =>
    `| ${
      widths.map((width, column) => {
        const cell = cells[column] ?? "";
        return column === 0 ? cell.padEnd(width) : cell.padStart(width);
      }).join(" | ")
    } |`;
  const rule = widths.map((width, column) =>
    column === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`
  );
  return [line(head), line(rule), ...rows.map(line)];
}

/**
 * Writes a number with as many digits as mean something.
 *
 * @param value The number.
 * @returns It, or a dash for NaN and undefined.
 */
export function formatNumber(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return "-";
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

function formatLimit({ atLeast, unit }: Target, limit?: number): string {
  if (limit === undefined) return "";
  return `${atLeast ? "≥" : "≤"} ${limit}${unit ? ` ${unit}` : ""}`;
}

/** From the worst to the best. */
const VERDICTS: readonly Verdict[] = [
  "misses",
  "must",
  "aim",
  "not measured",
  "no target",
];

/** What holds in one run only does not hold. */
function worseOf(one: Verdict, other: Verdict): Verdict {
  return VERDICTS.indexOf(other) < VERDICTS.indexOf(one) ? other : one;
}

function formatValue({ unit }: Target, check: Check | undefined): string {
  const value = formatNumber(check?.value);
  return unit && value !== "-" ? `${value} ${unit}` : value;
}

/**
 * Judges the values that have a target.
 *
 * @param checks The values.
 * @param before Those of the run before, where there was one.
 * @returns The table's lines.
 */
export function targetTable(
  checks: readonly Check[],
  before?: readonly Check[],
): string[] {
  const byKey = new Map(checks.map((check) => [check.key, check]));
  const earlier = new Map(before?.map((check) => [check.key, check]));
  const rows = TARGETS.map((target) => {
    const check = byKey.get(target.key);
    const first = earlier.get(target.key);
    return [
      check?.note ? `${target.what} (${check.note})` : target.what,
      formatValue(target, check),
      ...before ? [formatValue(target, first)] : [],
      formatLimit(target, target.must),
      formatLimit(target, target.aim),
      SIGNS[
        before
          ? worseOf(judge(target, check?.value), judge(target, first?.value))
          : judge(target, check?.value)
      ],
    ];
  });
  const columns = ["measured", ...before ? ["run before"] : []];
  return layOut(["what", ...columns, "must", "aim", "holds"], rows);
}

function lineCells(line: Line, extra: readonly string[]): string[] {
  const { label, summary, more = {}, note = "" } = line;
  if (note !== "") return [`${label}: ${note}`];
  const cells = summary
    ? [summary.median, summary.min, summary.p90].map(formatNumber)
    : [];
  return [
    label,
    ...cells,
    ...summary ? [String(summary.n)] : [],
    ...extra.map((name) => formatMore(more[name])),
  ];
}

/** Counts have no digits behind the point. */
function formatMore(value: number | undefined): string {
  return Number.isInteger(value) ? String(value) : formatNumber(value);
}

/**
 * Writes one figure.
 *
 * @param figure The figure.
 * @returns Its title and table.
 */
export function figureTable({ title, unit, lines }: Figure): string[] {
  const extra = [
    ...new Set(lines.flatMap(({ more }) => Object.keys(more ?? {}))),
  ];
  const isTimed = lines.some(({ summary }) => summary !== undefined);
  const columns = isTimed ? ["median", "min", "p90", "n"] : [];
  const head = [unit, ...columns, ...extra];
  return [
    `**${title}**`,
    "",
    ...layOut(head, lines.map((line) => lineCells(line, extra))),
  ];
}

function formatDate(date: string): string {
  return `${date.slice(0, 16).replace("T", " ")} UTC`;
}

/**
 * Writes all of a run.
 *
 * @param results What was found.
 * @returns Markdown.
 */
export function report(results: Results): string {
  const { setting, seconds, failures, figures, checks, before } = results;
  const versions = Object.entries(setting.versions)
    .map(([name, version]) => `${name} ${version}`).join(", ");
  return [
    `- Date: ${formatDate(setting.date)}, ${Math.round(seconds)} s`,
    `- Machine: ${setting.machine}`,
    `- cgroups: ${setting.cgroups}`,
    `- Load when it began: ${setting.loadBefore.toFixed(2)}`,
    `- Versions: ${versions}`,
    ...before ? [`- Run before: ${formatDate(before.date)}`] : [],
    ...failures.map((failure) => `- FAILED: ${failure}`),
    "",
    ...targetTable(checks, before?.checks),
    "",
    ...figures.flatMap((figure) => [...figureTable(figure), ""]),
  ].join("\n");
}

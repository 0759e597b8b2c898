/**
 * The report about a machine, for people and as JSON. Pure.
 *
 * @module
 */
import type { Finding } from "../doctor/findings.ts";
import type { Report } from "../doctor/report.ts";
import { escapeControls } from "./output.ts";

const STATUS_WIDTH = 9;
const NAME_WIDTH = 20;
const INDENT = 2 + STATUS_WIDTH + NAME_WIDTH;
/** Narrower text is hard to read: it goes below the name then. */
const LEAST_WIDTH = 24;
const INDENT_BELOW = 4;

/** Breaks text into lines; a long word has a line of its own. */
function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

function linesOf(finding: Finding, columns: number): string {
  const { status, name, message, fix } = finding;
  const isBelow = columns - INDENT < LEAST_WIDTH;
  const indent = isBelow ? INDENT_BELOW : INDENT;
  const width = Math.max(columns - indent, 1);
  const text = [
    ...wrap(escapeControls(message), width),
    ...(fix === undefined ? [] : wrap(`-> ${escapeControls(fix)}`, width)),
  ];
  const head = `  ${status.padEnd(STATUS_WIDTH)}${name}`;
  const [first = "", ...rest] = text;
  const lines = isBelow
    ? [head, ...text]
    : [head.padEnd(INDENT) + first, ...rest];
  return lines.join(`\n${" ".repeat(indent)}`);
}

/**
 * Renders a report for people.
 *
 * @param report The report.
 * @param columns Width of the terminal; `Infinity` for lines of any length.
 * @returns The lines, a verdict last.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatReport } from "./doctor_text.ts";
 *
 * assertEquals(formatReport({ canRun: true, findings: [] }, 80), "Containers run here.");
 * ```
 */
export function formatReport(
  { canRun, findings }: Report,
  columns: number,
): string {
  const topics = Map.groupBy(findings, ({ topic }) => topic);
  const blocks = [...topics].map(([topic, members]) =>
    [topic, ...members.map((each) => linesOf(each, columns))].join("\n")
  );
  const fatal = findings.filter(({ isFatal }) => isFatal);
  const verdict = canRun
    ? "Containers run here."
    : `Containers do not run here: ${
      fatal.map(({ topic, name }) => `${topic}, ${name}`).join("; ")
    }.`;
  return [...blocks, verdict].join("\n\n");
}

/**
 * Renders a report as an object to be written as JSON.
 *
 * @param report The report.
 * @returns `can_run` and `findings`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { reportToJson } from "./doctor_text.ts";
 *
 * assertEquals(reportToJson({ canRun: true, findings: [] }), {
 *   can_run: true,
 *   findings: [],
 * });
 * ```
 */
export function reportToJson(
  { canRun, findings }: Report,
): Readonly<Record<string, unknown>> {
  return {
    can_run: canRun,
    findings: findings.map((
      { topic, name, status, message, fix, isFatal },
    ) => ({
      topic,
      name,
      status,
      message,
      ...(fix !== undefined && { fix }),
      fatal: isFatal ?? false,
    })),
  };
}

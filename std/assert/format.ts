/** Above this many lines times lines a difference is shown whole, not aligned. */
const MAX_CELLS = 4_000_000;

/**
 * Renders a value so that equal values give equal text, one element a line.
 *
 * @param value Anything.
 * @returns Text of one or more lines.
 */
export function format(value: unknown): string {
  return Deno.inspect(value, {
    depth: Infinity,
    sorted: true,
    trailingComma: true,
    compact: false,
    iterableLimit: Infinity,
    getters: true,
    strAbbreviateSize: Infinity,
  });
}

/**
 * Puts two texts beside each other line by line, as `diff` does.
 *
 * @param actual Its own lines are marked `-`.
 * @param expected Its own lines are marked `+`.
 * @returns The marked lines.
 */
export function diffLines(actual: string, expected: string): string {
  const from = actual.split("\n");
  const to = expected.split("\n");

  if (from.length * to.length > MAX_CELLS) {
    return [...from.map((l) => `-   ${l}`), ...to.map((l) => `+   ${l}`)]
      .join("\n");
  }

  const common = commonLengths(from, to);
  const lines: string[] = [];
  let i = 0;
  let j = 0;

  while (i < from.length || j < to.length) {
    if (i < from.length && j < to.length && from[i] === to[j]) {
      lines.push(`    ${from[i]}`);
      i++;
      j++;
    } else if (
      j >= to.length ||
      (i < from.length && cell(common, i + 1, j) >= cell(common, i, j + 1))
    ) {
      lines.push(`-   ${from[i++]}`);
    } else {
      lines.push(`+   ${to[j++]}`);
    }
  }

  return lines.join("\n");
}

/**
 * Says how two values differ, ready to stand in an assertion's message.
 *
 * @param actual The value found.
 * @param expected The value wanted.
 * @returns Text of several lines.
 */
export function difference(actual: unknown, expected: unknown): string {
  const [from, to] = typeof actual === "string" && typeof expected === "string"
    ? [actual, expected]
    : [format(actual), format(expected)];

  return `[Diff] Actual (-) / Expected (+)\n\n${diffLines(from, to)}\n`;
}

/** Lengths of the longest common subsequences of all pairs of line suffixes. */
function commonLengths(from: string[], to: string[]): Uint32Array[] {
  const rows = Array.from(
    { length: from.length + 1 },
    () => new Uint32Array(to.length + 1),
  );

  for (let i = from.length - 1; i >= 0; i--) {
    const row = rows[i] ?? new Uint32Array();
    for (let j = to.length - 1; j >= 0; j--) {
      row[j] = from[i] === to[j]
        ? cell(rows, i + 1, j + 1) + 1
        : Math.max(cell(rows, i + 1, j), cell(rows, i, j + 1));
    }
  }

  return rows;
}

function cell(rows: Uint32Array[], i: number, j: number): number {
  return rows[i]?.[j] ?? 0;
}

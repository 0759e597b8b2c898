/**
 * What the terminal that results go to can show.
 *
 * @module
 */
import type { Paint, TableStyle } from "./table.ts";

/** Status of a container to the colour it is shown in. */
const STATUS_PAINT: ReadonlyMap<string, Paint> = new Map([
  ["running", "green"],
  ["created", "cyan"],
  ["pausing", "yellow"],
  ["paused", "yellow"],
  ["checkpointed", "cyan"],
  ["stopped", "dim"],
]);

/** Whether the caller wants colours: https://no-color.org, and terminals that have none. */
function wantsColour(): boolean {
  return !Deno.noColor && Deno.env.get("TERM") !== "dumb";
}

/**
 * Finds how tables are laid out on stdout: as wide as the terminal and
 * coloured there, whole and plain anywhere else.
 *
 * @returns The style.
 *
 * @example
 * ```ts
 * import { terminalStyle } from "./terminal.ts";
 *
 * const { colour } = terminalStyle(); // undefined where stdout is a file
 * ```
 */
export function terminalStyle(): TableStyle {
  if (!Deno.stdout.isTerminal()) return {};
  const style: TableStyle = { colour: wantsColour(), paint: paintStatus };
  try {
    const { columns } = Deno.consoleSize();
    // A terminal that nobody has told its size says 0.
    return columns > 0 ? { ...style, width: columns } : style;
  } catch {
    return style; // Deno asks stdin's terminal too, and there may be none
  }
}

function paintStatus(heading: string, cell: string): Paint | undefined {
  return heading === "STATUS" ? STATUS_PAINT.get(cell) : undefined;
}

/**
 * `nsinit ps`: prints the processes of a container.
 *
 * @module
 */
import type { Command, Invocation } from "../command.ts";
import { ID_OPTION } from "../id_option.ts";
import { FORMAT_OPTION } from "../format_option.ts";
import { formatJson } from "../output.ts";
import { formatTable } from "../table.ts";
import { terminalStyle } from "../terminal.ts";
import { withTarget } from "../target.ts";

/** Longest command line that is shown where no terminal bounds it, in characters. */
const MAX_COMMAND = 200;

/** The command line of a process, which it may have changed to anything. */
async function commandOf(pid: number): Promise<string> {
  try {
    const text = await Deno.readTextFile(`/proc/${pid}/cmdline`);
    const words = text.replace(/\0+$/, "").replaceAll("\0", " ");
    if (words !== "") return words.slice(0, MAX_COMMAND);
    return `[${(await Deno.readTextFile(`/proc/${pid}/comm`)).trimEnd()}]`;
  } catch {
    return "-"; // it has ended since it was listed
  }
}

async function tableOf(pids: readonly number[]): Promise<string> {
  const rows = pids.map(async (pid) => [String(pid), await commandOf(pid)]);
  return formatTable(
    ["PID", "COMMAND"],
    await Promise.all(rows),
    terminalStyle(),
  );
}

async function ps(invocation: Invocation): Promise<number> {
  const { values, output } = invocation;
  const { processesOf } = await import("../../container/inspect.ts");
  await withTarget(invocation, 0, async ({ stateRoot, id }) => {
    const pids = await processesOf(stateRoot, id);
    if (values.text("format") === "json") await output.result(formatJson(pids));
    else await output.styled(await tableOf(pids));
  });
  return 0;
}

/** Declaration of `ps`. */
export const COMMAND: Command = {
  name: "ps",
  summary: "List the processes of a container, with their ids on the host",
  usage: "[flags] [ID]",
  options: [ID_OPTION, FORMAT_OPTION],
  usesDirectory: true,
  examples: [{ doc: "as data", line: "nsinit ps --format json demo" }],
  action: ps,
};

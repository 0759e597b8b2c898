/**
 * `nsinit kill`: sends a signal to a container.
 *
 * @module
 */
import { nearestName } from "../../config/names/nearest.ts";
import { UsageError } from "../../errors.ts";
import type { Command, Invocation } from "../command.ts";
import { ID_OPTION } from "../id_option.ts";
import { parseSignal, SIGNAL_NAMES } from "../../config/names/signals.ts";
import { withTarget } from "../target.ts";

function signalNumber(text: string): number {
  const number = parseSignal(text);
  if (number !== undefined) return number;
  const name = text.replace(/^SIG/i, "").slice(0, 64);
  const near = nearestName(name, SIGNAL_NAMES);
  const hint = near === undefined ? "" : `; did you mean ${near}?`;
  throw new UsageError(
    `Unknown signal ${JSON.stringify(text.slice(0, 64))}${hint} ` +
      "(a name such as TERM, or a number from 1 to 64)",
  );
}

/** `-9`, `-KILL` and `-SIGKILL`, as kill(1) takes them. */
function translate(args: readonly string[]): string[] {
  const end = args.indexOf("--");
  return args.map((arg, index) => {
    const [, text] = /^-([A-Z0-9]+)$/.exec(arg) ?? [];
    const isSignal = text !== undefined && parseSignal(text) !== undefined;
    return isSignal && (end < 0 || index < end) ? `--signal=${text}` : arg;
  });
}

async function kill(invocation: Invocation): Promise<number> {
  const { values } = invocation;
  const all = values.flag("all");
  const { killContainer } = await import("../../container/kill.ts");
  await withTarget(invocation, 1, async ({ stateRoot, id, rest: [last] }) => {
    if (last !== undefined && values.has("signal")) {
      throw new UsageError(
        `Two signals: --signal ${values.text("signal")} and ${last}`,
      );
    }
    const signal = signalNumber(last ?? values.text("signal") ?? "TERM");
    await killContainer(stateRoot, id, signal, { all });
  });
  return 0;
}

/** Declaration of `kill`. */
export const COMMAND: Command = {
  name: "kill",
  summary: "Send a signal to the first process of a container, or to all",
  usage: "[flags] [ID [SIGNAL]]",
  details: ["A signal may also be given as kill takes it: -9, -KILL."],
  translate,
  options: [
    ID_OPTION,
    {
      name: "signal",
      short: "s",
      type: "text",
      metavar: "SIGNAL",
      default: "TERM",
      doc: "name or number of the signal (default TERM)",
    },
    {
      name: "all",
      short: "a",
      type: "boolean",
      doc: "send it to every process of the container",
    },
  ],
  usesDirectory: true,
  examples: [{
    doc: "end a container at once",
    line: "nsinit kill --signal KILL demo",
  }],
  action: kill,
};

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

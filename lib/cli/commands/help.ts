/**
 * `nsinit help`: prints help.
 *
 * @module
 */
import { UsageError } from "../../errors.ts";
import type { Command, Invocation } from "../command.ts";

async function help({ args, output }: Invocation): Promise<number> {
  const { helpFor } = await import("../main.ts");
  const [, another] = args;
  if (another !== undefined) {
    throw new UsageError(
      `help takes one command, and ${JSON.stringify(another)} is one more`,
    );
  }
  await output.result(await helpFor(args[0]));
  return 0;
}

/** Declaration of `help`. */
export const COMMAND: Command = {
  name: "help",
  aliases: ["h"],
  summary: "Tell about the program or one of its commands",
  usage: "[COMMAND]",
  options: [],
  usesDirectory: false,
  examples: [{ doc: "all flags of exec", line: "nsinit help exec" }],
  action: help,
};

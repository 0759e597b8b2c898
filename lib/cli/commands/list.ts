/**
 * `nsinit list`: prints the containers.
 *
 * @module
 */
import type { ContainerSummary } from "../../container/list.ts";
import { UsageError } from "../../errors.ts";
import type { Command, Invocation } from "../command.ts";
import { FORMAT_OPTION } from "../format_option.ts";
import { stateRootOf } from "../globals.ts";
import { formatJson } from "../output.ts";
import { formatTable } from "../table.ts";
import { terminalStyle } from "../terminal.ts";

async function list(invocation: Invocation): Promise<number> {
  const { values, args, output } = invocation;
  if (args.length > 0) {
    throw new UsageError(
      `list takes no argument ${JSON.stringify(args[0])}; ` +
        "nsinit state ID tells about one container",
    );
  }
  const { listContainers } = await import("../../container/list.ts");
  const damaged: unknown[] = [];
  const containers = await listContainers(
    stateRootOf(values),
    (_id, error) => damaged.push(error),
  );
  await print(containers, invocation);
  // The others are there all the same.
  return damaged.map((error) => output.fail(error)).at(-1) ?? 0;
}

async function print(
  containers: readonly ContainerSummary[],
  { values, output }: Invocation,
): Promise<void> {
  if (values.text("format") === "json") {
    await output.result(formatJson(containers));
  } else if (values.flag("quiet")) {
    if (containers.length === 0) return;
    await output.result(containers.map(({ id }) => id).join("\n"));
  } else {
    await output.styled(formatTable(
      ["ID", "PID", "STATUS", "CREATED", "DIRECTORY"],
      containers.map(({ id, pid, status, created, directory }) => [
        id,
        String(pid),
        status,
        created,
        directory,
      ]),
      terminalStyle(),
    ));
  }
}

/** Declaration of `list`. */
export const COMMAND: Command = {
  name: "list",
  aliases: ["ls"],
  summary: "List the containers, and clean up after those whose owner died",
  usage: "[flags]",
  options: [
    FORMAT_OPTION,
    { name: "quiet", short: "q", type: "boolean", doc: "print the ids only" },
  ],
  usesDirectory: false,
  examples: [{ doc: "as data", line: "nsinit list --format json" }],
  action: list,
};

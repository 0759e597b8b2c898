/**
 * `nsinit state`: prints the state of a container.
 *
 * @module
 */
import type { Command, Invocation } from "../command.ts";
import { FORMAT_OPTION } from "../format_option.ts";
import { ID_OPTION } from "../id_option.ts";
import { formatJson } from "../output.ts";
import { withTarget } from "../target.ts";

/** Members whose members have rows of their own. */
const PATHS = ["cgroup_paths", "namespace_paths"];

/** Rows for people: all but the configuration, which `config` prints. */
function rowsOf(state: object): string[][] {
  return Object.entries(state).flatMap(([name, value]) => {
    if (PATHS.includes(name)) {
      return Object.entries(value).map(([key, path]) => [
        `${name.replace("_paths", "")} ${key}`,
        String(path),
      ]);
    }
    if (typeof value === "object") return [];
    return [[name.replaceAll("_", " "), String(value)]];
  });
}

async function tableOf(state: object): Promise<string> {
  const { formatTable } = await import("../table.ts");
  const { terminalStyle } = await import("../terminal.ts");
  return formatTable(["WHAT", "VALUE"], rowsOf(state), terminalStyle());
}

async function state(invocation: Invocation): Promise<number> {
  const { values, output } = invocation;
  const { stateOf } = await import("../../container/inspect.ts");
  await withTarget(invocation, 0, async ({ stateRoot, id }) => {
    const found = await stateOf(stateRoot, id);
    if (values.text("format") === "table") {
      await output.styled(await tableOf(found));
    } else await output.result(formatJson(found));
  });
  return 0;
}

/** Declaration of `state`. */
export const COMMAND: Command = {
  name: "state",
  summary: "Print the state of a container, as JSON unless told otherwise",
  usage: "[flags] [ID]",
  options: [ID_OPTION, { ...FORMAT_OPTION, default: "json" }],
  usesDirectory: true,
  examples: [
    { doc: "the container of the current directory", line: "nsinit state" },
    { doc: "for people", line: "nsinit state --format table demo" },
  ],
  action: state,
};

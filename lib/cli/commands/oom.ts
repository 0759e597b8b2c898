/**
 * `nsinit oom`: tells each time that a container runs out of memory.
 *
 * @module
 */
import type { Command, Invocation } from "../command.ts";
import { eventToJson, formatEvent } from "../event_lines.ts";
import { ID_OPTION } from "../id_option.ts";
import { FORMAT_OPTION } from "../format_option.ts";
import { formatJson } from "../output.ts";
import { withTarget } from "../target.ts";

async function oom(invocation: Invocation): Promise<number> {
  const { values, output } = invocation;
  const isJson = values.text("format") === "json";
  const [{ watchOom }, { loadRunning }] = await Promise.all([
    import("../../container/memory_events.ts"),
    import("../../container/inspect.ts"),
  ]);
  await withTarget(invocation, 0, async ({ stateRoot, id }) => {
    for await (const event of watchOom(await loadRunning(stateRoot, id))) {
      await output.result(
        isJson ? formatJson(eventToJson(id, event), 0) : formatEvent(id, event),
      );
      if (!output.hasReader) return;
    }
  });
  return 0;
}

/** Declaration of `oom`. */
export const COMMAND: Command = {
  name: "oom",
  summary:
    "Print a line each time that a container runs out of memory, until it ends",
  usage: "[flags] [ID]",
  options: [
    ID_OPTION,
    { ...FORMAT_OPTION, doc: "form of the lines: table or json" },
  ],
  usesDirectory: true,
  examples: [{
    doc: "the container of the current directory",
    line: "nsinit oom",
  }],
  action: oom,
};

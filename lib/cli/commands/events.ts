/**
 * `nsinit events`: tells what happens to a container until it ends.
 *
 * @module
 */
import type { Command, Invocation } from "../command.ts";
import { eventToJson, formatEvent } from "../event_lines.ts";
import { ID_OPTION } from "../id_option.ts";
import { FORMAT_OPTION } from "../format_option.ts";
import { formatJson } from "../output.ts";
import { withTarget } from "../target.ts";

const LEVELS = ["low", "medium", "critical", "none"] as const;

async function events(invocation: Invocation): Promise<number> {
  const { values, output } = invocation;
  const isJson = values.text("format") === "json";
  const level = LEVELS.find((each) => each === values.text("pressure"));
  const pressure = level === "none" ? false : level ?? "medium";
  const { watchEvents } = await import("../../container/events.ts");
  await withTarget(invocation, 0, async ({ stateRoot, id }) => {
    const stream = watchEvents({ stateRoot, id }, (end) => end, { pressure });
    for await (const event of stream) {
      await output.result(
        isJson ? formatJson(eventToJson(id, event), 0) : formatEvent(id, event),
      );
      if (!output.hasReader) return;
    }
  });
  return 0;
}

/** Declaration of `events`. */
export const COMMAND: Command = {
  name: "events",
  summary: "Tell what happens to a container, line by line, until it ends",
  usage: "[flags] [ID]",
  details: [
    "Tells its start (also when it runs already), each time that it runs out " +
    "of memory or gets short of it, and its end. A container that has not " +
    "been started yet is waited for.",
  ],
  options: [
    ID_OPTION,
    { ...FORMAT_OPTION, doc: "form of the lines: table or json" },
    {
      name: "pressure",
      type: "text",
      metavar: "LEVEL",
      choices: LEVELS,
      default: "medium",
      doc: "from which shortage of memory on to tell: low, medium, critical, " +
        "or none (default medium)",
    },
  ],
  usesDirectory: true,
  examples: [
    { doc: "the container of the current directory", line: "nsinit events" },
    {
      doc: "as data, one object a line",
      line: "nsinit events --format json demo",
    },
  ],
  action: events,
};

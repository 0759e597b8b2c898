/**
 * `nsinit doctor`: says what this machine offers to containers.
 *
 * @module
 */
import { UsageError } from "../../errors.ts";
import type { Command, Invocation } from "../command.ts";
import { formatJson } from "../output.ts";

/** Exit status where containers do not run. */
const EXIT_CANNOT_RUN = 1;

function columnsOf(): number {
  if (!Deno.stdout.isTerminal()) return Infinity;
  try {
    return Deno.consoleSize().columns || Infinity;
  } catch {
    return Infinity; // it does not tell
  }
}

async function doctor({ values, args, output }: Invocation): Promise<number> {
  if (args.length > 0) {
    throw new UsageError(
      `doctor takes no argument ${JSON.stringify(args[0])}: ` +
        "it is about the machine",
    );
  }
  const [{ examine }, { judge }, { formatReport, reportToJson }] = await Promise
    .all([
      import("../../doctor/examine.ts"),
      import("../../doctor/report.ts"),
      import("../doctor_text.ts"),
    ]);
  const report = judge(await examine({ criu: values.text("criu") ?? "criu" }));
  await output.result(
    values.flag("json")
      ? formatJson(reportToJson(report))
      : formatReport(report, columnsOf()),
  );
  return report.canRun ? 0 : EXIT_CANNOT_RUN;
}

/** Declaration of `doctor`. */
export const COMMAND: Command = {
  name: "doctor",
  summary:
    "Say what this machine offers to containers, what is missing, and what to do",
  usage: "[flags]",
  details: [
    "Needs no privilege and changes nothing: it reads, and tries in processes " +
    "that end at once. Root is told what containers of root get, another user " +
    "what he gets. The exit status is 0 if containers run, 1 if they do not.",
  ],
  options: [{ name: "json", type: "boolean", doc: "print JSON" }],
  usesDirectory: false,
  examples: [
    { doc: "before anything else", line: "nsinit doctor" },
    {
      doc: "what is not as it could be",
      line:
        "nsinit doctor --json | jq '.findings[] | select(.status != \"ok\")'",
    },
  ],
  action: doctor,
};

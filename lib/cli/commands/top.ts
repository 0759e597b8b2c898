/**
 * `nsinit top`: a live table of what containers use.
 *
 * @module
 */
import type { ContainerReading } from "../../container/survey.ts";
import { UsageError } from "../../errors.ts";
import type { Command, Invocation } from "../command.ts";
import { parseDuration } from "../duration.ts";
import { FORMAT_OPTION } from "../format_option.ts";
import { stateRootOf } from "../globals.ts";
import { formatJson } from "../output.ts";
import type { Row, SortKey } from "../top/model.ts";

const INTERVALS = { min: 100, max: 3_600_000 } as const;
/** Between the two looks of a table that is printed once, in milliseconds. */
const ONCE_MS = 500;
const SORT_KEYS: readonly SortKey[] = [
  "cpu",
  "memory",
  "tasks",
  "io",
  "network",
  "id",
];

/** How the command is used. */
interface Request {
  readonly stateRoot: string;
  readonly only?: readonly string[];
  readonly intervalMs: number | undefined;
  readonly sort: SortKey;
  readonly showsAll: boolean;
}

function requestOf({ values, args }: Invocation): Request {
  const interval = values.text("interval");
  return {
    stateRoot: stateRootOf(values),
    ...(args.length > 0 && { only: [...new Set(args)] }),
    intervalMs: interval === undefined
      ? undefined
      : parseDuration("interval", interval, INTERVALS),
    sort: SORT_KEYS.find((key) => key === values.text("sort")) ?? "cpu",
    showsAll: values.flag("all") || args.length > 0,
  };
}

/** A mistyped id is told at once, not shown as an empty table. */
async function checkIds({ stateRoot, only = [] }: Request): Promise<void> {
  const { loadState } = await import("../../container/inspect.ts");
  for (const id of only) await loadState(stateRoot, id);
}

/** Looks twice, since rates need a time between. */
async function sample(
  { stateRoot, only, intervalMs }: Request,
): Promise<Row[]> {
  const [{ surveyContainers }, { Sampler }] = await Promise.all([
    import("../../container/survey.ts"),
    import("../top/model.ts"),
  ]);
  const sampler = new Sampler();
  const look = async (): Promise<readonly ContainerReading[]> => {
    const { readings, problems } = await surveyContainers(stateRoot, only);
    if (problems.length > 0) throw problems[0];
    return readings;
  };
  sampler.rows(await look());
  await new Promise((done) => setTimeout(done, intervalMs ?? ONCE_MS));
  return sampler.rows(await look());
}

/** Width of the terminal that results go to. */
function columnsOf(): number {
  if (!Deno.stdout.isTerminal()) return Infinity;
  try {
    return Deno.consoleSize().columns || Infinity;
  } catch {
    return Infinity; // it does not tell
  }
}

async function once(
  { values, output }: Invocation,
  request: Request,
): Promise<number> {
  const { isLive, sortRows } = await import("../top/model.ts");
  const all = await sample(request);
  const rows = sortRows(
    all.filter((row) => request.showsAll || isLive(row)),
    request.sort,
    false,
  );
  if (values.text("format") === "json") {
    const { rowToJson } = await import("../top/json.ts");
    await output.result(formatJson(rows.map(rowToJson)));
  } else {
    const { drawTable } = await import("../top/screen.ts");
    await output.result(drawTable(rows, columnsOf()));
  }
  return 0;
}

function isUnicode(): boolean {
  const locale = Deno.env.get("LC_ALL") || Deno.env.get("LC_CTYPE") ||
    Deno.env.get("LANG") || "";
  return /utf-?8/i.test(locale);
}

async function top(invocation: Invocation): Promise<number> {
  const { values } = invocation;
  const request = requestOf(invocation);
  await checkIds(request);
  const isLive = Deno.stdin.isTerminal() && Deno.stdout.isTerminal() &&
    Deno.env.get("TERM") !== "dumb";
  const isOnce = values.flag("once") || values.text("format") === "json";
  if (isOnce || !isLive) return await once(invocation, request);
  if (values.flag("debug") && !values.has("log")) {
    throw new UsageError("--debug would write over the table: add --log FILE");
  }
  const { showLive } = await import("../top/live.ts");
  const { stateRoot, only, intervalMs = 1000, sort, showsAll } = request;
  return await showLive({
    stateRoot,
    ...(only && { only }),
    intervalMs,
    view: { sort, showsAll },
    isColour: (Deno.env.get("NO_COLOR") ?? "") === "",
    isUnicode: isUnicode(),
  });
}

/** Declaration of `top`. */
export const COMMAND: Command = {
  name: "top",
  summary: "Watch what containers use, in a live table",
  usage: "[flags] [ID...]",
  details: [
    "Shows all containers that run, or those that are named. The key h " +
    "explains the keys: they sort, choose, pause and end containers; q " +
    "leaves. Without a terminal the table is printed once.",
    "CPU is in percent of one processor, MEM and LIMIT are bytes of memory, " +
    "the rest bytes a second of block devices and of all network interfaces " +
    "but loopback.",
  ],
  options: [
    {
      name: "once",
      type: "boolean",
      doc: "print the table once, measured over half a second or --interval",
    },
    { ...FORMAT_OPTION, doc: "form of what is printed once: table or json" },
    {
      name: "interval",
      type: "text",
      metavar: "TIME",
      doc: "time between two looks (default 1s)",
    },
    {
      name: "sort",
      type: "text",
      metavar: "KEY",
      choices: SORT_KEYS,
      default: "cpu",
      doc: `what to sort by: ${SORT_KEYS.join(", ")}`,
    },
    {
      name: "all",
      short: "a",
      type: "boolean",
      doc: "show containers that do not run, too",
    },
  ],
  usesDirectory: false,
  examples: [
    { doc: "who uses most memory", line: "nsinit top --sort memory" },
    { doc: "once, as data", line: "nsinit top --format json" },
  ],
  action: top,
};

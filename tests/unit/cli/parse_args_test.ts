import { assertEquals, assertThrows } from "@std/assert";
import { UsageError } from "../../../lib/errors.ts";
import type { Option } from "../../../lib/cli/command.ts";
import { parseArgs } from "../../../lib/cli/parse_args.ts";

const OPTIONS: readonly Option[] = [
  { name: "tty", short: "t", type: "boolean", doc: "" },
  { name: "detach", short: "d", type: "boolean", doc: "" },
  { name: "user", short: "u", type: "text", metavar: "USER", doc: "" },
  { name: "env", short: "e", type: "text", repeatable: true, doc: "" },
  { name: "data-path", type: "text", doc: "" },
  { name: "log", aliases: ["log-file"], type: "text", doc: "" },
  { name: "memory-swap", type: "size", doc: "" },
  { name: "cpushares", type: "integer", doc: "" },
  { name: "format", type: "text", choices: ["table", "json"], doc: "" },
  { name: "nspid", type: "text", hidden: true, refused: "is gone", doc: "" },
];

function parse(
  args: readonly string[],
  stopEarly = true,
): { given: Record<string, string[]>; rest: readonly string[] } {
  const { given, rest } = parseArgs(args, OPTIONS, {
    stopEarly,
    command: "exec",
  });
  return { given: Object.fromEntries(given), rest };
}

const ACCEPTED: readonly {
  args: string[];
  given: Record<string, string[]>;
  rest?: string[];
}[] = [
  { args: ["--user", "daemon"], given: { user: ["daemon"] } },
  { args: ["--user=daemon"], given: { user: ["daemon"] } },
  { args: ["--user="], given: { user: [""] } },
  { args: ["--user", ""], given: { user: [""] } },
  { args: ["--user=a=b"], given: { user: ["a=b"] } },
  { args: ["-u", "daemon"], given: { user: ["daemon"] } },
  { args: ["-udaemon"], given: { user: ["daemon"] } },
  { args: ["-u=daemon"], given: { user: ["daemon"] } },
  { args: ["-td"], given: { tty: ["true"], detach: ["true"] } },
  { args: ["-tu", "x"], given: { tty: ["true"], user: ["x"] } },
  { args: ["--tty", "true"], given: { tty: ["true"] }, rest: ["true"] },
  { args: ["--tty=false"], given: { tty: ["false"] } },
  { args: ["--tty=1"], given: { tty: ["true"] } },
  { args: ["-tty"], given: { tty: ["true"] } },
  { args: ["-root", "/srv"], given: { "data-path": ["/srv"] } },
  { args: ["-root=/srv"], given: { "data-path": ["/srv"] } },
  { args: ["-log", "none"], given: { log: ["none"] } },
  { args: ["--log-file", "f"], given: { log: ["f"] } },
  { args: ["--memory-swap", "-1"], given: { "memory-swap": ["-1"] } },
  { args: ["-e", "A=1", "--env=B=2"], given: { env: ["A=1", "B=2"] } },
  { args: ["-eA=1"], given: { env: ["A=1"] } },
  { args: ["--env", "-x"], given: { env: ["-x"] } },
  { args: ["--env", "A=1\nB=2"], given: { env: ["A=1\nB=2"] } },
  { args: ["--user", "a", "--user", "b"], given: { user: ["b"] } },
  { args: ["--user=--tty"], given: { user: ["--tty"] } },
  {
    args: ["-t", "ls", "-l", "--", "--tty"],
    given: { tty: ["true"] },
    rest: ["ls", "-l", "--", "--tty"],
  },
  { args: ["--", "--tty", "--"], given: {}, rest: ["--tty", "--"] },
  { args: ["-", "--tty"], given: {}, rest: ["-", "--tty"] },
  { args: ["", "--tty"], given: {}, rest: ["", "--tty"] },
];

for (const { args, given, rest = [] } of ACCEPTED) {
  Deno.test(`parseArgs accepts ${JSON.stringify(args)}`, () => {
    assertEquals(parse(args), { given, rest });
  });
}

const REFUSED: readonly { args: string[]; says: string }[] = [
  { args: ["--usr", "x"], says: "did you mean --user?" },
  { args: ["--constructor"], says: "Unknown option --constructor" },
  { args: ["--__proto__=1"], says: "Unknown option --__proto__" },
  { args: ["-x"], says: "Unknown option -x" },
  { args: ["-tx"], says: "Unknown option -tx" },
  { args: ["--root", "x"], says: "Unknown option --root" },
  { args: ["--user"], says: "--user needs a value: --user USER" },
  { args: ["-u"], says: "-u needs a value" },
  { args: ["--user", "--tty"], says: "--user=--tty if --tty is meant" },
  { args: ["--user", "--"], says: "--user needs a value" },
  { args: ["--tty=maybe"], says: "it is true or false" },
  { args: ["--cpushares", "1.5"], says: "it is a whole number" },
  { args: ["--cpushares", ""], says: "it is a whole number" },
  { args: ["--memory-swap", "12q"], says: "such as 64m" },
  { args: ["--format", "xml"], says: "one of table, json" },
  { args: ["--user", "a\0b"], says: "NUL" },
  { args: ["--nspid", "1"], says: "--nspid: is gone" },
];

for (const { args, says } of REFUSED) {
  Deno.test(`parseArgs refuses ${JSON.stringify(args)}`, () => {
    assertThrows(() => parse(args), UsageError, says);
  });
}

Deno.test("parseArgs never proposes hidden or refused options", () => {
  const error = assertThrows(() => parse(["--nspdi", "1"]), UsageError);
  assertEquals(error.message.includes("nspid"), false);
});

Deno.test("parseArgs reads options behind arguments unless it stops early", () => {
  const all = { stopEarly: false, command: "kill" };
  const { given, rest } = parseArgs(["demo", "--tty", "KILL"], OPTIONS, all);
  assertEquals([...given.keys()], ["tty"]);
  assertEquals(rest, ["demo", "KILL"]);
});

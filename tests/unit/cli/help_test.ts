import { assert, assertEquals } from "@std/assert";
import type { Command } from "../../../lib/cli/command.ts";
import { GLOBAL_OPTIONS } from "../../../lib/cli/globals.ts";
import { formatHelp, formatOverview } from "../../../lib/cli/help.ts";
import { COMMANDS, loadEntry } from "../../../lib/cli/registry.ts";
import { VERSION } from "../../../lib/cli/version.ts";
import deno from "../../../deno.json" with { type: "json" };

const DEMO: Command = {
  name: "demo",
  aliases: ["d"],
  summary: "Show how help looks",
  usage: "[flags] [ID]",
  details: ["A paragraph about it."],
  options: [
    { name: "all", short: "a", type: "boolean", doc: "all of them" },
    {
      name: "env",
      type: "text",
      metavar: "NAME[=VALUE]",
      repeatable: true,
      group: "Program",
      doc: "set a variable whose description is longer than one line can be",
    },
    { name: "old", type: "boolean", hidden: true, doc: "not shown" },
  ],
  usesDirectory: false,
  examples: [{ doc: "try it", line: "nsinit demo --all" }],
  action: () => Promise.resolve(0),
};

Deno.test("formatHelp renders a declaration", () => {
  const [own, rest] = formatHelp(DEMO).split("Global options:");
  assertEquals(
    own,
    `Usage: nsinit [global options] demo [flags] [ID]

Show how help looks.

A paragraph about it.

Also called: d

Options:
  -a, --all                 all of them

Program:
      --env NAME[=VALUE]    set a variable whose description is longer than one
                            line can be; may be repeated

`,
  );
  assert(rest?.endsWith("Examples:\n  # try it\n  nsinit demo --all"));
  assert(!rest?.includes("--data-path"));
});

Deno.test("every command is declared as it is registered", async () => {
  for (const entry of COMMANDS) {
    const command = await loadEntry(entry);
    assertEquals(command.name, entry.name);
    assertEquals(command.aliases, entry.aliases);
  }
});

Deno.test("no command declares an option twice, or one that is global", async () => {
  for (const entry of COMMANDS) {
    const { options, name } = await loadEntry(entry);
    const all = [...GLOBAL_OPTIONS, ...options];
    const names = all.flatMap((option) => [
      option.name,
      ...option.aliases ?? [],
      ...(option.short === undefined ? [] : [option.short]),
    ]);
    assertEquals(names.length, new Set(names).size, name);
  }
});

Deno.test("help fits 80 columns, and shows no hidden option", async () => {
  const commands = await Promise.all(COMMANDS.map(loadEntry));
  const texts = [formatOverview(commands), ...commands.map(formatHelp)];
  for (const line of texts.flatMap((text) => text.split("\n"))) {
    assert(line.length <= 80, line);
    assert(!/--(console|pipe|nspid|func|systemd) /.test(line), line);
  }
});

Deno.test("formatOverview names every command", async () => {
  const commands = await Promise.all(COMMANDS.map(loadEntry));
  const text = formatOverview(commands);
  for (const { name, summary } of commands) {
    assert(text.includes(`\n  ${name}`), name);
    assert(text.replace(/\s+/g, " ").includes(summary), name);
  }
});

Deno.test("VERSION is the one of deno.json", () => {
  assertEquals(VERSION, deno.version);
});

import { assert, assertEquals } from "@std/assert";
import type { Command } from "../../../lib/cli/command.ts";
import { COMMANDS, loadEntry } from "../../../lib/cli/registry.ts";
import { renderManPage } from "../../../tasks/man/page.ts";
import { mustSkip } from "../../support/capability.ts";
import { mustRun } from "../../support/nsinit.ts";

const DEMO: Command = {
  name: "demo",
  aliases: ["d"],
  summary: "Show how a page looks",
  usage: "[flags] [ID]",
  details: [".A paragraph that begins like a request, with a back\\slash."],
  options: [
    { name: "all", short: "a", type: "boolean", doc: "all of them" },
    {
      name: "env",
      aliases: ["environment"],
      type: "text",
      metavar: "NAME[=VALUE]",
      repeatable: true,
      group: "Program",
      doc: "set a variable",
    },
    { name: "size", type: "size", optionalValue: true, doc: "a size" },
    { name: "old", type: "boolean", hidden: true, doc: "not shown" },
    { name: "gone", type: "text", refused: "gone", doc: "not shown" },
  ],
  usesDirectory: false,
  examples: [{ doc: "try it", line: "nsinit demo --all" }],
  action: () => Promise.resolve(0),
};

function between(text: string, from: string, to: string): string {
  return text.slice(text.indexOf(from), text.indexOf(to));
}

Deno.test("the manual page renders a declaration", () => {
  assertEquals(
    between(renderManPage([DEMO]), '.SS "demo', '.SH "GLOBAL'),
    `.SS "demo [flags] [ID]"
Show how a page looks.
.PP
\\&.A paragraph that begins like a request, with a back\\eslash.
.PP
Also called d.
.TP
\\fB\\-a\\fR, \\fB\\-\\-all\\fR
all of them.
.TP
\\fB\\-\\-size\\fR[=\\fIVALUE\\fR]
a size.
.PP
\\fBProgram:\\fR
.TP
\\fB\\-\\-env\\fR, \\fB\\-\\-environment\\fR \\fINAME[=VALUE]\\fR
set a variable; may be repeated.
`,
  );
  assert(
    renderManPage([DEMO]).includes(
      "Try it:\n.PP\n.RS 4\n.nf\nnsinit demo \\-\\-all\n.fi\n",
    ),
  );
});

Deno.test("the manual page names a shared option once", () => {
  const options = [..."abcdefgh"].map((letter) => ({
    name: `opt-${letter}`,
    type: "boolean" as const,
    doc: `option ${letter}`,
  }));
  const page = renderManPage([
    { ...DEMO, options },
    { ...DEMO, name: "other", options: [...options, ...DEMO.options] },
  ]);
  assertEquals(page.split("option a.").length, 2);
  assert(page.includes("As of demo: \\-\\-opt\\-a, \\-\\-opt\\-b,"));
});

Deno.test("the manual page holds every command and every option", async () => {
  const commands = await Promise.all(COMMANDS.map(loadEntry));
  const page = renderManPage(commands).replaceAll("\\-", "-");
  for (const { name, options } of commands) {
    assert(page.includes(`.SS "${name}`), name);
    for (const { name, hidden, refused } of options) {
      const isShown = new RegExp(`--${name}(?![a-z-])`).test(page);
      assertEquals(isShown, !(hidden || refused), name);
    }
  }
});

const LINT = "man and mandoc find no fault in the manual page";
Deno.test({
  name: LINT,
  ignore: mustSkip(LINT, ["mandoc"]),
  fn: async () => {
    const commands = await Promise.all(COMMANDS.map(loadEntry));
    const file = await Deno.makeTempFile({ suffix: ".1" });
    try {
      await Deno.writeTextFile(file, renderManPage(commands));
      // A page that is made has no date, and no rule wants one.
      const lint = await mustRun([
        "sh",
        "-c",
        'mandoc -T lint -W warning "$0" | grep -v "missing date" || true',
        file,
      ]);
      assertEquals(lint, "");
      const shown = await mustRun(["mandoc", "-T", "utf8", file]);
      assert(shown.includes("nsinit delete --all"));
    } finally {
      await Deno.remove(file);
    }
  },
});

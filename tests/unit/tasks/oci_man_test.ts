import { assert, assertEquals } from "@std/assert";
import { formatOciHelp, formatOciOverview } from "../../../lib/oci/help.ts";
import type { OciCommand } from "../../../lib/oci/command.ts";
import { OCI_GLOBAL_OPTIONS } from "../../../lib/oci/globals.ts";
import { OCI_COMMANDS } from "../../../lib/oci/registry.ts";
import { renderOciManPage } from "../../../tasks/man/oci_page.ts";
import { mustSkip } from "../../support/capability.ts";
import { mustRun } from "../../support/nsinit.ts";

function loadCommands(): Promise<OciCommand[]> {
  return Promise.all(
    OCI_COMMANDS.map(async ({ load }) => (await load()).COMMAND),
  );
}

Deno.test("the manual page of nsinit-oci holds every command and every option", async () => {
  const commands = await loadCommands();
  const page = renderOciManPage(commands).replaceAll("\\-", "-");
  const all = [...commands, { name: "", options: OCI_GLOBAL_OPTIONS }];
  for (const { name, options } of all) {
    assert(name === "" || page.includes(`.SS "${name}`), name);
    for (const { name, hidden } of options) {
      const isShown = new RegExp(`--${name}(?![a-z-])`).test(page);
      assertEquals(isShown, !hidden, name);
    }
  }
});

Deno.test("help of nsinit-oci lists every command, and every option that is not hidden", async () => {
  const commands = await loadCommands();
  const overview = formatOciOverview(commands);
  for (const command of commands) {
    assert(overview.includes(`\n  ${command.name} `), command.name);
    const help = formatOciHelp(command);
    for (const { name, hidden } of command.options) {
      const isShown = new RegExp(`--${name}(?![a-z-])`).test(help);
      assertEquals(isShown, !hidden, `${command.name} --${name}`);
    }
  }
});

Deno.test("the commands of nsinit-oci are those of the registry, by their names", async () => {
  const commands = await loadCommands();
  assertEquals(
    commands.map(({ name }) => name),
    OCI_COMMANDS.map(({ name }) => name),
  );
  assertEquals(
    OCI_COMMANDS.map(({ name }) => name).sort(),
    "checkpoint completion create delete events exec features kill list pause ps restore \
resume run spec start state update".split(" "),
  );
});

const LINT = "mandoc finds no fault in the manual page of nsinit-oci";
Deno.test({
  name: LINT,
  ignore: mustSkip(LINT, ["mandoc"]),
  fn: async () => {
    const file = await Deno.makeTempFile({ suffix: ".1" });
    try {
      await Deno.writeTextFile(file, renderOciManPage(await loadCommands()));
      // A page that is made has no date, and no rule wants one.
      const lint = await mustRun([
        "sh",
        "-c",
        'mandoc -T lint -W warning "$0" | grep -v "missing date" || true',
        file,
      ]);
      assertEquals(lint, "");
    } finally {
      await Deno.remove(file);
    }
  },
});

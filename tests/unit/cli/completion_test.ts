import { assert, assertEquals } from "@std/assert";
import { completedProgram } from "../../../lib/cli/completion/model.ts";
import { renderCompletion } from "../../../lib/cli/completion/render.ts";
import type { Command } from "../../../lib/cli/command.ts";
import { GENERATOR_OPTIONS } from "../../../lib/cli/generator_options.ts";
import { COMMANDS, loadEntry } from "../../../lib/cli/registry.ts";
import { mustSkip } from "../../support/capability.ts";
import { offersOf, type Shell } from "../../support/shells.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

/** Stands for the directory `no-container`, which shells spell differently. */
const NAME = "";

/** What every shell offers, in a directory that holds two containers. */
const CASES: readonly [string, readonly string[]][] = [
  ["nsinit conv", ["convert"]],
  ["nsinit --root @/state kill ", ["db.1", "web"]],
  ["nsinit --root=@/state kill w", ["web"]],
  ["nsinit kill web T", ["TERM", "TRAP", "TSTP", "TTIN", "TTOU"]],
  ["nsinit kill web TE", ["TERM"]],
  ["nsinit --root @/state delete web d", ["db.1"]],
  ["nsinit kill --signal HU", ["HUP"]],
  ["nsinit kill --sig", ["--signal"]],
  ["nsinit kill -s HU", ["HUP"]],
  ["nsinit exec --security ", ["high", "low", "medium"]],
  ["nsinit exec --net ", ["host", "private"]],
  ["nsinit exec -t --pid-f", ["--pid-file"]],
  ["nsinit exec ls --pid-f", []],
  ["nsinit exec ls -l @/state/no", [NAME]],
  ["nsinit --log-format ", ["json", "text"]],
  ["nsinit --log-format json unp", ["unpause"]],
  ["nsinit help unp", ["unpause"]],
  ["nsinit ls --form", ["--format"]],
  ["nsinit completion ", ["bash", "fish", "zsh"]],
  ["nsinit convert --format ", ["container.json", "oci"]],
  ["nsinit nosuch ", []],
];

async function program(): Promise<ReturnType<typeof completedProgram>> {
  return completedProgram(await Promise.all(COMMANDS.map(loadEntry)));
}

async function withStates(
  shell: Shell,
  act: (dir: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: `nsinit-${shell}-` });
  try {
    for (const id of ["web", "db.1"]) {
      await Deno.mkdir(`${dir}/state/${id}`, { recursive: true });
      await Deno.writeTextFile(`${dir}/state/${id}/state.json`, "{}");
    }
    await Deno.mkdir(`${dir}/state/no-container`);
    await act(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

for (const shell of SHELLS) {
  const name = `${shell} completes commands, options, values, ids and signals`;
  Deno.test({
    name,
    ignore: mustSkip(name, [shell]),
    fn: () =>
      withStates(shell, async (dir) => {
        const script = renderCompletion(shell, await program());
        const lines = CASES.map(([line]) => line.replace("@", dir));
        const offers = await offersOf(shell, { dir, script }, lines);
        const found = CASES.map(([line], index) => [line, offers[index]]);
        const whole = shell === "fish"
          ? `${dir}/state/no-container/`
          : shell === "bash"
          ? `${dir}/state/no-container`
          : "no-container";
        const wanted = CASES.map(([line, words]) => [
          line,
          words.map((word) => word === NAME ? whole : word),
        ]);
        assertEquals(found, wanted);
      }),
  });
}

Deno.test("every option and command that is shown is completed by every shell", async () => {
  const { options, commands } = await program();
  const all = [options, ...commands.map(({ options }) => options)].flat();
  for (const shell of SHELLS) {
    const script = renderCompletion(shell, await program());
    for (const { option } of all) {
      const spelling = shell === "fish"
        ? `-l ${option.name}`
        : `--${option.name}`;
      assert(script.includes(spelling), `${shell}: ${spelling}`);
    }
    for (const { command } of commands) {
      assert(script.includes(command.name), `${shell}: ${command.name}`);
    }
  }
});

const DEMO: Command = {
  name: "demo",
  summary: "It's a test",
  usage: "[--id ID | ID] [SIGNAL]",
  options: [
    { name: "old", type: "boolean", hidden: true, doc: "hidden" },
    { name: "gone", type: "text", refused: "gone", doc: "refused" },
    ...GENERATOR_OPTIONS.filter(({ name }) =>
      ["net", "bind", "overlay", "memory-limit", "read-only"].includes(name)
    ),
  ],
  usesDirectory: false,
  examples: [],
  action: () => Promise.resolve(0),
};

Deno.test("completedProgram takes what values are from their names", () => {
  const [demo] = completedProgram([DEMO]).commands;
  assertEquals(demo?.positionals.map(({ kind }) => kind), ["ids", "words"]);
  assertEquals(
    demo?.options.map(({ option, value }) => [option.name, value]),
    [
      ["read-only", undefined],
      ["overlay", { kind: "nothing" }],
      ["bind", { kind: "files" }],
      ["net", { kind: "words", words: ["host", "private"] }],
      ["memory-limit", { kind: "nothing" }],
    ],
  );
});

Deno.test("quotes in a declaration stay text in every script", () => {
  for (const shell of SHELLS) {
    const script = renderCompletion(shell, completedProgram([DEMO]));
    assert(!/(?<!\\)'s a test/.test(script.replaceAll("'\\''", "")), shell);
  }
});

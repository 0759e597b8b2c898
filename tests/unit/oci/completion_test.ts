import { assert, assertEquals } from "@std/assert";
import { completedProgram } from "../../../lib/cli/completion/model.ts";
import { renderCompletion } from "../../../lib/cli/completion/render.ts";
import { asCommand } from "../../../lib/oci/as_command.ts";
import { OCI_GLOBAL_OPTIONS } from "../../../lib/oci/globals.ts";
import { OCI_COMMANDS } from "../../../lib/oci/registry.ts";
import { mustSkip } from "../../support/capability.ts";
import { offersOf } from "../../support/shells.ts";

const SHELLS = ["bash", "zsh", "fish"] as const;

/** What every shell offers, in a directory that holds two containers. */
const CASES: readonly [string, readonly string[]][] = [
  ["nsinit-oci feat", ["features"]],
  ["nsinit-oci --root @/state state ", ["db.1", "web"]],
  ["nsinit-oci --root=@/state kill w", ["web"]],
  ["nsinit-oci kill web TE", ["TERM"]],
  ["nsinit-oci checkpoint --leave", ["--leave-running"]],
  ["nsinit-oci checkpoint --roo", []],
  ["nsinit-oci --roo", ["--root", "--rootless"]],
  ["nsinit-oci --rootless ", ["auto", "false", "true"]],
  ["nsinit-oci completion ", ["bash", "fish", "zsh"]],
];

async function scriptOf(shell: typeof SHELLS[number]): Promise<string> {
  const commands = await Promise.all(
    OCI_COMMANDS.map(async ({ load }) => asCommand((await load()).COMMAND)),
  );
  return renderCompletion(
    shell,
    completedProgram(commands, {
      name: "nsinit-oci",
      options: OCI_GLOBAL_OPTIONS,
      globalsFirst: true,
    }),
  );
}

for (const shell of SHELLS) {
  const name = `${shell} completes commands, options and ids of nsinit-oci`;
  Deno.test({
    name,
    ignore: mustSkip(name, [shell]),
    fn: async () => {
      const dir = await Deno.makeTempDir({ prefix: `nsinit-oci-${shell}-` });
      try {
        for (const id of ["web", "db.1"]) {
          await Deno.mkdir(`${dir}/state/${id}`, { recursive: true });
          await Deno.writeTextFile(`${dir}/state/${id}/state.json`, "{}");
        }
        const lines = CASES.map(([line]) => line.replace("@", dir));
        const place = {
          dir,
          script: await scriptOf(shell),
          main: "_nsinit_oci",
        };
        const offers = await offersOf(shell, place, lines);
        assertEquals(
          CASES.map(([line], index) => [line, offers[index]]),
          CASES.map(([line, words]) => [line, [...words]]),
        );
      } finally {
        await Deno.remove(dir, { recursive: true });
      }
    },
  });
}

Deno.test("scripts of nsinit-oci leave nsinit's own alone", async () => {
  for (const shell of SHELLS) {
    const script = await scriptOf(shell);
    assert(script.includes("/run/nsinit-oci"), shell);
    assert(!/_nsinit(?!_oci)/.test(script), shell);
    assert(!/nsinit-oci-oci/.test(script), shell);
  }
});

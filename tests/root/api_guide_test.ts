/**
 * The programs of docs/api.md, run as they stand there: only the places are
 * those of the test.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { containerTests, type Workspace } from "../support/containers.ts";
import { type GuideProgram, readGuide } from "../support/guide.ts";
import { runProgram } from "../support/nsinit.ts";

const test = containerTests("guide");
const TIMEOUT_MS = 120_000;

/** Puts a program into the workspace. */
function adapt({ text }: GuideProgram, workspace: Workspace): string {
  return text
    .replaceAll("new Factory()", `new Factory("${workspace.stateRoot}")`)
    .replaceAll('factory.create("', `factory.create("${workspace.tag}-`)
    .replaceAll("/srv/root", workspace.rootfs)
    .replaceAll("/srv/data", `${workspace.dir}/data`);
}

const guide = await readGuide("docs/api.md");
for (const program of guide.filter(({ isRun }) => isRun)) {
  test(`docs/api.md: ${program.name}`, async (workspace) => {
    const data = `${workspace.dir}/data`;
    await Deno.mkdir(data, { recursive: true });
    await Deno.writeTextFile(`${data}/greeting`, "hello\n");
    const path = `${await workspace.newDirectory()}/program.ts`;
    await Deno.writeTextFile(path, adapt(program, workspace));

    const command = [Deno.execPath(), "run", "-A", "--no-check", "--no-lock"];
    const { code, stdout, stderr } = await runProgram([...command, path], {
      env: { NO_COLOR: "1" },
      timeoutMs: TIMEOUT_MS,
    });

    const lines = stdout.split("\n").map((line) => line.trim());
    assertEquals([...program.output, ""], lines, stderr);
    assertEquals([code, stderr], [0, ""]);
  });
}

import { assert, assertEquals } from "@std/assert";
import { readGuide } from "../../support/guide.ts";
import { REPOSITORY } from "../../support/nsinit.ts";

Deno.test("every block of the library's guide passes the type checker", async () => {
  const programs = await readGuide("docs/api.md");
  assert(programs.length >= 13, `${programs.length} programs`);
  const dir = await Deno.makeTempDir({ prefix: "nsinit-guide-" });
  try {
    const paths = await Promise.all(programs.map(async ({ text }, index) => {
      const path = `${dir}/${index}.ts`;
      await Deno.writeTextFile(path, text);
      return path;
    }));
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["check", "--config", `${REPOSITORY}/deno.json`, ...paths],
      env: { NO_COLOR: "1" },
    }).output();
    const names = programs.map(({ name }, index) => `${index}.ts: ${name}`);
    const report = [new TextDecoder().decode(stderr), ...names].join("\n");
    assert(success, report);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("every section of the library's guide that runs shows what it prints", async () => {
  const silent = (await readGuide("docs/api.md"))
    .filter(({ isRun, output }) => isRun && output.length === 0);
  assertEquals(silent.map(({ name }) => name), []);
});

/**
 * The library for those who may not do everything: ordinary users, and programs
 * without some of Deno's permissions.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { containerTests } from "../support/containers.ts";
import { readConfig } from "../support/in_process.ts";
import { REPOSITORY, runProgram } from "../support/nsinit.ts";
import { OrdinaryUser, USER_ID } from "../support/ordinary_user.ts";

const test = containerTests("apiperm");

test(
  "an ordinary user creates, starts, joins and destroys a container",
  async (workspace) => {
    const user = await OrdinaryUser.create(workspace);
    const config = await readConfig(workspace);
    const text = JSON.stringify({ ...config, rootfs: user.rootfs });

    const { code, stdout, stderr } = await user.script(`
      import { Factory } from "file://${user.checkout("mod.ts")}";
      const factory = new Factory();
      const say = (...items) => console.log(JSON.stringify(items));
      const run = async (container, args, more = {}) => {
        const process = await container.start({ args, stdout: "piped", ...more });
        return new TextDecoder().decode((await process.output()).stdout).trim();
      };
      {
        await using container = await factory.create("mine", ${text});
        await container.start({ args: ["/bin/sleep", "100"] });
        say(factory.root, await container.status());
        say(await run(container, ["id", "-u"]), await run(container, ["cat", "/proc/self/uid_map"]));
        say((await container.processes()).length);
      }
      say(await factory.list());`);

    assertEquals(code, 0, stderr);
    const lines = stdout.trim().split("\n").map((line) => JSON.parse(line));
    assertEquals(lines[0], [user.stateRoot, "running"]);
    const [id, map] = lines[1];
    assertEquals([id, map.split(/\s+/)], ["0", ["0", `${USER_ID}`, "1"]]);
    assertEquals(lines.slice(2), [[1], [[]]]);
    assertEquals(user.states(), []);
  },
  { needs: ["user-namespaces"] },
);

test("importing the library needs no permission, and a missing one is named", async (workspace) => {
  const config = await readConfig(workspace);
  const path = `${workspace.dir}/permissions.ts`;
  await Deno.writeTextFile(
    path,
    `import { Factory, defaultConfig } from "file://${REPOSITORY}/mod.ts";
defaultConfig("/srv/root");
const factory = new Factory(${JSON.stringify(workspace.stateRoot)});
try {
  await factory.create("denied", ${JSON.stringify(config)});
} catch (error) {
  console.log(error.name, error.message);
}`,
  );
  const all = ["--allow-read", "--allow-write", "--allow-sys", "--allow-ffi"];
  for (
    const [missing = "", name] of [
      ["--allow-ffi", "ffi"],
      ["--allow-write", "write"],
      ["--allow-read", "read"],
    ]
  ) {
    const flags = all.filter((flag) => flag !== missing);
    const { stdout, stderr, code } = await runProgram(
      [
        Deno.execPath(),
        "run",
        "--no-prompt",
        "--no-check",
        "--no-lock",
        ...flags,
        path,
      ],
      { cwd: REPOSITORY },
    );
    assertEquals(code, 0, stderr);
    assertStringIncludes(stdout, "NotCapable");
    assertStringIncludes(stdout, `--allow-${name}`);
    assert(!stdout.includes("SystemError"), stdout);
  }
  assertEquals(await Array.fromAsync(Deno.readDir(workspace.stateRoot)), []);
});

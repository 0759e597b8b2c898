import { assert, assertEquals, assertRejects } from "@std/assert";
import { defaultConfig } from "../../../lib/config/defaults.ts";
import { formatConfig } from "../../../lib/config/format.ts";
import { formatPath } from "../../../lib/config/json_scan.ts";
import { parseConfig } from "../../../lib/config/parse.ts";
import type { Config, Hook, Hooks } from "../../../lib/config/types.ts";
import { findFaults } from "../../../lib/config/validate.ts";
import { ConfigError } from "../../../lib/errors.ts";

const base = defaultConfig("/srv/root");

const HOOKS: Hooks = {
  prestart: [{ path: "/bin/a", args: ["a", "b c"], env: ["A=1"], timeout: 3 }],
  createRuntime: [{ path: "/bin/b" }, { path: "/bin/b", args: [] }],
  createContainer: [{ path: "/bin/c", dir: "/tmp" }],
  startContainer: [{ path: "/bin/d" }],
  poststart: [{ path: "/bin/e" }],
  poststop: [{ path: "/bin/f" }],
};

function around(member: string): string {
  return `{"rootfs": "/srv", "namespaces": [{"type": "NEWNS"}],\n${member}}`;
}

Deno.test("hooks are written as dialect D and read back the same", async () => {
  const config: Config = { ...base, hooks: HOOKS };
  const read = await parseConfig(formatConfig(config, "container.json"));
  assertEquals(read.hooks, HOOKS);
});

Deno.test("hooks are written as OCI, which has no directory", () => {
  const warnings: string[] = [];
  const { hooks } = JSON.parse(formatConfig({ ...base, hooks: HOOKS }, "oci", {
    onWarning: (warning) => warnings.push(warning),
  }));
  assertEquals(hooks.prestart, HOOKS.prestart);
  assertEquals(hooks.createContainer, [{ path: "/bin/c" }]);
  assertEquals(warnings.filter((text) => text.includes("hooks")), [
    "hooks.createContainer[0].dir is left out",
  ]);
});

Deno.test("early runc's Hooks are read, with their timeouts in nanoseconds", async () => {
  const config = await parseConfig(around(
    '"Hooks": {"prestart": [{"path": "/bin/a", "args": null, "env": [], "dir": "", "timeout": 1500000000}], "poststart": null, "poststop": []}',
  ));
  assertEquals(config.dialect, "E");
  assertEquals(config.hooks, {
    prestart: [{ path: "/bin/a", env: [], timeout: 1.5 }],
  });
});

Deno.test("no hooks are read as none", async () => {
  assertEquals((await parseConfig(around('"Hooks": null'))).hooks, undefined);
  assertEquals((await parseConfig(around('"hooks": {}'))).hooks, undefined);
});

for (
  const [text, wanted] of [
    ['"hooks": {"prestrat": []}', "prestart"],
    ['"hooks": {"prestart": [{"path": "a"}]}', "hooks.prestart[0].path"],
    ['"hooks": {"prestart": [{"pth": "/a"}]}', '"path"'],
    ['"hooks": {"poststop": [{"path": "/a", "timeout": 0}]}', "timeout"],
    ['"hooks": {"poststop": [{"path": "/a", "env": ["A"]}]}', "NAME=VALUE"],
  ] as const
) {
  Deno.test(`parseConfig says what is wrong with ${text}`, async () => {
    const error = await assertRejects(
      () => parseConfig(around(text), { path: "c.json" }),
      ConfigError,
      wanted,
    );
    assert(error.message.includes("c.json:2:"), error.message);
  });
}

for (
  const [hook, key] of [
    [{ path: "bin/a" }, "path"],
    [{ path: "/a", args: ["\0"] }, "args[0]"],
    [{ path: "/a", args: Array(1001).fill("") }, "args"],
    [{ path: "/a", env: ["=a"] }, "env[0]"],
    [{ path: "/a", dir: "tmp" }, "dir"],
    [{ path: "/a", timeout: -1 }, "timeout"],
    [{ path: "/a", timeout: NaN }, "timeout"],
    [{ path: "/a", timeout: 2 ** 40 }, "timeout"],
  ] as readonly (readonly [Hook, string])[]
) {
  Deno.test(`findFaults finds ${key} of ${JSON.stringify(hook).slice(0, 50)}`, () => {
    const hooks = { startContainer: [hook] };
    const faults = findFaults({ ...base, hooks });
    assertEquals(faults.map(({ path }) => formatPath(path)), [
      `hooks.startContainer[0].${key}`,
    ]);
  });
}

Deno.test("findFaults finds hooks of an unknown kind, and too many", () => {
  const hooks = JSON.parse('{"prestop": []}');
  assertEquals(
    findFaults({ ...base, hooks })[0]?.path,
    ["hooks", "prestop"],
  );
  const many = { poststop: Array(101).fill({ path: "/a" }) };
  assertEquals(
    findFaults({ ...base, hooks: many })[0]?.path,
    ["hooks", "poststop"],
  );
});

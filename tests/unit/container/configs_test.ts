import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { takeConfig } from "../../../lib/container/check_config.ts";
import { shareConfig } from "../../../lib/container/configs.ts";
import { readState, writeState } from "../../../lib/container/store.ts";
import type { StoredState } from "../../../lib/container/store_types.ts";
import { defaultConfig } from "../../../lib/config/defaults.ts";
import { defaultSeccomp } from "../../../lib/config/default_seccomp.ts";
import type { Config, Seccomp } from "../../../lib/config/types.ts";
import { ConfigError } from "../../../lib/errors.ts";

function stateOf(config: Config): StoredState {
  return {
    version: 2,
    id: "demo",
    phase: "created",
    kept: true,
    pid: 0,
    startTime: "",
    bootId: "boot",
    owner: { pid: 1, startTime: "1" },
    created: "2026-01-01T00:00:00Z",
    directory: "",
    config,
    namespaces: [],
    resources: { cgroups: [], interfaces: [], files: [] },
  };
}

async function writtenAndRead(config: Config): Promise<Config | undefined> {
  const dir = await Deno.makeTempDir();
  try {
    writeState(dir, stateOf(config));
    return (await readState(dir))?.config;
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("containers with the same configuration share one, which is frozen", async () => {
  const { config } = shareConfig(defaultConfig("/srv/same"));
  assertStrictEquals(shareConfig(defaultConfig("/srv/same")).config, config);
  assert(Object.isFrozen(config.mounts[0]));
  assertStrictEquals(await writtenAndRead(config), config);
});

Deno.test("configurations that differ share their filter", async () => {
  const mine = structuredClone(defaultSeccomp) as Seccomp;
  const configOf = (hostname: string): Config => ({
    ...defaultConfig("/srv/filter"),
    hostname,
    seccomp: mine,
  });
  const first = shareConfig(configOf("one")).config;
  const second = shareConfig(configOf("two")).config;
  assert(first !== second);
  assert(first.seccomp !== mine && !Object.isFrozen(mine));
  assertStrictEquals(first.seccomp, second.seccomp);
  assertEquals(first, configOf("one"));
  assertStrictEquals(await writtenAndRead(second), second);
  const standard = { ...defaultConfig("/srv/own"), seccomp: defaultSeccomp };
  assertEquals(shareConfig(standard).config, standard);
});

Deno.test("a filter that the caller changes is another", () => {
  const mine = { ...defaultSeccomp, defaultErrnoRet: 1 };
  const config = { ...defaultConfig("/srv/filter"), seccomp: mine };
  const first = takeConfig(config);
  mine.defaultErrnoRet = 2;
  const second = takeConfig(config);
  assertEquals(
    [first.seccomp?.defaultErrnoRet, second.seccomp?.defaultErrnoRet],
    [1, 2],
  );
});

Deno.test("a configuration that the caller changes is another", () => {
  const mine = { ...defaultConfig("/srv/mine"), hostname: "one" };
  const first = takeConfig(mine);
  mine.hostname = "two";
  const second = takeConfig(mine);
  assertEquals([first.hostname, second.hostname], ["one", "two"]);
  assert(!Object.isFrozen(mine));
});

Deno.test("a configuration of which another is the end is not taken for it", async () => {
  const inner = shareConfig({ ...defaultConfig("/a"), hostname: "inner" });
  const config = {
    ...defaultConfig("/b"),
    labels: [`,"config":${inner.text}`],
  };
  assertEquals(await writtenAndRead(config), config);
  assertEquals(await writtenAndRead(inner.config), inner.config);
});

Deno.test("states keep integers that no number holds", async () => {
  const config: Config = {
    ...defaultConfig("/srv/big"),
    rlimits: [{ type: 7, soft: 2n ** 63n, hard: 2n ** 64n - 1n }],
  };
  assertEquals(await writtenAndRead(config), config);
  assertEquals(await writtenAndRead(shareConfig(config).config), config);
});

Deno.test("a wrong configuration is refused each time", () => {
  const wrong = { ...defaultConfig("/srv/wrong"), hostname: "a/b\0" };
  assertThrows(() => takeConfig(wrong), ConfigError);
  assertThrows(() => takeConfig(wrong), ConfigError);
});

Deno.test("many configurations push each other out, and are shared again", () => {
  const first = shareConfig(defaultConfig("/srv/first")).config;
  for (let i = 0; i < 40; i++) shareConfig(defaultConfig(`/srv/many/${i}`));
  const again = shareConfig(defaultConfig("/srv/first")).config;
  assert(again !== first);
  assertEquals(again, first);
  // The one that is still held is known all the same.
  assertStrictEquals(shareConfig(first).config, first);
});

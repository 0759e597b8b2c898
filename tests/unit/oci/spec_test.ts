import { assert, assertEquals } from "@std/assert";
import { formatJson } from "../../../lib/config/format.ts";
import { parseConfig } from "../../../lib/config/parse.ts";
import type { Config } from "../../../lib/config/types.ts";
import { makeSpec, type SpecOptions } from "../../../lib/oci/spec.ts";

async function read(options: SpecOptions): Promise<Config> {
  const warnings: unknown[] = [];
  const config = await parseConfig(formatJson(makeSpec(options)), {
    path: "/bundle/config.json",
    onWarning: (warning) => warnings.push(warning),
  });
  assertEquals(warnings, []);
  return config;
}

Deno.test("the configuration of a new bundle is read without a warning", async () => {
  const config = await read({});
  assertEquals(config.rootfs, "/bundle/rootfs");
  assertEquals(config.process?.args, ["sh"]);
  assertEquals(config.namespaces.map(({ type }) => type), [
    "NEWPID",
    "NEWNET",
    "NEWIPC",
    "NEWUTS",
    "NEWNS",
  ]);
  assert(config.readonlyfs && config.noNewPrivileges);
  assertEquals(config.mounts.length, 7);
});

Deno.test("without root there is a user namespace of one id, and no network of its own", async () => {
  const config = await read({
    rootless: { uid: 1000, gid: 1001 },
    hasCgroupNamespace: true,
  });
  assertEquals(config.uidMappings, [
    { containerId: 0, hostId: 1000, size: 1 },
  ]);
  assertEquals(config.gidMappings?.[0]?.hostId, 1001);
  assertEquals(config.namespaces.map(({ type }) => type), [
    "NEWPID",
    "NEWIPC",
    "NEWUTS",
    "NEWNS",
    "NEWCGROUP",
    "NEWUSER",
  ]);
  const sys = config.mounts.find(({ destination }) => destination === "/sys");
  assertEquals([sys?.device, sys?.source], ["bind", "/sys"]);
  assert(!config.mounts.some(({ data }) => data.includes("gid=")));
});

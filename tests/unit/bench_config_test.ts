import { assert, assertEquals } from "@std/assert";
import {
  benchConfig,
  LIMITS,
  MASKED,
  ociText,
  READONLY,
} from "../../bench/config.ts";
import { formatConfig, parseConfig, validateConfig } from "../../mod.ts";

const PLACE = { rootfs: "/srv/root", parent: "/bench", name: "one" };
const ARGS = ["/bin/true"];

Deno.test("the peers' file says all that the configuration says", () => {
  const config = benchConfig(PLACE, ARGS);
  const { linux, process, mounts, root } = JSON.parse(ociText(PLACE, ARGS));

  assertEquals(root.path, "/srv/root");
  assertEquals(process.args, ARGS);
  assertEquals(process.noNewPrivileges, true);
  assertEquals(process.capabilities.bounding.length, 14);
  assertEquals(process.rlimits.length, 1);
  assertEquals(mounts.length, config.mounts.length);
  assertEquals(linux.namespaces.length, 5);
  assertEquals(linux.devices.length, 6);
  assertEquals(linux.maskedPaths.length + linux.readonlyPaths.length, 15);
  assertEquals(linux.cgroupsPath, "/bench/one");
  assertEquals(linux.resources.memory.limit, LIMITS.memory);
  assertEquals(linux.resources.pids.limit, LIMITS.pids);
  assertEquals(linux.resources.cpu.shares, LIMITS.shares);
  assert(linux.resources.devices.length > 10);
  assert(linux.seccomp.syscalls.length > 0);
});

Deno.test("everything that costs a start time is switched on", async () => {
  const config = benchConfig(PLACE, ARGS);
  await validateConfig(config);

  assertEquals(config.maskPaths, MASKED);
  assertEquals(config.readonlyPaths, READONLY);
  assert(config.seccomp && config.noNewPrivileges && config.networks);
  assert(config.mounts.some(({ device }) => device === "cgroup"));
});

Deno.test("the command line reads the same configuration as the library is given", async () => {
  const config = benchConfig(PLACE, ARGS);
  const read = await parseConfig(formatConfig(config, "container.json"));

  assertEquals(read.cgroups, config.cgroups);
  assertEquals(read.mounts, config.mounts);
  assertEquals(read.seccomp?.syscalls, config.seccomp?.syscalls);
});

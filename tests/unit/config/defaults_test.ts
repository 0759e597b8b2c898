import { assertEquals } from "@std/assert";
import {
  defaultAllowedDevices,
  defaultCapabilities,
  defaultConfig,
  defaultMounts,
} from "../../../lib/config/defaults.ts";
import { findFaults } from "../../../lib/config/validate.ts";

Deno.test("defaultConfig breaks no rule", () => {
  assertEquals(findFaults(defaultConfig("/srv/root")), []);
});

Deno.test("defaultConfig is the template of 2015", () => {
  const config = defaultConfig("/srv/root");
  assertEquals(config.namespaces.map(({ type }) => type), [
    "NEWNS",
    "NEWUTS",
    "NEWIPC",
    "NEWPID",
    "NEWNET",
  ]);
  assertEquals(defaultCapabilities.length, 14);
  assertEquals(defaultAllowedDevices.length, 14);
  assertEquals(defaultMounts.map(({ destination }) => destination), [
    "/proc",
    "/dev",
    "/dev/pts",
    "/dev/shm",
    "/dev/mqueue",
    "/sys",
  ]);
  assertEquals(config.parentDeathSignal, 9);
  assertEquals(config.cgroups?.parent, "nsinit");
});

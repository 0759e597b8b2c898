import {
  assert,
  assertEquals,
  assertStrictEquals,
  assertThrows,
} from "@std/assert";
import { ConfigError } from "../../../../lib/errors.ts";
import {
  defaultAllowedDevices,
  defaultConfig,
} from "../../../../lib/config/defaults.ts";
import { defaultSeccomp } from "../../../../lib/config/default_seccomp.ts";
import {
  completeConfig,
  completeResources,
} from "../../../../lib/config/input/complete.ts";
import type { Config } from "../../../../lib/config/input/types.ts";
import { hostRootConfig } from "../../../../lib/config/host_root.ts";
import { loadConfig } from "../../../../lib/config/parse.ts";
import { validateConfig } from "../../../../lib/config/validate.ts";

const SAMPLES = new URL("../../../fixtures/samples/", import.meta.url).pathname;

function faultsOf(config: unknown): string[] {
  const error = assertThrows(
    () => completeConfig(config as Config),
    ConfigError,
  );
  assertEquals(error.code, "ConfigInvalid");
  return error.problems.map(({ path, message }) => `${path}: ${message}`);
}

Deno.test("templates and whatever was read from a file are complete", async () => {
  const files: string[] = [];
  for await (const { name } of Deno.readDir(SAMPLES)) {
    if (name.endsWith(".json")) files.push(SAMPLES + name);
  }
  assert(files.length > 30);
  const read = await Promise.all(
    files.map((file) => loadConfig(file).catch(() => undefined)),
  );
  const known = read.filter((config) => config !== undefined);
  assert(known.length > 20);
  const made = [defaultConfig("/srv"), hostRootConfig()];
  for (const config of [...known, ...made]) {
    assertStrictEquals(completeConfig(config), config);
  }
});

Deno.test("the configuration of libcontainer's README needs no more than it said", () => {
  const config = completeConfig({
    rootfs: "/your/path/to/rootfs",
    capabilities: ["CHOWN", "CAP_KILL"],
    namespaces: [
      { type: "NEWNS" },
      { type: "CLONE_NEWUTS" },
      { type: "pid" },
      { type: "network" },
    ],
    cgroups: { name: "test-container", parent: "system" },
    hostname: "testing",
    networks: [{
      type: "loopback",
      address: "127.0.0.1/0",
      gateway: "localhost",
    }],
    rlimits: [{ type: "RLIMIT_NOFILE", hard: 1024, soft: 1024 }],
  });
  validateConfig(config);
  assertEquals(config.capabilities, ["CHOWN", "KILL"]);
  assertEquals(config.namespaces.map(({ type }) => type), [
    "NEWNS",
    "NEWUTS",
    "NEWPID",
    "NEWNET",
  ]);
  assertEquals([config.mounts, config.devices], [[], []]);
  assertEquals(config.networks?.[0]?.name, "lo");
  assertEquals(config.rlimits, [{ type: 7, hard: 1024, soft: 1024 }]);
  assertEquals(config.cgroups?.allowedDevices, defaultAllowedDevices);
});

Deno.test("what is left out has its natural value", () => {
  const config = completeConfig({
    rootfs: "/srv",
    namespaces: [{ type: "mount" }, { type: "network" }],
    mounts: [
      { device: "tmpfs", destination: "/tmp" },
      { device: "bind", destination: "/x", premountCmds: [{ path: "/bin/a" }] },
    ],
    devices: [{ type: "c", path: "/dev/null", major: 1, minor: 3 }],
    cgroups: { allowedDevices: [{ type: "c", major: 1, minor: -1 }] },
    networks: [{ type: "veth", bridge: "br0", address: "10.0.0.2/24" }],
    routes: [{ interfaceName: "eth0" }],
    capabilities: { bounding: ["KILL"] },
    seccomp: {
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{
        name: "personality",
        action: "SCMP_ACT_ERRNO",
        args: [{ index: 0, value: 8, op: "SCMP_CMP_EQ" }],
      }],
    },
    timeOffsets: { boottime: { secs: 5, nanosecs: 0 } },
  });
  const root = { uid: 0, gid: 0, permissions: "rwm" };
  assertEquals(config.mounts, [
    {
      device: "tmpfs",
      destination: "/tmp",
      source: "tmpfs",
      flags: 0,
      data: "",
      relabel: "",
    },
    {
      device: "bind",
      destination: "/x",
      source: "",
      flags: 0,
      data: "",
      relabel: "",
      premountCmds: [{ path: "/bin/a", args: [], env: [], dir: "" }],
    },
  ]);
  assertEquals(config.devices, [{
    type: "c",
    path: "/dev/null",
    major: 1,
    minor: 3,
    fileMode: 0o666,
    ...root,
  }]);
  const { name, parent, allowedDevices } = config.cgroups ?? {};
  assertEquals([name, parent], ["", "nsinit"]);
  const rule = {
    type: "c",
    path: "",
    major: 1,
    minor: -1,
    fileMode: 0,
  } as const;
  assertEquals(allowedDevices, [{ ...rule, ...root }]);
  assertEquals(config.networks?.[0]?.name, "eth0");
  assertEquals(config.networks?.[0]?.vethPrefix, "veth");
  assertEquals(config.routes?.[0]?.destination, "");
  assertEquals(config.capabilities, {
    bounding: ["KILL"],
    effective: [],
    inheritable: [],
    permitted: [],
    ambient: [],
  });
  assertEquals(config.seccomp?.architectures, []);
  assertEquals(config.seccomp?.syscalls[0]?.args[0]?.valueTwo, 0);
});

Deno.test("devices are not opened by a word about others", () => {
  const of = (cgroups: Config["cgroups"] & object): unknown =>
    completeConfig({ rootfs: "/", namespaces: [], cgroups }).cgroups
      ?.allowedDevices;
  assertEquals(of({ memory: 1 }), defaultAllowedDevices);
  assertEquals(of({ allowedDevices: [] }), []);
  assertEquals(of({ allowAllDevices: false }), undefined);
  assertEquals(of({ allowAllDevices: true }), undefined);
  assertEquals(completeResources({ memory: 1 }), { memory: 1 });
});

Deno.test("the filter of the template is given back as it is", () => {
  const seccomp = defaultSeccomp;
  const config = completeConfig({ rootfs: "/", namespaces: [], seccomp });
  assertStrictEquals(config.seccomp, seccomp);
});

Deno.test("every fault is told with its path", () => {
  const faults = faultsOf({
    rootfs: 5,
    hostName: "a",
    capabilities: ["CAP_KILL", "NET_ROW"],
    networks: [{ name: "lo" }],
    rlimits: [{ type: "NOFILES", hard: 1, soft: 1 }, { type: 16, hard: 1 }],
    mounts: "none",
  });
  assertEquals(faults, [
    'hostName: unknown key "hostName"; did you mean "hostname"?',
    "rootfs: found the number 5, wanted a string",
    'mounts: found the string "none", wanted a list',
    "namespaces: is missing",
    'capabilities[1]: unknown capability "NET_ROW"; did you mean "NET_RAW"?',
    "networks[0].type: is missing",
    'rlimits[0].type: unknown resource "NOFILES"; did you mean "NOFILE"?',
    "rlimits[1].type: found the number 16, wanted one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15",
    "rlimits[1].soft: is missing",
  ]);
  assertEquals(faultsOf(undefined), [": found undefined, wanted an object"]);
  assertEquals(faultsOf(null), [": found null, wanted an object"]);
  assertEquals(faultsOf([]), [": found a list, wanted an object"]);
});

/** Every value of a tree, with a way to put another in its place. */
function* placesOf(
  value: unknown,
  replace: (other: unknown) => unknown,
): Generator<(other: unknown) => unknown> {
  yield replace;
  if (typeof value !== "object" || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    yield* placesOf(
      member,
      (other) =>
        replace(
          Array.isArray(value)
            ? value.map((each, at) => String(at) === key ? other : each)
            : { ...value, [key]: other },
        ),
    );
  }
}

Deno.test("a value of another type is a ConfigError, wherever it stands", () => {
  const { seccomp: _, ...template } = {
    ...defaultConfig("/srv"),
    rlimits: [{ type: 7, hard: 1, soft: 1 }],
    uidMappings: [{ containerId: 0, hostId: 0, size: 1 }],
    hooks: { prestart: [{ path: "/bin/a", timeout: 1 }] },
    sysctl: { "kernel.shmmni": "1" },
    seccomp: undefined,
  };
  let refused = 0;
  for (const replace of placesOf(template, (other) => other)) {
    for (const wrong of [null, true, NaN, () => {}, Symbol("x"), [[]], "\0"]) {
      try {
        validateConfig(completeConfig(replace(wrong) as Config));
      } catch (error) {
        assert(error instanceof ConfigError, String(error));
        refused++;
      }
    }
  }
  assert(refused > 1000, String(refused));
});

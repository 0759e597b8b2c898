import { assertEquals, assertThrows } from "@std/assert";
import { defaultConfig } from "../../../lib/config/defaults.ts";
import { formatConfig, formatJson } from "../../../lib/config/format.ts";
import { parseConfig } from "../../../lib/config/parse.ts";
import type { Config } from "../../../lib/config/types.ts";
import { UsageError } from "../../../lib/errors.ts";

const base = defaultConfig("/srv/root");

Deno.test("formatConfig writes every key of dialect D in the original's order", () => {
  const keys = Object.keys(JSON.parse(formatConfig(base, "container.json")));
  assertEquals(
    keys.join(" "),
    "no_pivot_root parent_death_signal pivot_dir rootfs readonlyfs privatefs mounts devices mount_label hostname namespaces capabilities networks routes cgroups apparmor_profile process_label rlimits additional_groups uid_mappings gid_mappings mask_paths readonly_paths system_properties seccomp",
  );
});

Deno.test("formatConfig is read back as the same configuration", async () => {
  const config: Config = {
    ...base,
    dialect: "D",
    pivotDir: "/tmp",
    rootPropagation: 0x44000,
    apparmorProfile: "p",
    processLabel: "l",
    mountLabel: "m",
    additionalGroups: ["audio"],
    sysctl: { "kernel.sem": "1" },
    routes: [{
      destination: "10.0.0.0/8",
      source: "",
      gateway: "",
      interfaceName: "eth0",
    }],
    rlimits: [{ type: 7, hard: 2n ** 64n - 1n, soft: 5 }],
    cgroups: {
      name: "a",
      parent: "b",
      allowAllDevices: true,
      deniedDevices: base.devices,
      memory: 2n ** 62n,
      memorySwap: 2n ** 62n,
      memorySwappiness: 0,
      cpuQuota: 5000,
      cpuPeriod: 10000,
      blkioWeightDevice: [{ major: 8, minor: 0, value: 100 }],
      hugetlbLimit: [{ pageSize: "2MB", limit: 4 }],
      netPrioIfpriomap: [{ interface: "eth0", priority: 3 }],
      netClsClassid: 0x10001,
      freezer: "FROZEN",
      oomKillDisable: true,
      slice: "a.slice",
    },
    mounts: [...base.mounts, {
      device: "bind",
      source: "/a",
      destination: "/b",
      flags: 0x5001,
      data: "",
      relabel: "z",
      propagationFlags: [0x40000],
      premountCmds: [{
        path: "/bin/true",
        args: ["a"],
        env: ["A=b"],
        dir: "/",
      }],
    }],
    seccomp: {
      defaultAction: "SCMP_ACT_ALLOW",
      architectures: [],
      syscalls: [{
        name: 56,
        action: "SCMP_ACT_ERRNO",
        errnoRet: 13,
        args: [{ index: 0, value: 4, valueTwo: 4, op: "SCMP_CMP_MASKED_EQ" }],
      }],
    },
  };
  const warnings: string[] = [];
  const onWarning = (warning: string): unknown => warnings.push(warning);
  const text = formatConfig(config, "container.json", { onWarning });
  assertEquals(await parseConfig(text), config);
  assertEquals(warnings, []);
});

Deno.test("formatConfig uses the keys of runc where D has none", async () => {
  const config: Config = {
    ...base,
    dialect: "E",
    noNewPrivileges: true,
    oomScoreAdj: 5,
    labels: ["a=b"],
    rootPropagation: 0x80000,
    cgroups: {
      name: "a",
      parent: "b",
      allowAllDevices: false,
      allowedDevices: [],
      pidsLimit: 9,
      cpuBurst: 5000,
      cpuIdle: 0,
      unified: { "memory.high": "1048576" },
      cpuRtRuntime: 5,
      blkioThrottleReadBpsDevice: [
        { major: 8, minor: 0, value: 1 },
        { major: 8, minor: 16, value: 2n ** 60n },
      ],
    },
    capabilities: {
      bounding: ["KILL"],
      effective: ["KILL"],
      inheritable: [],
      permitted: ["KILL"],
      ambient: [],
    },
    mounts: [{
      device: "tmpfs",
      source: "tmpfs",
      destination: "/a",
      flags: 0,
      data: "",
      relabel: "",
      propagationFlags: [0x40000, 0x100000],
    }],
    seccomp: {
      defaultAction: "SCMP_ACT_ERRNO",
      architectures: ["SCMP_ARCH_X86_64"],
      syscalls: [{
        name: "read",
        action: "SCMP_ACT_ALLOW",
        args: [{ index: 1, value: 2n ** 63n, valueTwo: 0, op: "SCMP_CMP_LE" }],
      }],
    },
  };
  assertEquals(
    await parseConfig(formatConfig(config, "container.json")),
    config,
  );
});

Deno.test("formatConfig warns of what it cannot carry", () => {
  const warnings: string[] = [];
  formatConfig(
    {
      ...base,
      process: { tty: true, env: ["A=b"] },
      namespaces: [...base.namespaces, { type: "NEWCGROUP" }],
    },
    "container.json",
    { onWarning: (warning) => warnings.push(warning) },
  );
  assertEquals(warnings.length, 3);
});

Deno.test("formatConfig refuses unknown formats", () => {
  const format = JSON.parse('"yaml"');
  assertThrows(() => formatConfig(base, format), UsageError, "yaml");
});

Deno.test("formatJson indents with tabs and keeps 64 bits", () => {
  assertEquals(
    formatJson({ a: [], b: {}, c: [1, null], d: 2n ** 64n - 1n, e: 'x"\n' }),
    '{\n\t"a": [],\n\t"b": {},\n\t"c": [\n\t\t1,\n\t\tnull\n\t],\n\t"d": 18446744073709551615,\n\t"e": "x\\"\\n"\n}',
  );
});

Deno.test("formatConfig writes an OCI config.json", () => {
  const warnings: string[] = [];
  const text = formatConfig(
    {
      ...base,
      process: { args: ["/bin/sh"], user: "5:6", tty: true, env: ["A=b"] },
      cgroups: {
        name: "a",
        parent: "b",
        allowAllDevices: false,
        allowedDevices: base.cgroups?.allowedDevices ?? [],
        memory: 4096,
      },
      mounts: [...base.mounts, {
        device: "bind",
        source: "/a",
        destination: "/b",
        flags: 0x5001,
        data: "",
        relabel: "",
        propagationFlags: [0x44000],
      }],
    },
    "oci",
    { onWarning: (warning) => warnings.push(warning) },
  );
  const json = JSON.parse(text);
  assertEquals(json.process.user, { uid: 5, gid: 6 });
  assertEquals(json.process.capabilities.bounding.length, 14);
  assertEquals(json.process.rlimits[0].type, "RLIMIT_NOFILE");
  assertEquals(json.mounts.at(-1).options, ["rbind", "rro", "rprivate"]);
  assertEquals(json.mounts[1].options, ["nosuid", "strictatime", "mode=755"]);
  assertEquals(json.linux.cgroupsPath, "b/a");
  assertEquals(json.linux.resources.memory, { limit: 4096 });
  assertEquals(json.linux.resources.devices.length, 15);
  assertEquals(json.linux.namespaces[0], { type: "mount" });
  assertEquals(warnings, ["parent_death_signal is left out"]);
});

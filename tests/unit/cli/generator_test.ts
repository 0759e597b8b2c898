import {
  assert,
  assertEquals,
  assertExists,
  assertNotEquals,
  assertThrows,
} from "@std/assert";
import { defaultConfig } from "../../../lib/config/defaults.ts";
import { formatConfig } from "../../../lib/config/format.ts";
import type { Config } from "../../../lib/config/types.ts";
import { validateConfig } from "../../../lib/config/validate.ts";
import { applyGenerator } from "../../../lib/cli/generator.ts";
import { GENERATOR_OPTIONS } from "../../../lib/cli/generator_options.ts";
import { parseArgs } from "../../../lib/cli/parse_args.ts";
import { Values } from "../../../lib/cli/values.ts";
import { UsageError } from "../../../lib/errors.ts";

const TEMPLATE: Config = defaultConfig("/srv/root");

function generate(args: readonly string[], config = TEMPLATE): Config {
  const { given } = parseArgs(args, GENERATOR_OPTIONS, {
    stopEarly: false,
    command: "config",
  });
  const values = new Values(GENERATOR_OPTIONS, given);
  const made = applyGenerator(config, values, "/here");
  validateConfig(made);
  return made;
}

function typesOf(config: Config): string[] {
  return config.namespaces.map(({ type }) => type);
}

Deno.test("applyGenerator changes nothing without options", () => {
  assertEquals(generate([]), TEMPLATE);
});

const MEMBERS: readonly [string[], keyof Config, unknown][] = [
  [["--rootfs", "/other"], "rootfs", "/other"],
  [["--rootfs", "a/../b/"], "rootfs", "/here/b"],
  [["--read-only"], "readonlyfs", true],
  [["--hostname", "web"], "hostname", "web"],
  [["--parent-death-signal", "0"], "parentDeathSignal", 0],
  [["--parent-death-signal", "TERM"], "parentDeathSignal", 15],
  [["--parent-death-signal", "9"], "parentDeathSignal", 9],
  [["--apparmor-profile", "p"], "apparmorProfile", "p"],
  [["--process-label", "a:b:c:d"], "processLabel", "a:b:c:d"],
  [["--mount-label", "a:b:c:d"], "mountLabel", "a:b:c:d"],
  [["--groups", "a", "--groups", "7"], "additionalGroups", ["a", "7"]],
  [
    ["--sysctl", "kernel.shmmni=9", "--sysctl", "net.ipv4.ip_forward=1"],
    "sysctl",
    { "kernel.shmmni": "9", "net.ipv4.ip_forward": "1" },
  ],
];

for (const [args, member, wanted] of MEMBERS) {
  Deno.test(`applyGenerator: ${args.join(" ")} sets ${member}`, () => {
    const config = generate(args);
    assertEquals(config[member], wanted);
    assertEquals({ ...config, [member]: 0 }, { ...TEMPLATE, [member]: 0 });
  });
}

const LIMITS: readonly [string[], Record<string, unknown>][] = [
  [["--memory-limit", "64m"], { memory: 67108864 }],
  [["--memory-swap", "-1"], { memorySwap: -1 }],
  [["--memory-swappiness", "0"], { memorySwappiness: 0 }],
  [["--cpushares", "512"], { cpuShares: 512 }],
  [["--cpu-quota", "-1"], { cpuQuota: -1 }],
  [["--cpu-period", "50000"], { cpuPeriod: 50000 }],
  [["--pids-limit", "20"], { pidsLimit: 20 }],
  [["--cpuset-cpus", "0-1"], { cpusetCpus: "0-1" }],
  [["--cpuset-mems", "0"], { cpusetMems: "0" }],
  [["--memory-limit", "0"], {}],
  [["--cpuset-cpus", ""], {}],
];

for (const [args, wanted] of LIMITS) {
  Deno.test(`applyGenerator: ${args.join(" ")} limits`, () => {
    assertEquals(generate(args), {
      ...TEMPLATE,
      cgroups: { name: "", parent: "", ...TEMPLATE.cgroups, ...wanted },
    });
  });
}

Deno.test("applyGenerator makes a cgroup for a limit where there is none", () => {
  const { cgroups: _cgroups, ...bare } = TEMPLATE;
  assertEquals(generate(["--cpushares", "2"], bare).cgroups, {
    name: "",
    parent: "nsinit",
    cpuShares: 2,
  });
});

const SHARED: readonly [string, string][] = [
  ["net", "NEWNET"],
  ["mnt", "NEWNS"],
  ["pid", "NEWPID"],
  ["ipc", "NEWIPC"],
  ["uts", "NEWUTS"],
];

for (const [name, type] of SHARED) {
  Deno.test(`applyGenerator: --${name} shares, makes and joins ${type}`, () => {
    assert(!typesOf(generate([`--${name}`, "host"])).includes(type));
    assertEquals(
      typesOf(generate([`--${name}`, "private"])),
      typesOf(TEMPLATE),
    );
    assertEquals(typesOf(generate([`--${name}=`])), typesOf(TEMPLATE));
    const { namespaces } = generate([`--${name}`, "ns/x"]);
    assertEquals(namespaces.length, 5);
    assertEquals(
      namespaces.find((namespace) => namespace.type === type)?.path,
      "/here/ns/x",
    );
  });
}

Deno.test("applyGenerator: --net host drops networks and routes", () => {
  const route = {
    destination: "",
    source: "",
    gateway: "10.0.0.1",
    interfaceName: "eth0",
  };
  const config = generate(["--net", "host"], { ...TEMPLATE, routes: [route] });
  assertEquals([config.networks, config.routes], [undefined, undefined]);
});

Deno.test("applyGenerator: --net private keeps networks, else adds loopback", () => {
  assertEquals(generate(["--net", "private"]), TEMPLATE);
  const shared = generate(["--net", "host"]);
  const again = generate(["--net", "private"], shared);
  assertEquals(again.networks, TEMPLATE.networks);
});

Deno.test("applyGenerator: --mnt host drops all that changes mounts", () => {
  const config = generate(["--mnt", "host"], { ...TEMPLATE, readonlyfs: true });
  assertEquals(config.mounts, []);
  assertEquals(config.devices, []);
  assertEquals(config.readonlyfs, false);
  assertEquals([config.maskPaths, config.readonlyPaths], [
    undefined,
    undefined,
  ]);
});

Deno.test("applyGenerator: --uts host drops the host name", () => {
  assertEquals(generate(["--uts", "host"]).hostname, undefined);
  assertEquals(generate(["--uts", "/x"]).hostname, undefined);
  assertEquals(generate(["--uts", "/x", "--hostname", "n"]).hostname, "n");
});

Deno.test("applyGenerator: --userns-root-uid maps as the original did", () => {
  const config = generate(["--userns-root-uid", "1000"]);
  assertEquals(typesOf(config).at(-1), "NEWUSER");
  const wanted = [
    { containerId: 0, hostId: 1000, size: 1 },
    { containerId: 1, hostId: 1, size: 999 },
    { containerId: 1001, hostId: 1001, size: 2147482647 },
  ];
  assertEquals(config.uidMappings, wanted);
  assertEquals(config.gidMappings, wanted);
  assertEquals(generate(["--userns-root-uid", "1"]).uidMappings?.length, 2);
  assertEquals(generate(["--userns-root-uid", "0"], config), TEMPLATE);
});

Deno.test("applyGenerator: --veth-bridge adds eth0", () => {
  const args = "--veth-bridge br0 --veth-address 10.0.0.2/24 " +
    "--veth-gateway 10.0.0.1 --veth-mtu 1400";
  const veth = generate(args.split(" ")).networks?.[1];
  assertExists(veth);
  assertEquals(
    [veth.type, veth.name, veth.bridge, veth.address, veth.gateway, veth.mtu],
    ["veth", "eth0", "br0", "10.0.0.2/24", "10.0.0.1", 1400],
  );
  const six =
    "--veth-bridge br0 --veth-address fd00::2/64 --veth-gateway fd00::1";
  const veth6 = generate(six.split(" ")).networks?.[1];
  assertEquals(
    [veth6?.address, veth6?.ipv6Address, veth6?.ipv6Gateway],
    ["", "fd00::2/64", "fd00::1"],
  );
});

Deno.test("applyGenerator: --bind, --tmpfs and --cgroup add mounts in order", () => {
  const args = "--tmpfs /run --bind data:/data:ro --bind /srv:/srv --cgroup";
  const added = generate(args.split(" ")).mounts.slice(TEMPLATE.mounts.length);
  assertEquals(
    added.map(({ device, source, destination, flags }) =>
      [device, source, destination, flags].join(" ")
    ),
    [
      "bind /here/data /data 20481",
      "bind /srv /srv 20480",
      "tmpfs tmpfs /run 14",
      "cgroup cgroup /sys/fs/cgroup 15",
    ],
  );
});

Deno.test("applyGenerator: --read-only=false opens the root of a file", () => {
  const config = generate(["--read-only=false"], {
    ...TEMPLATE,
    readonlyfs: true,
  });
  assertEquals(config.readonlyfs, false);
});

const PROFILES: readonly [string, number, string[], string[]][] = [
  ["high", 3, ["capset", "chmod", "fchmodat", "chroot"], ["SYS_CHROOT"]],
  ["medium", 11, ["chroot", "sethostname", "unshare"], ["SYS_CHROOT"]],
  ["low", 12, ["unshare", "setns", "mount", "kexec_load"], ["MKNOD"]],
];

for (const [profile, count, denied, dropped] of PROFILES) {
  Deno.test(`applyGenerator: --security ${profile} lays down its profile`, () => {
    const config = generate(["--security", profile], {
      ...TEMPLATE,
      processLabel: "a:b:c:d",
      rlimits: [],
    });
    const capabilities = config.capabilities;
    assert(Array.isArray(capabilities));
    assertEquals(capabilities.length, count);
    for (const name of dropped) assert(!capabilities.includes(name));
    const rules = config.seccomp?.syscalls ?? [];
    for (const name of denied) {
      const rule = rules.find((candidate) => candidate.name === name);
      assertEquals([rule?.action, rule?.errnoRet], ["SCMP_ACT_ERRNO", 1]);
    }
    const clone = rules.find(({ name }) => name === "clone");
    assertEquals(clone?.args, [{
      index: 0,
      value: 0x10000000,
      valueTwo: 0x10000000,
      op: "SCMP_CMP_MASKED_EQ",
    }]);
    assertEquals(rules.find(({ name }) => name === "clone3")?.errnoRet, 38);
    assertEquals(config.seccomp?.defaultAction, "SCMP_ACT_ALLOW");
    assertEquals(config.rlimits, [{ type: 7, hard: 1024, soft: 1024 }]);
    assertEquals(config.processLabel, undefined);
  });
}

Deno.test("applyGenerator lets labels win over --security", () => {
  const args = ["--process-label", "a:b:c:d", "--security", "low"];
  assertEquals(generate(args).processLabel, "a:b:c:d");
});

const REFUSED: readonly [string, string][] = [
  ["--uts host --hostname a", "--hostname needs a UTS namespace"],
  ["--mnt host --bind /a:/b", "--bind changes mounts"],
  ["--mnt host --tmpfs /a", "--tmpfs changes mounts"],
  ["--mnt host --cgroup", "--cgroup changes mounts"],
  ["--mnt host --read-only", "--read-only changes mounts"],
  ["--net host --veth-bridge br0", "--veth-bridge needs a network namespace"],
  ["--veth-address 10.0.0.2/24", "--veth-address needs --veth-bridge"],
  ["--veth-bridge br0", "--veth-bridge needs --veth-address"],
  ["--net hots", '--net cannot be "hots": it is host, private, or'],
  ["--pid none", '--pid cannot be "none": it is host, private, or'],
  ["--veth-bridge br0 --veth-mtu -1", "--veth-mtu cannot be -1"],
  ["--bind /a", '--bind cannot be "/a"'],
  ["--bind /a:b", '--bind cannot be "/a:b"'],
  ["--bind :/b", "--bind cannot be"],
  ["--bind /a:/b:rx", "--bind cannot be"],
  ["--bind /a:/b:ro:rw", "--bind cannot be"],
  ["--tmpfs run", "--tmpfs cannot be"],
  ["--sysctl kernel.shmmni", "it is KEY=VALUE"],
  ["--sysctl =1", "it is KEY=VALUE"],
  ["--memory-swappiness 101", "it is 0 to 100"],
  ["--userns-root-uid -1", "--userns-root-uid cannot be -1"],
  ["--userns-root-uid 2147483647", "--userns-root-uid cannot be"],
  ["--parent-death-signal KLIL", "a signal's name or number"],
  ["--security max", "one of high, medium, low"],
];

for (const [line, says] of REFUSED) {
  Deno.test(`applyGenerator refuses ${line}`, () => {
    assertThrows(() => generate(line.split(" ")), UsageError, says);
  });
}

/** What changes the template, for each option; after `|` what it needs besides. */
const SAMPLES: Readonly<Record<string, string>> = {
  "rootfs": "--rootfs=/other",
  "read-only": "--read-only",
  "overlay": "--overlay=64m",
  "overlay-upper": "--overlay-upper=/upper",
  "overlay-work": "--overlay-work=/w | --overlay-upper=/upper",
  "host-root": "--host-root=64m",
  "host-path": "--host-path=/opt | --host-root",
  "bind": "--bind=/srv:/srv",
  "tmpfs": "--tmpfs=/tmp",
  "cgroup": "--cgroup",
  "hostname": "--hostname=web",
  "net": "--net=host",
  "mnt": "--mnt=host",
  "pid": "--pid=host",
  "ipc": "--ipc=host",
  "uts": "--uts=host",
  "userns-root-uid": "--userns-root-uid=1000",
  "veth-bridge": "--veth-bridge=br0 --veth-address=10.0.0.2/24",
  "veth-address": "--veth-address=10.0.0.2/24 --veth-bridge=br0",
  "veth-gateway":
    "--veth-gateway=10.0.0.1 | --veth-bridge=br0 --veth-address=10.0.0.2/24",
  "veth-mtu": "--veth-mtu=1400 | --veth-bridge=br0 --veth-address=10.0.0.2/24",
  "sysctl": "--sysctl=kernel.shmmni=9",
  "memory-limit": "--memory-limit=64m",
  "memory-swap": "--memory-swap=128m | --memory-limit=64m",
  "memory-swappiness": "--memory-swappiness=7",
  "cpushares": "--cpushares=512",
  "cpu-quota": "--cpu-quota=50000",
  "cpu-period": "--cpu-period=50000",
  "pids-limit": "--pids-limit=20",
  "cpuset-cpus": "--cpuset-cpus=0",
  "cpuset-mems": "--cpuset-mems=0",
  "parent-death-signal": "--parent-death-signal=TERM",
  "security": "--security=high",
  "groups": "--groups=5",
  "apparmor-profile": "--apparmor-profile=p",
  "process-label": "--process-label=a:b:c:d",
  "mount-label": "--mount-label=a:b:c:d",
};

for (const { name } of GENERATOR_OPTIONS) {
  Deno.test(`--${name} changes what nsinit config prints`, () => {
    const sample = SAMPLES[name];
    assertExists(sample, "an option without a sample");
    const [own = "", needed = ""] = sample.split("|");
    const words = (line: string): string[] =>
      line.split(" ").filter((word) => word !== "");
    const print = (args: readonly string[]): string =>
      formatConfig(generate(args), "container.json");
    const without = print(words(needed));
    assertNotEquals(print([...words(own), ...words(needed)]), without);
  });
}

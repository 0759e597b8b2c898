import { assertEquals, assertThrows } from "@std/assert";
import { defaultConfig } from "../../../lib/config/defaults.ts";
import { formatPath } from "../../../lib/config/json_scan.ts";
import type {
  Config,
  Device,
  Mount,
  Namespace,
  Network,
  Route,
} from "../../../lib/config/types.ts";
import {
  CHECKS,
  findFaults,
  validateConfig,
} from "../../../lib/config/validate.ts";
import { ConfigError } from "../../../lib/errors.ts";

const base = defaultConfig("/srv/root");
const types = (...names: Namespace["type"][]): Namespace[] =>
  names.map((type) => ({ type }));
const mount = (members: Partial<Mount>): Partial<Config> => ({
  mounts: [{
    device: "bind",
    source: "/a",
    destination: "/b",
    flags: 0x1000,
    data: "",
    relabel: "",
    ...members,
  }],
});
const veth = (members: Partial<Network>): Partial<Config> => ({
  networks: [{
    type: "veth",
    name: "eth0",
    bridge: "br0",
    macAddress: "",
    address: "10.0.0.2/24",
    gateway: "10.0.0.1",
    ipv6Address: "",
    ipv6Gateway: "",
    mtu: 1500,
    txqueuelen: 0,
    hostInterfaceName: "",
    vethPrefix: "veth",
    hairpinMode: false,
    ...members,
  }],
});
const route = (members: Partial<Route>): Partial<Config> => ({
  routes: [{
    destination: "",
    source: "",
    gateway: "",
    interfaceName: "eth0",
    ...members,
  }],
});
const node = (members: Partial<Device>): Partial<Config> => ({
  devices: [{
    type: "c",
    path: "/dev/x",
    major: 1,
    minor: 3,
    permissions: "rwm",
    fileMode: 0o666,
    uid: 0,
    gid: 0,
    ...members,
  }],
});
const cgroup = (members: Partial<Config["cgroups"]>): Partial<Config> => ({
  cgroups: { name: "a", parent: "b", ...members },
});
const map = (containerId: number, hostId: number, size: number) => ({
  containerId,
  hostId,
  size,
});
const users = types("NEWNS", "NEWUTS", "NEWNET", "NEWUSER");

/** Members over the template, and the paths of the faults they make. */
const ROWS: readonly [Partial<Config>, readonly string[]][] = [
  [{}, []],
  [{ rootfs: "" }, ["rootfs"]],
  [{ rootfs: "srv" }, ["rootfs"]],
  [{ rootfs: "/srv/" }, ["rootfs"]],
  [{ rootfs: "/srv/../x" }, ["rootfs"]],
  [{ rootfs: "/srv\0" }, ["rootfs"]],
  [{ rootfs: "/" }, []],
  [{ namespaces: types("NEWNS", "NEWUTS", "NEWNET", "NEWNS") }, [
    "namespaces[3]",
  ]],
  [{ namespaces: [...base.namespaces, { type: "NEWCGROUP", path: "x" }] }, [
    "namespaces[5].path",
  ]],
  [{ namespaces: [] }, ["networks", "hostname", "maskPaths", "readonlyPaths"]],
  [{
    namespaces: [
      { type: "NEWNET", path: "/run/netns/a" },
      ...types("NEWNS", "NEWUTS"),
    ],
  }, []],
  [{ hostname: "two words" }, ["hostname"]],
  [{ hostname: "x".repeat(65) }, ["hostname"]],
  [{ maskPaths: ["proc/kcore"] }, ["maskPaths[0]"]],
  [{ uidMappings: [map(0, 1000, 1)] }, ["uidMappings"]],
  [{ namespaces: users }, ["uidMappings", "gidMappings"]],
  [{
    namespaces: users,
    uidMappings: [map(0, 1000, 1)],
    gidMappings: [map(0, 1000, 1)],
  }, []],
  [{
    namespaces: users,
    uidMappings: [map(1, 1000, 1)],
    gidMappings: [map(0, 0, 4294967295)],
  }, ["uidMappings"]],
  [{
    namespaces: users,
    uidMappings: [map(0, 1000, 0)],
    gidMappings: [map(0, 1, 4294967295)],
  }, ["uidMappings[0].size", "gidMappings[0]"]],
  [{
    namespaces: users,
    uidMappings: [map(0, 0, 10), map(5, 100, 1)],
    gidMappings: [map(0, 0, 1)],
  }, ["uidMappings"]],
  [{
    namespaces: users,
    uidMappings: [map(0, 0, 10), map(50, 9, 1)],
    gidMappings: [map(0, 0, 1)],
  }, ["uidMappings"]],
  [{
    namespaces: users,
    uidMappings: Array.from({ length: 341 }, (_, i) => map(i, i, 1)),
    gidMappings: [map(0, 0, 1)],
  }, ["uidMappings"]],
  [mount({}), []],
  [mount({ destination: "/" }), ["mounts[0].destination"]],
  [mount({ destination: "/a/.." }), ["mounts[0].destination"]],
  [mount({ destination: "b" }), ["mounts[0].destination"]],
  [mount({ destination: "/proc" }), []],
  [mount({ destination: "/proc", device: "tmpfs" }), ["mounts[0].destination"]],
  [mount({ destination: "/proc/self/attr" }), ["mounts[0].destination"]],
  [mount({ destination: "/x/../proc/sys" }), ["mounts[0].destination"]],
  [mount({ destination: "//proc/./1/attr/current" }), [
    "mounts[0].destination",
  ]],
  [mount({ destination: "/proc/uptime" }), []],
  [mount({ destination: "/process" }), []],
  [mount({ source: "a" }), ["mounts[0].source"]],
  [mount({ source: "/usr/", relabel: "z" }), ["mounts[0].relabel"]],
  [mount({ source: "/usr/local", relabel: "Z" }), []],
  [mount({ flags: 32 }), ["mounts[0].flags"]],
  [mount({ flags: 0x1ffffffff }), ["mounts[0].flags"]],
  [mount({ propagationFlags: [0x40000, 64] }), [
    "mounts[0].propagationFlags[1]",
  ]],
  [mount({ data: "x".repeat(5000) }), ["mounts[0].data"]],
  [mount({ premountCmds: [{ path: "x", args: [], env: [], dir: "" }] }), [
    "mounts[0].premountCmds[0].path",
  ]],
  [{ mounts: Array(1025).fill(base.mounts[0]) }, ["mounts"]],
  [node({}), []],
  [node({ path: "dev/x" }), ["devices[0].path"]],
  [node({ path: "/dev/../x" }), ["devices[0].path"]],
  [node({ type: "a" }), ["devices[0].type"]],
  [node({ major: -1 }), ["devices[0].major"]],
  [node({ minor: 1 << 20 }), ["devices[0].minor"]],
  [node({ permissions: "rx" }), ["devices[0].permissions"]],
  [node({ fileMode: 0o10000 }), ["devices[0].fileMode"]],
  [node({ uid: 4294967295 }), ["devices[0]"]],
  [
    cgroup({
      allowedDevices: [{
        type: "a",
        path: "",
        major: -1,
        minor: -1,
        permissions: "rwm",
        fileMode: 0,
        uid: 0,
        gid: 0,
      }],
    }),
    [],
  ],
  [
    cgroup({
      deniedDevices: [{
        type: "p",
        path: "",
        major: -2,
        minor: -1,
        permissions: "",
        fileMode: 0,
        uid: 0,
        gid: 0,
      }],
    }),
    [
      "cgroups.deniedDevices[0].type",
      "cgroups.deniedDevices[0].major",
      "cgroups.deniedDevices[0].permissions",
    ],
  ],
  [veth({}), []],
  [veth({ bridge: "" }), ["networks[0].bridge"]],
  [veth({ address: "" }), ["networks[0].address"]],
  [
    veth({
      address: "",
      gateway: "",
      ipv6Address: "fd00::2/64",
      ipv6Gateway: "fd00::1",
    }),
    [],
  ],
  [veth({ address: "10.0.0.2" }), ["networks[0].address"]],
  [veth({ gateway: "localhost" }), ["networks[0].gateway"]],
  [veth({ ipv6Address: "10.0.0.2/8" }), ["networks[0].ipv6Address"]],
  [veth({ macAddress: "01:00:5e:00:00:01" }), ["networks[0].macAddress"]],
  [veth({ mtu: 0 }), []],
  [veth({ mtu: 67 }), ["networks[0].mtu"]],
  [veth({ name: "x".repeat(16) }), ["networks[0].name"]],
  [veth({ name: "a/b" }), ["networks[0].name"]],
  [veth({ name: "eth%d" }), ["networks[0].name"]],
  [veth({ vethPrefix: "veryverylong" }), ["networks[0].vethPrefix"]],
  [{ networks: [...veth({}).networks ?? [], ...veth({}).networks ?? []] }, [
    "networks[1].name",
  ]],
  [route({ gateway: "10.0.0.1" }), []],
  [route({}), ["routes[0]"]],
  [route({ destination: "10.0.0.0" }), ["routes[0].destination"]],
  [route({ source: "10.0.0.0/8" }), ["routes[0].source"]],
  [route({ destination: "::/0", gateway: "10.0.0.1" }), ["routes[0]"]],
  [route({ gateway: "10.0.0.1", interfaceName: "" }), [
    "routes[0].interfaceName",
  ]],
  [cgroup({ parent: "a/../.." }), ["cgroups.parent"]],
  [cgroup({ name: "a\nb" }), ["cgroups.name"]],
  [cgroup({ cpuShares: 1 }), ["cgroups.cpuShares"]],
  [cgroup({ memory: -2 }), ["cgroups.memory"]],
  [cgroup({ memory: 100, memorySwap: 50 }), ["cgroups.memorySwap"]],
  [cgroup({ memorySwap: 50 }), ["cgroups.memorySwap"]],
  [cgroup({ cpuPeriod: 999 }), ["cgroups.cpuPeriod"]],
  [cgroup({ cpuQuota: 500 }), ["cgroups.cpuQuota"]],
  [cgroup({ cpusetCpus: "0-1,3" }), []],
  [cgroup({ cpusetCpus: "0-,3" }), ["cgroups.cpusetCpus"]],
  [cgroup({ blkioWeight: 5 }), ["cgroups.blkioWeight"]],
  [cgroup({ hugetlbLimit: [{ pageSize: "../x", limit: 1 }] }), [
    "cgroups.hugetlbLimit[0]",
  ]],
  [{ rlimits: [{ type: 16, hard: 1, soft: 1 }] }, ["rlimits[0].type"]],
  [{ rlimits: [{ type: 7, hard: 1, soft: 2n ** 64n - 1n }] }, [
    "rlimits[0].soft",
  ]],
  [{ rlimits: [{ type: 7, hard: -1, soft: 0 }] }, ["rlimits[0]"]],
  [{ parentDeathSignal: 65 }, ["parentDeathSignal"]],
  [{ oomScoreAdj: 1001 }, ["oomScoreAdj"]],
  [{ rootPropagation: 1 }, ["rootPropagation"]],
  [{ additionalGroups: ["audio", "5", "a:b", ""] }, [
    "additionalGroups[2]",
    "additionalGroups[3]",
  ]],
  [{ apparmorProfile: "a\nb" }, ["apparmorProfile"]],
  [{ mountLabel: 'a",x="' }, ["mountLabel"]],
  [{ processLabel: "system_u:system_r:svirt_lxc_net_t:s0:c1,c2" }, []],
  [{ process: { env: ["A=b", "=b", "A"], cwd: "x", user: "a:b:c" } }, [
    "process.env[1]",
    "process.env[2]",
    "process.user",
    "process.cwd",
  ]],
  [{
    seccomp: {
      defaultAction: "SCMP_ACT_ALLOW",
      architectures: ["amd64"],
      syscalls: [{ name: "a b", action: "SCMP_ACT_KILL", args: [] }],
    },
  }, ["seccomp.architectures[0]", "seccomp.syscalls[0].name"]],
  [{
    seccomp: {
      defaultAction: "SCMP_ACT_NOTIFY",
      defaultErrnoRet: 1,
      architectures: ["SCMP_ARCH_NATIVE"],
      flags: ["SECCOMP_FILTER_FLAG_NEW_LISTENER"],
      listenerPath: "agent.sock",
      syscalls: [],
    },
  }, [
    "seccomp.defaultErrnoRet",
    "seccomp.flags[0]",
    "seccomp.defaultAction",
    "seccomp.listenerPath",
  ]],
  [{
    seccomp: {
      defaultAction: "SCMP_ACT_ERRNO",
      defaultErrnoRet: 4095,
      architectures: [],
      flags: ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],
      listenerMetadata: "a",
      syscalls: [
        { name: "read", action: "SCMP_ACT_ALLOW", errnoRet: 1, args: [] },
        { name: "read", action: "SCMP_ACT_TRACE", errnoRet: 65536, args: [] },
        {
          name: "read",
          action: "SCMP_ACT_ALLOW",
          args: [
            { index: 0, value: 1, valueTwo: 0, op: "SCMP_CMP_EQ" },
            { index: 0, value: 2, valueTwo: 0, op: "SCMP_CMP_EQ" },
          ],
        },
        {
          name: "read",
          action: "SCMP_ACT_ALLOW",
          args: [{ index: 0, value: 0, valueTwo: 0, op: "SCMP_CMP_LT" }],
        },
        {
          name: "read",
          action: "SCMP_ACT_ALLOW",
          args: [{ index: 6, value: -1, valueTwo: 0, op: "SCMP_CMP_LT" }],
        },
      ],
    },
  }, [
    "seccomp.defaultErrnoRet",
    "seccomp.syscalls[0].errnoRet",
    "seccomp.syscalls[1].errnoRet",
    "seccomp.syscalls[2].args",
    "seccomp.syscalls[3].args",
    "seccomp.syscalls[4].args[0]",
    "seccomp.flags",
    "seccomp.listenerMetadata",
  ]],
];

Deno.test("findFaults finds exactly the faults there are", () => {
  for (const [members, paths] of ROWS) {
    const config = { ...base, ...members };
    const found = findFaults(config).map(({ path }) => formatPath(path));
    assertEquals(found, [...paths], JSON.stringify(paths));
  }
});

/** Key, and whether it is the container's own with all namespaces new. */
const SYSCTLS: readonly [string, boolean][] = [
  ["kernel.shmmni", true],
  ["kernel/shmmni", true],
  ["kernel.shm_rmid_forced", true],
  ["kernel.msgmax", true],
  ["kernel.sem", true],
  ["kernel.domainname", true],
  ["fs.mqueue.msg_max", true],
  ["fs/mqueue/queues_max", true],
  ["net.ipv4.ip_forward", true],
  ["net/ipv4/conf/eth0.1/forwarding", true],
  ["net.ipv4.conf.eth0/1.forwarding", true],
  ["kernel.hostname", false],
  ["kernel/core_pattern", false],
  ["kernel.core_pattern", false],
  ["kernel.shm_rmid_forced/../core_pattern", false],
  ["kernel/shm_rmid_forced/../core_pattern", false],
  ["kernel.shmmni.", false],
  [".kernel.shmmni", false],
  ["kernel..shmmni", false],
  ["kernel//shmmni", false],
  ["/kernel/shmmni", false],
  ["kernel.shm", false],
  ["kernel.shmmni\n", false],
  ["kernel.shmmni\0", false],
  ["net", false],
  ["net/../kernel/core_pattern", false],
  ["net.ipv4.//.//.kernel", false],
  ["vm.swappiness", false],
  ["fs.file-max", false],
  ["fs.mqueue.extra", false],
  ["user.max_user_namespaces", false],
  ["", false],
];

Deno.test("findFaults lets only the container's own kernel parameters through", () => {
  for (const [key, isOwn] of SYSCTLS) {
    const config = { ...base, sysctl: { [key]: "1" } };
    assertEquals(findFaults(config).length === 0, isOwn, JSON.stringify(key));
  }
  const shared = { ...base, namespaces: types("NEWNS", "NEWUTS", "NEWNET") };
  assertEquals(
    findFaults({ ...shared, sysctl: { "kernel.sem": "1" } }).length,
    1,
  );
  const joined: Config = {
    ...base,
    namespaces: [...types("NEWNS", "NEWUTS"), {
      type: "NEWNET",
      path: "/run/n",
    }],
    sysctl: { "net.ipv4.ip_forward": "1" },
  };
  assertEquals(findFaults(joined).length, 0);
  const twoLines = { ...base, sysctl: { "kernel.sem": "1\n+x" } };
  assertEquals(findFaults(twoLines).length, 1);
});

Deno.test("validateConfig throws all faults as one ConfigError", () => {
  const error = assertThrows(
    () => validateConfig({ ...base, rootfs: "x", hostname: "a b" }),
    ConfigError,
  );
  assertEquals(error.problems.map(({ path }) => path), ["rootfs", "hostname"]);
  assertEquals(error.message.split("\n").length, 2);
  assertEquals(error.code, "ConfigInvalid");
});

Deno.test("every check has a name of its own", () => {
  assertEquals(new Set(CHECKS.map(({ name }) => name)).size, CHECKS.length);
});

/**
 * The keys of container.json itself, and all definitions below it.
 *
 * @module
 */
import { capability } from "./process.ts";
import { CGROUP_OBJECTS } from "./cgroups.ts";
import { MOUNT_OBJECTS, NAMESPACE_NAMES } from "./mounts.ts";
import { NETWORK_OBJECTS } from "./networks.ts";
import { PROCESS_OBJECTS } from "./process.ts";
import { SECCOMP_OBJECTS } from "./seccomp.ts";
import {
  boolean,
  either,
  int32,
  integer,
  type Key,
  type Keys,
  listOf,
  object,
  type ObjectShape,
  oneOf,
  string,
  stringMap,
  strings,
} from "./shapes.ts";

/** Address of the schema; {@linkcode FILE}'s keys may name another place, e.g. a copy. */
export const SCHEMA_ID =
  "https://jsr.io/@nsinit/nsinit/schema/container.schema.json";

function nested(name: string, key: Omit<Key, "shape"> = {}): Key {
  const member = `Config.${name.charAt(0).toLowerCase()}${name.slice(1)}`;
  return { shape: object(name), member, ...key };
}

const FILE: Keys = {
  $schema: {
    shape: string,
    text: "Address of this schema, for editors; not used otherwise.",
    example: SCHEMA_ID,
  },
  version: {
    shape: string,
    text: "Not used; early runc wrote it.",
    isDeprecated: true,
    example: "1.0.0",
  },
  rootless: {
    shape: boolean,
    text: "Not used: whoever starts the container decides.",
    isDeprecated: true,
    example: false,
  },
  labels: {
    shape: strings,
    member: "Config.labels",
    default: [],
    example: ["team=web"],
  },
};

const ROOT_FILE_SYSTEM: Keys = {
  rootfs: {
    shape: string,
    member: "Config.rootfs",
    text: "The file's directory when empty or absent; `/` with `host_root`.",
    example: "/srv/root",
  },
  readonlyfs: {
    shape: boolean,
    member: "Config.readonlyfs",
    default: false,
    example: true,
  },
  no_pivot_root: {
    shape: boolean,
    member: "Config.noPivotRoot",
    default: false,
    example: true,
  },
  pivot_dir: {
    shape: string,
    member: "Config.pivotDir",
    default: "",
    example: "",
  },
  privatefs: {
    shape: boolean,
    text:
      "Makes the root's propagation private, where `rootPropagation` is not given.",
    default: false,
    example: true,
  },
  rootPropagation: {
    shape: int32,
    member: "Config.rootPropagation",
    text: "0 counts as absent.",
    default: 0,
    example: 540672,
  },
  overlay: nested("Overlay", {
    example: { size: 67108864 },
    needs: "overlayfs, root",
  }),
  host_root: nested("HostRoot", { example: { paths: ["/opt/tool"] } }),
  mounts: {
    shape: listOf(object("Mount")),
    member: "Config.mounts",
    text:
      "The template's six when absent; where none is at `/proc` or `/dev` but one at `/sys` or below `/dev`, the missing ones are supplied, as the samples of the time need.",
    example: [{
      device: "tmpfs",
      source: "tmpfs",
      destination: "/tmp",
      flags: 14,
    }],
  },
  devices: {
    shape: listOf(object("Device")),
    member: "Config.devices",
    text: "The template's six when absent and mounts were supplied.",
    example: [{
      type: 99,
      path: "/dev/null",
      major: 1,
      minor: 3,
      file_mode: 438,
    }],
  },
  mask_paths: {
    shape: strings,
    member: "Config.maskPaths",
    default: [],
    example: ["/proc/kcore"],
  },
  readonly_paths: {
    shape: strings,
    member: "Config.readonlyPaths",
    default: [],
    example: ["/proc/sys"],
  },
  mount_label: {
    shape: string,
    member: "Config.mountLabel",
    default: "",
    example: "system_u:object_r:svirt_lxc_file_t:s0:c164,c475",
    needs: "SELinux",
  },
};

const ISOLATION: Keys = {
  namespaces: {
    shape: either(
      listOf(either(
        object("Namespace"),
        object("NamedNamespace"),
        object("FlaggedNamespace"),
        oneOf(NAMESPACE_NAMES),
      )),
      {
        type: "object",
        propertyNames: oneOf(NAMESPACE_NAMES),
        additionalProperties: boolean,
      },
    ),
    member: "Config.namespaces",
    text: "Names alone, and an object of names to true or false, are read too.",
    default: [],
    example: [{ type: "NEWNS" }, { type: "NEWPID" }],
  },
  hostname: {
    shape: string,
    member: "Config.hostname",
    default: "",
    example: "web",
  },
  domainname: {
    shape: string,
    member: "Config.domainname",
    default: "",
    example: "example.org",
  },
  networks: {
    shape: listOf(object("Network")),
    member: "Config.networks",
    default: [],
    example: [{ type: "loopback" }],
  },
  routes: {
    shape: listOf(object("Route")),
    member: "Config.routes",
    default: [],
    example: [{ gateway: "172.17.42.1", interface_name: "eth0" }],
  },
  net_devices: {
    shape: listOf(object("NetDevice")),
    member: "Config.netDevices",
    default: [],
    example: [{ device: "eth1", name: "eth0" }],
    needs: "CAP_NET_ADMIN over the host's network",
  },
  uid_mappings: {
    shape: listOf(object("IdMapping")),
    member: "Config.uidMappings",
    default: [],
    example: [{ container_id: 0, host_id: 100000, size: 65536 }],
  },
  gid_mappings: {
    shape: listOf(object("IdMapping")),
    member: "Config.gidMappings",
    default: [],
    example: [{ container_id: 0, host_id: 100000, size: 65536 }],
  },
  cgroups: nested("Cgroup", {
    member: "Config.cgroups",
    text: "When absent: parent `nsinit`, and the template's device rules.",
    example: { name: "web", parent: "nsinit", memory: 268435456 },
  }),
  time_offsets: nested("TimeOffsets", {
    example: { boottime: { secs: 86400, nanosecs: 0 } },
    needs: "Linux 5.6",
  }),
  system_properties: {
    shape: stringMap,
    member: "Config.sysctl",
    default: {},
    example: { "net.ipv4.ip_forward": "1" },
  },
  sysctl: {
    shape: stringMap,
    member: "Config.sysctl",
    text: "Early runc's name; it wins where both have a parameter.",
    default: {},
    example: { "kernel.shmmni": "8192" },
  },
};

const PROCESS: Keys = {
  capabilities: {
    shape: either(listOf(capability), object("CapabilitySets")),
    member: "Config.capabilities",
    default: [],
    example: ["CHOWN", "KILL"],
  },
  no_new_privileges: {
    shape: boolean,
    member: "Config.noNewPrivileges",
    default: false,
    example: true,
  },
  seccomp: {
    shape: either(
      object("Seccomp"),
      object("NamedSeccomp"),
      object("NumberedSeccomp"),
    ),
    member: "Config.seccomp",
    example: {
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ names: ["reboot"], action: "SCMP_ACT_ERRNO" }],
    },
  },
  apparmor_profile: {
    shape: string,
    member: "Config.apparmorProfile",
    default: "",
    example: "docker-default",
    needs: "AppArmor",
  },
  process_label: {
    shape: string,
    member: "Config.processLabel",
    default: "",
    example: "system_u:system_r:svirt_lxc_net_t:s0:c164,c475",
    needs: "SELinux",
  },
  rlimits: {
    shape: listOf(object("Rlimit")),
    member: "Config.rlimits",
    default: [],
    example: [{ type: 7, hard: 1024, soft: 1024 }],
  },
  additional_groups: {
    shape: listOf(either(string, { type: "integer" })),
    member: "Config.additionalGroups",
    default: [],
    example: ["audio", "1000"],
  },
  umask: {
    shape: integer({ min: 0, max: 0o777 }),
    member: "Config.umask",
    text: "In decimal.",
    default: 18,
    example: 63,
  },
  oom_score_adj: {
    shape: integer({ min: -1000, max: 1000 }),
    member: "Config.oomScoreAdj",
    text: "The starter's when absent.",
    example: 500,
    needs: "CAP_SYS_RESOURCE for less than the starter's",
  },
  scheduler: nested("Scheduler", {
    example: { policy: "SCHED_BATCH", nice: 5 },
  }),
  io_priority: nested("IoPriority", {
    example: { class: "IOPRIO_CLASS_BE", priority: 4 },
  }),
  cpu_affinity: nested("CpuAffinity", { example: { final: "0-1" } }),
  exec_cpu_affinity: nested("CpuAffinity", {
    member: "Config.execCpuAffinity",
    example: { final: "0" },
  }),
  memory_policy: nested("MemoryPolicy", {
    example: { mode: "MPOL_BIND", nodes: "0" },
  }),
  personality: nested("Personality", { example: { domain: "LINUX32" } }),
  no_new_keyring: {
    shape: boolean,
    member: "Config.noNewKeyring",
    default: false,
    example: true,
  },
  parent_death_signal: {
    shape: integer({ min: -1, max: 64 }),
    member: "Config.parentDeathSignal",
    text: "-1 counts as 0.",
    default: 0,
    example: 9,
  },
  hooks: nested("Hooks", {
    example: { poststop: [{ path: "/usr/local/bin/tell" }] },
  }),
};

/** Definitions by name; {@linkcode SECTIONS} says where they are described. */
export const OBJECTS: Readonly<Record<string, ObjectShape>> = {
  ...MOUNT_OBJECTS,
  ...NETWORK_OBJECTS,
  ...CGROUP_OBJECTS,
  ...PROCESS_OBJECTS,
  ...SECCOMP_OBJECTS,
};

/** A chapter of the documentation: keys of the file, and objects below them. */
export interface Section {
  /** Heading. */
  readonly title: string;
  /** Document that tells more, in docs/. */
  readonly more?: string;
  /** Keys of the file. */
  readonly keys: Keys;
  /** Names of definitions, in order. */
  readonly objects: readonly string[];
}

/** All keys of the file, by chapter. */
export const SECTIONS: readonly Section[] = [
  { title: "The file", keys: FILE, objects: [] },
  {
    title: "Root file system",
    more: "roots.md",
    keys: ROOT_FILE_SYSTEM,
    objects: [
      "Overlay",
      "HostRoot",
      "Mount",
      "TreeAttributes",
      "Command",
      "Device",
    ],
  },
  {
    title: "Namespaces, network and limits",
    more: "cgroups.md",
    keys: ISOLATION,
    objects: [
      "Namespace",
      "NamedNamespace",
      "FlaggedNamespace",
      "IdMapping",
      "TimeOffsets",
      "TimeOffset",
      "Network",
      "Route",
      "NetDevice",
      "Cgroup",
      "WeightDevice",
      "RateDevice",
      "HugepageLimit",
      "RdmaLimit",
      "IfPrioMap",
    ],
  },
  {
    title: "Processes",
    more: "processes.md",
    keys: PROCESS,
    objects: [
      "CapabilitySets",
      "Rlimit",
      "Scheduler",
      "IoPriority",
      "CpuAffinity",
      "MemoryPolicy",
      "Personality",
      "Hooks",
      "Hook",
    ],
  },
  {
    title: "System call filters",
    keys: {},
    objects: [
      "Seccomp",
      "SeccompRule",
      "SeccompCondition",
      "NamedSeccomp",
      "NamedSeccompRule",
      "NamedSeccompCondition",
      "NumberedSeccomp",
      "NumberedSeccompRule",
      "NumberedSeccompCondition",
    ],
  },
];

/** The file itself. */
export const ROOT_SHAPE: ObjectShape = {
  model: "Config",
  keys: Object.assign({}, ...SECTIONS.map(({ keys }) => keys)),
};

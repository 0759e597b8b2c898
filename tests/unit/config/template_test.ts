/**
 * The template is what `nsinit config` of 2015 wrote, key by key and in its
 * order. Where a value differs, the reason stands here.
 */
import { assertEquals } from "@std/assert";
import { defaultConfig } from "../../../lib/config/defaults.ts";
import { formatConfig } from "../../../lib/config/format.ts";

type Json = Record<string, unknown>;

const MOUNT = { premount_cmds: null, postmount_cmds: null };

function mount(
  source: string,
  destination: string,
  device: string,
  flags: number,
  data = "",
): Json {
  return { source, destination, device, flags, data, relabel: "", ...MOUNT };
}

function device(
  type: number,
  path: string,
  major: number,
  minor: number,
  permissions = "rwm",
  file_mode = 0,
): Json {
  return { type, path, major, minor, permissions, file_mode, uid: 0, gid: 0 };
}

const [CHARACTER, BLOCK] = [99, 98];
const NODES = [
  device(CHARACTER, "/dev/null", 1, 3, "rwm", 438),
  device(CHARACTER, "/dev/zero", 1, 5, "rwm", 438),
  device(CHARACTER, "/dev/full", 1, 7, "rwm", 438),
  device(CHARACTER, "/dev/tty", 5, 0, "rwm", 438),
  device(CHARACTER, "/dev/urandom", 1, 9, "rwm", 438),
  device(CHARACTER, "/dev/random", 1, 8, "rwm", 438),
];
const ALLOWED = [
  device(CHARACTER, "", -1, -1, "m"),
  device(BLOCK, "", -1, -1, "m"),
  device(CHARACTER, "/dev/console", 5, 1),
  device(CHARACTER, "/dev/tty0", 4, 0),
  device(CHARACTER, "/dev/tty1", 4, 1),
  device(CHARACTER, "", 136, -1),
  device(CHARACTER, "", 5, 2),
  device(CHARACTER, "", 10, 200),
  ...NODES,
];

/** What nsinit 2.1 wrote in the directory /srv/root. */
const ORIGINAL = {
  no_pivot_root: false,
  parent_death_signal: 0,
  pivot_dir: "",
  rootfs: "/srv/root",
  readonlyfs: false,
  privatefs: false,
  mounts: [
    mount("proc", "/proc", "proc", 14),
    mount("tmpfs", "/dev", "tmpfs", 16777218, "mode=755"),
    mount(
      "devpts",
      "/dev/pts",
      "devpts",
      10,
      "newinstance,ptmxmode=0666,mode=0620,gid=5",
    ),
    mount("shm", "/dev/shm", "tmpfs", 14, "mode=1777,size=65536k"),
    mount("mqueue", "/dev/mqueue", "mqueue", 14),
    mount("sysfs", "/sys", "sysfs", 15),
  ],
  devices: [device(CHARACTER, "/dev/fuse", 10, 229), ...NODES],
  mount_label: "",
  hostname: "nsinit",
  namespaces: ["NEWNS", "NEWUTS", "NEWIPC", "NEWPID", "NEWNET"]
    .map((type) => ({ type, path: "" })),
  capabilities: [
    "CHOWN",
    "DAC_OVERRIDE",
    "FSETID",
    "FOWNER",
    "MKNOD",
    "NET_RAW",
    "SETGID",
    "SETUID",
    "SETFCAP",
    "SETPCAP",
    "NET_BIND_SERVICE",
    "SYS_CHROOT",
    "KILL",
    "AUDIT_WRITE",
  ],
  networks: [{
    type: "loopback",
    name: "",
    bridge: "",
    mac_address: "",
    address: "127.0.0.1/0",
    gateway: "localhost",
    ipv6_address: "",
    ipv6_gateway: "",
    mtu: 0,
    txqueuelen: 0,
    host_interface_name: "",
    hairpin_mode: false,
  }],
  routes: null,
  cgroups: {
    name: "root",
    parent: "nsinit",
    allow_all_devices: false,
    allowed_devices: ALLOWED,
    denied_devices: null,
    memory: 0,
    memory_reservation: 0,
    memory_swap: 0,
    kernel_memory: 0,
    cpu_shares: 0,
    cpu_quota: 0,
    cpu_period: 0,
    cpuset_cpus: "",
    cpuset_mems: "",
    blkio_throttle_read_bps_device: "",
    blkio_throttle_write_bps_device: "",
    blkio_throttle_read_iops_device: "",
    blkio_throttle_write_iops_device: "",
    blkio_weight: 0,
    blkio_weight_device: "",
    freezer: "",
    hugetlb_limit: null,
    slice: "",
    oom_kill_disable: false,
    memory_swappiness: 0,
    net_prio_ifpriomap: null,
    net_cls_classid: "",
  },
  apparmor_profile: "",
  process_label: "",
  rlimits: [{ type: 7, hard: 1024, soft: 1024 }],
  additional_groups: null,
  uid_mappings: null,
  gid_mappings: null,
  mask_paths: ["/proc/kcore"],
  readonly_paths: [
    "/proc/sys",
    "/proc/sysrq-trigger",
    "/proc/irq",
    "/proc/bus",
  ],
  system_properties: null,
  seccomp: null,
};

/** Values of ours that differ, by key path, and why. */
const DIFFERENT: Readonly<Record<string, readonly [unknown, string]>> = {
  parent_death_signal: [
    9,
    "the original's template said 9, and a flag that was not given put 0",
  ],
  devices: [
    NODES,
    "/dev/fuse could not be opened under the original's own device rules",
  ],
  "networks.0.name": ["lo", "says what the empty name meant"],
  "cgroups.name": ["", "the container's id: two roots may have the same name"],
  "cgroups.memory_swappiness": [
    -1,
    "0 is a setting; the original made it without being asked",
  ],
};

/** All key paths with what stands there; lists of objects are gone into. */
function flatten(value: unknown, path = ""): [string, unknown][] {
  const isObject = typeof value === "object" && value !== null;
  const isWhole = !isObject || path in DIFFERENT ||
    Object.keys(value).length === 0;
  if (isWhole) return [[path, value]];
  return Object.entries(value).flatMap(([key, member]) =>
    flatten(member, path === "" ? key : `${path}.${key}`)
  );
}

Deno.test("the template has every key of the original, in its order", () => {
  const made = JSON.parse(
    formatConfig(defaultConfig("/srv/root"), "container.json"),
  );
  assertEquals(
    flatten(made).map(([path]) => path),
    flatten(ORIGINAL).map(([path]) => path),
  );
});

Deno.test("the template has the original's values, but for those with a reason", () => {
  const made = flatten(
    JSON.parse(formatConfig(defaultConfig("/srv/root"), "container.json")),
  );
  const wanted = flatten(ORIGINAL).map(([path, value]) => {
    const different = DIFFERENT[path];
    return [path, different === undefined ? value : different[0]];
  });
  assertEquals(made, wanted);
  const original = new Map(flatten(ORIGINAL));
  for (const [path, [value]] of Object.entries(DIFFERENT)) {
    assertEquals(original.has(path), true, path);
    assertEquals(
      JSON.stringify(original.get(path)) === JSON.stringify(value),
      false,
      path,
    );
  }
});

Deno.test("formatConfig indents as the original did", () => {
  const text = formatConfig(defaultConfig("/srv/root"), "container.json");
  assertEquals(text, `${JSON.stringify(JSON.parse(text), null, "\t")}\n`);
});

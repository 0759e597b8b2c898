/**
 * Limits that change while a container runs, read back from the kernel.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import type { Resources } from "../../lib/config/types.ts";
import { deleteContainer } from "../../lib/container/delete.ts";
import { freezerState } from "../../lib/container/freezer.ts";
import { loadState } from "../../lib/container/inspect.ts";
import { updateContainer } from "../../lib/container/update.ts";
import {
  ConfigError,
  HostError,
  KernelError,
  StateError,
} from "../../lib/errors.ts";
import { probeHost } from "../../lib/host/probe.ts";
import { findHierarchy } from "../../lib/plan/cgroup/limits.ts";
import { planUpdate, updateOps } from "../../lib/plan/update.ts";
import {
  containerTests,
  device,
  type Workspace,
} from "../support/containers.ts";
import { InProcess, readConfig } from "../support/in_process.ts";
import { delay } from "../support/nsinit.ts";
import { statusOf } from "../support/process_status.ts";

const test = containerTests("update");
const HOST = probeHost();
const IS_V2 = HOST.cgroup.mode === "v2";
const MIB = 1048576;

function blockDevice(): { major: number; minor: number } {
  for (const { name } of Deno.readDirSync("/sys/block")) {
    if (name.startsWith("loop") || name.startsWith("zram")) continue;
    const text = Deno.readTextFileSync(`/sys/block/${name}/dev`).trim();
    const [major = 0, minor = 0] = text.split(":").map(Number);
    return { major, minor };
  }
  return { major: 7, minor: 0 };
}

const DISK = blockDevice();
const DISK_NAME = `${DISK.major}:${DISK.minor}`;

/** A running container whose lock nobody holds. */
class Target implements AsyncDisposable {
  readonly #workspace: Workspace;
  readonly process: InProcess;

  private constructor(workspace: Workspace, process: InProcess) {
    this.#workspace = workspace;
    this.process = process;
  }

  static async start(
    workspace: Workspace,
    cgroups: Readonly<Record<string, unknown>>,
    args: readonly string[] | string = ["/bin/sleep", "100"],
  ): Promise<Target> {
    const config = await readConfig(workspace, {
      cgroups,
      capabilities: ["MKNOD", "DAC_OVERRIDE"],
    });
    const process = await InProcess.start(workspace, { config, args });
    process.unlock();
    return new Target(workspace, process);
  }

  get id(): string {
    return this.process.state.id;
  }

  async set(resources: Resources): Promise<void> {
    await updateContainer(this.#workspace.stateRoot, this.id, resources);
  }

  /** Resources that another program would find. */
  async recorded(): Promise<Resources> {
    const state = await loadState(this.#workspace.stateRoot, this.id);
    return state.config.cgroups ?? {};
  }

  read(controller: string, file: string): string {
    return this.process.read(controller, file);
  }

  /** Texts of some files. */
  texts(files: readonly (readonly [string, string])[]): string[] {
    return files.map(([controller, file]) => this.read(controller, file));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await deleteContainer(this.#workspace.stateRoot, this.id, { force: true });
    await this.process[Symbol.asyncDispose]();
  }
}

/** What a change becomes: controller, file, text (part of it for lists). */
type Written = readonly [controller: string, file: string, text: string];

interface Change {
  readonly from: Readonly<Record<string, unknown>>;
  readonly to: Resources;
  readonly v1: readonly Written[];
  /** `refused` where version 2 has no such limit. */
  readonly v2: readonly Written[] | "refused";
}

function throttle(
  operation: string,
  key: keyof Resources,
  short: string,
): Change {
  return {
    from: { [`blkio_throttle_${operation}_device`]: [{ ...DISK, rate: MIB }] },
    to: { [key]: [{ ...DISK, value: 3 * MIB }] },
    v1: [[
      "blkio",
      `blkio.throttle.${operation}_device`,
      `${DISK_NAME} ${3 * MIB}`,
    ]],
    v2: [["io", "io.max", `${short}=${3 * MIB}`]],
  };
}

const UNLIMITED = "9223372036854771712";
const CHANGES: readonly Change[] = [
  {
    from: { memory: 32 * MIB, memory_swap: 48 * MIB },
    to: { memory: 64 * MIB, memorySwap: 96 * MIB },
    v1: [
      ["memory", "memory.limit_in_bytes", `${64 * MIB}`],
      ["memory", "memory.memsw.limit_in_bytes", `${96 * MIB}`],
    ],
    v2: [
      ["memory", "memory.max", `${64 * MIB}`],
      ["memory", "memory.swap.max", `${32 * MIB}`],
    ],
  },
  {
    from: { memory: 64 * MIB, memory_swap: 96 * MIB },
    to: { memory: 32 * MIB, memorySwap: 48 * MIB },
    v1: [
      ["memory", "memory.limit_in_bytes", `${32 * MIB}`],
      ["memory", "memory.memsw.limit_in_bytes", `${48 * MIB}`],
    ],
    v2: [
      ["memory", "memory.max", `${32 * MIB}`],
      ["memory", "memory.swap.max", `${16 * MIB}`],
    ],
  },
  {
    // The total stays: version 2, which counts swap alone, has to follow.
    from: { memory: 64 * MIB, memory_swap: 96 * MIB },
    to: { memory: 32 * MIB },
    v1: [
      ["memory", "memory.limit_in_bytes", `${32 * MIB}`],
      ["memory", "memory.memsw.limit_in_bytes", `${96 * MIB}`],
    ],
    v2: [
      ["memory", "memory.max", `${32 * MIB}`],
      ["memory", "memory.swap.max", `${64 * MIB}`],
    ],
  },
  {
    from: { memory: 64 * MIB, memory_swap: 96 * MIB },
    to: { memory: -1, memorySwap: -1 },
    v1: [
      ["memory", "memory.limit_in_bytes", UNLIMITED],
      ["memory", "memory.memsw.limit_in_bytes", UNLIMITED],
    ],
    v2: [["memory", "memory.max", "max"], ["memory", "memory.swap.max", "max"]],
  },
  {
    from: {},
    to: { memoryReservation: 16 * MIB },
    v1: [["memory", "memory.soft_limit_in_bytes", `${16 * MIB}`]],
    v2: [["memory", "memory.low", `${16 * MIB}`]],
  },
  {
    from: { memory: 64 * MIB },
    to: { kernelMemory: 64 * MIB },
    v1: [["memory", "memory.limit_in_bytes", `${64 * MIB}`]],
    v2: [["memory", "memory.max", `${64 * MIB}`]],
  },
  {
    from: { memory_swappiness: 7 },
    to: { memorySwappiness: 0 },
    v1: [["memory", "memory.swappiness", "0"]],
    v2: "refused",
  },
  {
    from: { oom_kill_disable: true },
    to: { oomKillDisable: false },
    v1: [["memory", "memory.oom_control", "oom_kill_disable 0"]],
    v2: "refused",
  },
  {
    from: { cpu_shares: 512 },
    to: { cpuShares: 2048 },
    v1: [["cpu", "cpu.shares", "2048"]],
    v2: [["cpu", "cpu.weight", "174"]],
  },
  {
    from: { cpu_quota: 30_000, cpu_period: 60_000 },
    to: { cpuQuota: 5_000, cpuPeriod: 10_000 },
    v1: [
      ["cpu", "cpu.cfs_quota_us", "5000"],
      ["cpu", "cpu.cfs_period_us", "10000"],
    ],
    v2: [["cpu", "cpu.max", "5000 10000"]],
  },
  {
    from: { cpu_quota: 30_000, cpu_period: 60_000 },
    to: { cpuQuota: 20_000 },
    v1: [
      ["cpu", "cpu.cfs_quota_us", "20000"],
      ["cpu", "cpu.cfs_period_us", "60000"],
    ],
    v2: [["cpu", "cpu.max", "20000 60000"]],
  },
  {
    from: { cpu_quota: 30_000 },
    to: { cpuQuota: -1 },
    v1: [["cpu", "cpu.cfs_quota_us", "-1"]],
    v2: [["cpu", "cpu.max", "max 100000"]],
  },
  {
    from: { cpu_quota: 50_000, cpu_burst: 40_000 },
    to: { cpuQuota: 20_000, cpuBurst: 10_000 },
    v1: [
      ["cpu", "cpu.cfs_quota_us", "20000"],
      ["cpu", "cpu.cfs_burst_us", "10000"],
    ],
    v2: [["cpu", "cpu.max", "20000 100000"], [
      "cpu",
      "cpu.max.burst",
      "10000",
    ]],
  },
  {
    from: { cpu_shares: 512 },
    to: { cpuIdle: 1 },
    v1: [["cpu", "cpu.idle", "1"]],
    v2: [["cpu", "cpu.idle", "1"]],
  },
  {
    from: { cpu_shares: 512, cpu_idle: 1 },
    to: { cpuIdle: 0 },
    v1: [["cpu", "cpu.idle", "0"], ["cpu", "cpu.shares", "512"]],
    v2: [["cpu", "cpu.idle", "0"], ["cpu", "cpu.weight", "59"]],
  },
  {
    from: { cpu_idle: 1 },
    to: { cpuShares: 512 },
    v1: [["cpu", "cpu.idle", "0"], ["cpu", "cpu.shares", "512"]],
    v2: [["cpu", "cpu.idle", "0"], ["cpu", "cpu.weight", "59"]],
  },
  {
    from: { cpu_idle: 1 },
    to: { cpuShares: 512, cpuIdle: 1 },
    v1: [["cpu", "cpu.idle", "1"]],
    v2: [["cpu", "cpu.idle", "1"]],
  },
  {
    from: {},
    to: { cpusetCpus: "0", cpusetMems: "0" },
    v1: [["cpuset", "cpuset.cpus", "0"], ["cpuset", "cpuset.mems", "0"]],
    v2: [["cpuset", "cpuset.cpus", "0"], ["cpuset", "cpuset.mems", "0"]],
  },
  {
    from: { pids_limit: 77 },
    to: { pidsLimit: 33 },
    v1: [["pids", "pids.max", "33"]],
    v2: [["pids", "pids.max", "33"]],
  },
  {
    from: { pids_limit: 77 },
    to: { pidsLimit: -1 },
    v1: [["pids", "pids.max", "max"]],
    v2: [["pids", "pids.max", "max"]],
  },
  throttle("read_bps", "blkioThrottleReadBpsDevice", "rbps"),
  throttle("write_bps", "blkioThrottleWriteBpsDevice", "wbps"),
  throttle("read_iops", "blkioThrottleReadIopsDevice", "riops"),
  throttle("write_iops", "blkioThrottleWriteIopsDevice", "wiops"),
];

function assertWritten(target: Target, written: readonly Written[]): void {
  for (const [controller, file, text] of written) {
    const found = target.read(controller, file);
    const isPart = file.includes(".throttle") || file === "io.max" ||
      file === "memory.oom_control";
    assert(
      isPart ? found.includes(text) : found === text,
      `${file} is ${found}, wanted ${text}`,
    );
  }
}

for (const { from, to, v1, v2 } of CHANGES) {
  const name = `${JSON.stringify(from)} to ${JSON.stringify(to)}`;
  test(`limits change from ${name}`, async (workspace) => {
    if (IS_V2 && v2 === "refused") {
      const plain = "oomKillDisable" in to ? { oomKillDisable: true } : to;
      await using target = await Target.start(workspace, {});
      await assertRejects(() => target.set(plain), HostError, "cgroup v2");
      return;
    }
    await using target = await Target.start(workspace, from);
    await target.set(to);
    assertWritten(target, IS_V2 && v2 !== "refused" ? v2 : v1);
    const recorded: Record<string, unknown> = { ...await target.recorded() };
    for (const [key, value] of Object.entries(to)) {
      assertEquals(recorded[key], value);
    }
  });
}

test("a throttle that leaves its list is lifted", async (workspace) => {
  await using target = await Target.start(workspace, {
    blkio_throttle_read_bps_device: [{ ...DISK, rate: MIB }],
  });
  await target.set({ blkioThrottleReadBpsDevice: [] });
  const [controller, file] = IS_V2
    ? ["io", "io.max"]
    : ["blkio", "blkio.throttle.read_bps_device"];
  assertEquals(target.read(controller, file), "");
  assertEquals((await target.recorded()).blkioThrottleReadBpsDevice, []);
});

test("a block IO weight changes where a scheduler takes one", async (workspace) => {
  await using target = await Target.start(workspace, {});
  const hierarchy = findHierarchy(HOST, IS_V2 ? "io" : "blkio");
  const file = hierarchy?.weightFile ?? "";
  const path = `${target.process.group(IS_V2 ? "io" : "blkio")}/${file}`;
  const isThere = await Deno.lstat(path).then(() => true, () => false);
  if (!isThere) {
    const error = await target.set({ blkioWeight: 300 }).catch((e) => e);
    assert(error instanceof KernelError, String(error));
    assertStringIncludes(error.message, "blkioWeight");
    return;
  }
  await target.set({ blkioWeight: 300 });
  const [first = ""] = target.read(IS_V2 ? "io" : "blkio", file).split("\n");
  const wanted = file === "io.weight" ? "2930" : "300";
  assertEquals(first.replace("default ", ""), wanted);
});

test("a huge page limit changes, and is lifted when it leaves the list", async (workspace) => {
  const limits = (limit: number): Resources => ({
    hugetlbLimit: [{ pageSize: "2MB", limit }],
  });
  await using target = await Target.start(workspace, {});
  const hierarchy = findHierarchy(HOST, "hugetlb");
  if (!hierarchy) {
    await assertRejects(() => target.set(limits(0)), HostError, "hugetlb");
    return;
  }
  const group = target.process.state.resources.cgroups
    .find(({ version }) => version === hierarchy.version);
  const suffix = hierarchy.version === 2 ? "max" : "limit_in_bytes";
  const path = `${group?.path}/hugetlb.2MB.${suffix}`;
  await target.set(limits(6 * MIB));
  assertEquals((await Deno.readTextFile(path)).trim(), `${6 * MIB}`);
  await target.set({ hugetlbLimit: [] });
  assert((await Deno.readTextFile(path)).trim() !== `${6 * MIB}`);
});

for (
  const [controller, change] of [
    ["net_cls", { netClsClassid: 0x100002 }],
    ["net_prio", { netPrioIfpriomap: [{ interface: "lo", priority: 3 }] }],
  ] as const
) {
  test(`a setting of ${controller} changes, or is refused where that is not mounted`, async (workspace) => {
    await using target = await Target.start(workspace, {});
    if (!findHierarchy(HOST, controller)) {
      await assertRejects(() => target.set(change), HostError);
      return;
    }
    await target.set(change);
    const [file, text] = controller === "net_cls"
      ? ["net_cls.classid", `${0x100002}`]
      : ["net_prio.ifpriomap", "lo 3"];
    assertStringIncludes(target.read(controller, file), text);
  });
}

test("files of version 2 are written by name, or refused on version 1", async (workspace) => {
  const unified = { "memory.high": `${24 * MIB}` };
  await using target = await Target.start(workspace, {});
  if (!IS_V2) {
    await assertRejects(() => target.set({ unified }), HostError, "v2");
    return;
  }
  await target.set({ unified });
  await target.set({ unified: { "memory.oom.group": "1" } });
  assertEquals(target.read("memory", "memory.high"), `${24 * MIB}`);
  assertEquals(target.read("memory", "memory.oom.group"), "1");
  assertEquals((await target.recorded()).unified, {
    ...unified,
    "memory.oom.group": "1",
  });
});

test("a container is frozen and thawed by its limits", async (workspace) => {
  await using target = await Target.start(workspace, {});
  const { state } = target.process;
  await target.set({ freezer: "FROZEN" });
  assertEquals(freezerState(state), "frozen");
  await target.set({ pidsLimit: 44 });
  assertEquals(freezerState(state), "frozen");
  await target.set({ freezer: "THAWED" });
  assertEquals(freezerState(state), "thawed");
});

test("a cpuset that changes moves running programs", async (workspace) => {
  const last = navigator.hardwareConcurrency - 1;
  await using target = await Target.start(workspace, {
    cpuset_cpus: "0",
    cpuset_mems: "0",
  });
  await target.set({ cpusetCpus: `${last}` });
  assertEquals(statusOf(target.process.pid)["Cpus_allowed_list"], `${last}`);
});

/** Files that a change of all kinds touches. */
const TOUCHED: readonly (readonly [string, string])[] = IS_V2
  ? [
    ["memory", "memory.max"],
    ["memory", "memory.swap.max"],
    ["cpu", "cpu.weight"],
    ["cpu", "cpu.max"],
    ["pids", "pids.max"],
    ["io", "io.max"],
  ]
  : [
    ["memory", "memory.limit_in_bytes"],
    ["memory", "memory.memsw.limit_in_bytes"],
    ["cpu", "cpu.shares"],
    ["cpu", "cpu.cfs_quota_us"],
    ["cpu", "cpu.cfs_period_us"],
    ["pids", "pids.max"],
    ["blkio", "blkio.throttle.read_bps_device"],
  ];

const BEFORE = {
  memory: 64 * MIB,
  memory_swap: 96 * MIB,
  cpu_shares: 512,
  cpu_quota: 30_000,
  pids_limit: 77,
  blkio_throttle_read_bps_device: [{ ...DISK, rate: MIB }],
};
const AFTER: Resources = {
  memory: 128 * MIB,
  memorySwap: 256 * MIB,
  cpuShares: 1024,
  cpuQuota: 20_000,
  cpuPeriod: 40_000,
  pidsLimit: 55,
  blkioThrottleReadBpsDevice: [{ ...DISK, value: 2 * MIB }],
  allowedDevices: rules({ minor: 5, permissions: "r" }),
};

test("whatever fails, the earlier limits are back and nothing is recorded", async (workspace) => {
  await using target = await Target.start(workspace, BEFORE);
  const { state } = target.process;
  const texts = target.texts(TOUCHED);
  const recorded = await target.recorded();
  const plan = planUpdate(
    {
      id: target.id,
      groups: state.resources.cgroups,
      ...(state.config.cgroups && { cgroups: state.config.cgroups }),
    },
    AFTER,
    HOST,
  );
  const count = updateOps(plan).length;
  assert(count > TOUCHED.length, `${count} operations`);
  for (let index = 0; index < count; index++) {
    const fault = { list: "parent", index, errno: 5 } as const;
    const error = await updateContainer(
      workspace.stateRoot,
      target.id,
      AFTER,
      { fault },
    ).catch((reason) => reason);
    assertInstanceOf(error, KernelError);
    assertEquals(error.errnoName, "EIO");
    assertStringIncludes(error.message, "Cannot change ");
    assertEquals(target.texts(TOUCHED), texts);
    assertEquals(await target.recorded(), recorded);
  }
  await target.set(AFTER);
  assert(target.texts(TOUCHED).every((text, at) => text !== texts[at]));
});

test("a limit that the kernel refuses is named, and those before it are back", async (workspace) => {
  await using target = await Target.start(workspace, { cpuset_cpus: "0" });
  const error = await target.set({ cpusetMems: "0", cpusetCpus: "4000" })
    .catch((reason) => reason);
  assertInstanceOf(error, KernelError);
  assertStringIncludes(error.message, "cpusetCpus");
  assertEquals(target.read("cpuset", "cpuset.cpus"), "0");
  assertEquals((await target.recorded()).cpusetCpus, "0");
});

test("what cannot be is refused before anything is written", async (workspace) => {
  await using target = await Target.start(workspace, BEFORE);
  const texts = target.texts(TOUCHED);
  const wrong: readonly Resources[] = [
    { pidsLimit: 5, cpuShares: 1 },
    { pidsLimit: 5, memorySwap: MIB },
    { pidsLimit: 5, cpuBurst: 40_000 },
    { pidsLimit: 5, unified: { "cgroup.procs": "1" } },
    { pidsLimit: 5, blkioWeight: 9 },
  ];
  for (const resources of wrong) {
    await assertRejects(() => target.set(resources), ConfigError);
    assertEquals(target.texts(TOUCHED), texts);
  }
});

test("members that are not given, zeros and empty texts change nothing", async (workspace) => {
  await using target = await Target.start(workspace, BEFORE);
  const texts = target.texts(TOUCHED);
  const recorded = await target.recorded();
  await target.set({});
  await target.set({ memory: 0, cpuShares: 0, cpuQuota: 0, cpusetCpus: "" });
  assertEquals(target.texts(TOUCHED), texts);
  assertEquals(await target.recorded(), recorded);
});

/** Opens the zero device again and again and says when the answer changes. */
const WATCH = `
mknod /dev/zero2 c 1 5 || exit 1
last=
while :; do
  if dd if=/dev/zero2 of=/dev/null bs=1 count=1 2>/dev/null; then now=open
  else now=closed; fi
  if [ "$now" != "$last" ]; then echo $now; last=$now; fi
done
`;

const ANY_NODE = { ...device("", -1, -1), permissions: "m" };
const NULL_RULE = { ...device("", 1, 3), permissions: "rw" };

/** Rules as the model has them. */
function rules(
  ...list: readonly { minor: number; permissions: string }[]
): NonNullable<Resources["allowedDevices"]> {
  return list.map(({ minor, permissions }) => ({
    type: "c",
    path: "",
    major: minor < 0 ? -1 : 1,
    minor,
    permissions,
    fileMode: 0,
    uid: 0,
    gid: 0,
  }));
}

const NODE = { minor: -1, permissions: "m" };
const NULL = { minor: 3, permissions: "rw" };
const ZERO = { minor: 5, permissions: "r" };

test("device rules change at once for running programs", async (workspace) => {
  await using target = await Target.start(workspace, {
    allowed_devices: [ANY_NODE, NULL_RULE],
  }, WATCH);
  const said = (...words: string[]): Promise<void> =>
    target.process.waitForOutput(words.map((word) => `${word}\n`).join(""));

  await said("closed");
  await target.set({ allowedDevices: rules(NODE, NULL, ZERO) });
  await said("closed", "open");
  await target.set({ allowedDevices: rules(NODE, NULL) });
  await said("closed", "open", "closed");
  await target.set({ allowAllDevices: true });
  await said("closed", "open", "closed", "open");
  await target.set({ deniedDevices: rules(ZERO) });
  await said("closed", "open", "closed", "open", "closed");
});

test("a device that is closed before and after a change is never open in between", async (workspace) => {
  await using target = await Target.start(workspace, {
    allowed_devices: [ANY_NODE, NULL_RULE],
  }, WATCH);
  await target.process.waitForOutput("closed\n");
  for (let round = 0; round < 8; round++) {
    await target.set({ allowAllDevices: true, deniedDevices: rules(ZERO) });
    await target.set({ allowAllDevices: false });
    await delay(20);
  }
  assertEquals(target.process.stdout, "closed\n");
});

test("device rules are back when a change of them fails", async (workspace) => {
  await using target = await Target.start(workspace, {
    allowed_devices: [ANY_NODE, NULL_RULE],
  }, WATCH);
  await target.process.waitForOutput("closed\n");
  const change = {
    allowAllDevices: true,
    deniedDevices: rules({ minor: 3, permissions: "w" }),
  };
  const fault = { list: "parent", index: IS_V2 ? 0 : 1, errno: 5 } as const;
  await assertRejects(
    () => updateContainer(workspace.stateRoot, target.id, change, { fault }),
    KernelError,
  );
  await delay(200);
  assertEquals(target.process.stdout, "closed\n");
  assertEquals(freezerState(target.process.state), "thawed");
});

test("limits of a container that is gone cannot change", async (workspace) => {
  await assertRejects(
    () => updateContainer(workspace.stateRoot, "nobody", { pidsLimit: 1 }),
    StateError,
    "does not exist",
  );
});

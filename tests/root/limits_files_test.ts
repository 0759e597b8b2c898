/**
 * Every field of `cgroups`, read back from the kernel's files.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
} from "@std/assert";
import { ConfigError, HostError, type NsinitError } from "../../lib/errors.ts";
import { parseConfig } from "../../lib/config/parse.ts";
import type { Config } from "../../lib/config/types.ts";
import { probeHost } from "../../lib/host/probe.ts";
import { findHierarchy } from "../../lib/plan/cgroup/limits.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { InProcess, readConfig } from "../support/in_process.ts";

const test = containerTests("files");
const HOST = probeHost();
const IS_V2 = HOST.cgroup.mode === "v2";
const MIB = 1048576;

/** A number of a block device of this machine. */
function blockDevice(): { major: number; minor: number } | undefined {
  for (const { name } of Deno.readDirSync("/sys/block")) {
    const text = Deno.readTextFileSync(`/sys/block/${name}/dev`).trim();
    const [major = 0, minor = 0] = text.split(":").map(Number);
    // Loop devices without a file have no queue for throttles everywhere.
    if (!name.startsWith("loop") && !name.startsWith("zram")) {
      return { major, minor };
    }
  }
  return undefined;
}

const DISK = blockDevice() ?? { major: 7, minor: 0 };
const DISK_NAME = `${DISK.major}:${DISK.minor}`;

/** What a field becomes: controller, file, and a part of its text. */
type Written = readonly [controller: string, file: string, text: string];

/** A field, or some that belong together, with what each version has of it. */
interface Field {
  readonly cgroups: Readonly<Record<string, unknown>>;
  readonly v1: readonly Written[];
  /** `refused` where version 2 cannot keep the limit. */
  readonly v2: readonly Written[] | "refused";
}

function throttle(operation: string, key: string): Field {
  const name = `blkio_throttle_${operation}_device`;
  return {
    cgroups: { [name]: [{ ...DISK, rate: 2 * MIB }] },
    v1: [[
      "blkio",
      `blkio.throttle.${operation}_device`,
      `${DISK_NAME} ${2 * MIB}`,
    ]],
    v2: [["io", "io.max", `${key}=${2 * MIB}`]],
  };
}

const HUGE_SIZE = "2MB";

const FIELDS: readonly Field[] = [
  {
    cgroups: { memory: 64 * MIB },
    v1: [["memory", "memory.limit_in_bytes", `${64 * MIB}`]],
    v2: [["memory", "memory.max", `${64 * MIB}`]],
  },
  {
    cgroups: { memory: -1 },
    v1: [["memory", "memory.limit_in_bytes", "9223372036854771712"]],
    v2: [["memory", "memory.max", "max"]],
  },
  {
    cgroups: { memory: 64 * MIB, memory_swap: 96 * MIB },
    v1: [["memory", "memory.memsw.limit_in_bytes", `${96 * MIB}`]],
    v2: [["memory", "memory.swap.max", `${32 * MIB}`]],
  },
  {
    cgroups: { memory_reservation: 32 * MIB },
    v1: [["memory", "memory.soft_limit_in_bytes", `${32 * MIB}`]],
    v2: [["memory", "memory.low", `${32 * MIB}`]],
  },
  {
    cgroups: { memory_swappiness: 7 },
    v1: [["memory", "memory.swappiness", "7"]],
    v2: "refused",
  },
  {
    cgroups: { memory_swappiness: 0 },
    v1: [["memory", "memory.swappiness", "0"]],
    v2: "refused",
  },
  {
    cgroups: { oom_kill_disable: true },
    v1: [["memory", "memory.oom_control", "oom_kill_disable 1"]],
    v2: "refused",
  },
  {
    cgroups: { memory: 64 * MIB, kernel_memory: 64 * MIB },
    v1: [["memory", "memory.limit_in_bytes", `${64 * MIB}`]],
    v2: [["memory", "memory.max", `${64 * MIB}`]],
  },
  {
    cgroups: { cpu_shares: 512 },
    v1: [["cpu", "cpu.shares", "512"]],
    v2: [["cpu", "cpu.weight", "59"]],
  },
  {
    cgroups: { cpu_quota: 30_000, cpu_period: 60_000 },
    v1: [
      ["cpu", "cpu.cfs_quota_us", "30000"],
      ["cpu", "cpu.cfs_period_us", "60000"],
    ],
    v2: [["cpu", "cpu.max", "30000 60000"]],
  },
  {
    cgroups: { cpu_period: 60_000 },
    v1: [
      ["cpu", "cpu.cfs_quota_us", "-1"],
      ["cpu", "cpu.cfs_period_us", "60000"],
    ],
    v2: [["cpu", "cpu.max", "max 60000"]],
  },
  {
    cgroups: { cpuset_cpus: "0", cpuset_mems: "0" },
    v1: [["cpuset", "cpuset.cpus", "0"], ["cpuset", "cpuset.mems", "0"]],
    v2: [["cpuset", "cpuset.cpus", "0"], ["cpuset", "cpuset.mems", "0"]],
  },
  {
    cgroups: { pids_limit: 77 },
    v1: [["pids", "pids.max", "77"]],
    v2: [["pids", "pids.max", "77"]],
  },
  {
    cgroups: { pids_limit: -1 },
    v1: [["pids", "pids.max", "max"]],
    v2: [["pids", "pids.max", "max"]],
  },
  throttle("read_bps", "rbps"),
  throttle("write_bps", "wbps"),
  throttle("read_iops", "riops"),
  throttle("write_iops", "wiops"),
  {
    cgroups: {
      blkio_throttle_read_bps_device: [{ ...DISK, rate: 4 * MIB }],
      blkio_throttle_write_iops_device: [{ ...DISK, rate: 300 }],
    },
    v1: [
      ["blkio", "blkio.throttle.read_bps_device", `${4 * MIB}`],
      ["blkio", "blkio.throttle.write_iops_device", "300"],
    ],
    v2: [["io", "io.max", `rbps=${4 * MIB} wbps=max riops=max wiops=300`]],
  },
  {
    cgroups: { freezer: "THAWED" },
    v1: [["freezer", "freezer.state", "THAWED"]],
    v2: [["", "cgroup.freeze", "0"]],
  },
];

async function start(
  workspace: Workspace,
  cgroups: Readonly<Record<string, unknown>>,
): Promise<InProcess> {
  const config = await readConfig(workspace, { cgroups });
  return await InProcess.start(workspace, {
    config,
    args: ["/bin/sleep", "100"],
  });
}

async function failure(
  workspace: Workspace,
  cgroups: Readonly<Record<string, unknown>>,
): Promise<NsinitError> {
  const outcome = await start(workspace, cgroups).then(
    async (container) => {
      await container[Symbol.asyncDispose]();
      return new Error(`${JSON.stringify(cgroups)} was not refused`);
    },
    (error) => error,
  );
  if (outcome instanceof ConfigError || outcome instanceof HostError) {
    return outcome;
  }
  throw outcome;
}

function assertWritten(
  container: InProcess,
  written: readonly Written[],
): void {
  for (const [controller, file, text] of written) {
    const found = container.read(controller, file);
    const isSame = file.includes(".throttle") || file === "io.max" ||
        file === "memory.oom_control"
      ? found.includes(text)
      : found === text;
    assert(isSame, `${file} is ${found}, wanted ${text}`);
  }
}

for (const { cgroups, v1, v2 } of FIELDS) {
  const wanted = IS_V2 ? v2 : v1;
  test(`cgroups ${JSON.stringify(cgroups)} reaches the kernel`, async (workspace) => {
    if (wanted === "refused") {
      const error = await failure(workspace, cgroups);
      assertInstanceOf(error, HostError);
      assertStringIncludes(error.message, "cgroup v2");
      return;
    }
    await using container = await start(workspace, cgroups);
    assertWritten(container, wanted);
  });
}

test("a block IO weight reaches the kernel, or is refused where no scheduler takes it", async (workspace) => {
  const file = findHierarchy(HOST, IS_V2 ? "io" : "blkio")?.weightFile;
  const outcome = await start(workspace, { blkio_weight: 300 })
    .then((container) => container, (error) => error);
  if (!(outcome instanceof InProcess)) {
    assertStringIncludes(String(outcome), "weight");
    return;
  }
  await using container = outcome;
  const text = container.read(IS_V2 ? "io" : "blkio", file ?? "");
  assertEquals(
    text.split("\n")[0]?.replace("default ", ""),
    file === "io.weight" ? "2930" : "300",
  );
});

test("a huge page limit reaches the kernel where there are huge pages", async (workspace) => {
  const limits = { hugetlb_limit: [{ page_size: HUGE_SIZE, limit: 4 * MIB }] };
  const hierarchy = findHierarchy(HOST, "hugetlb");
  if (!hierarchy) {
    const error = await failure(workspace, limits);
    assertStringIncludes(error.message, "hugetlb");
    return;
  }
  await using container = await start(workspace, limits);
  const group = container.state.resources.cgroups
    .find(({ version }) => version === hierarchy.version);
  const file = hierarchy.version === 2 ? "max" : "limit_in_bytes";
  const text = await Deno.readTextFile(
    `${group?.path}/hugetlb.${HUGE_SIZE}.${file}`,
  );
  assertEquals(text.trim(), `${4 * MIB}`);
});

for (
  const [cgroups, controller] of [
    [{ net_cls_classid: "0x100001" }, "net_cls"],
    [{ net_prio_ifpriomap: [{ interface: "lo", priority: 5 }] }, "net_prio"],
  ] as const
) {
  test(`a limit of ${controller} is refused where that controller is not mounted`, async (workspace) => {
    if (findHierarchy(HOST, controller)) {
      await (await start(workspace, cgroups))[Symbol.asyncDispose]();
      return;
    }
    const error = await failure(workspace, cgroups);
    assertInstanceOf(error, HostError);
    assertStringIncludes(error.message, IS_V2 ? "cgroup v2" : controller);
  });
}

for (
  const cgroups of [
    { cpu_shares: 1 },
    { cpu_shares: 262145 },
    { blkio_weight: 5 },
    { memory_swappiness: 101 },
    { freezer: "COLD" },
    { cpuset_cpus: "zero" },
  ]
) {
  test(`cgroups ${JSON.stringify(cgroups)} is refused with the reason`, async (workspace) => {
    const [[key = "", value] = []] = Object.entries(cgroups);
    const error = await start(workspace, cgroups).then(
      () => undefined,
      (reason) => reason,
    );
    assert(error instanceof Error, "was not refused");
    const words = [key, key.replaceAll("_", ""), String(value)];
    const message = error.message.toLowerCase();
    assert(
      words.some((word) => message.includes(word.toLowerCase())),
      error.message,
    );
  });
}

/** The same limits as each era spelled them. */
const ERAS = {
  "A: at the root": {
    namespaces: ["NEWNS", "NEWPID", "NEWUTS", "NEWIPC"],
    cgroup_name: "era-a",
    cgroup_parent: "nsinit-files",
    memory: 64 * MIB,
    cpu_shares: 512,
  },
  "C0: an object, namespaces as a map": {
    hostname: "era",
    environment: ["PATH=/bin"],
    namespaces: {
      NEWNS: true,
      NEWPID: true,
      NEWUTS: true,
      NEWIPC: true,
      NEWNET: true,
    },
    capabilities: ["NET_RAW"],
    cgroups: { memory: 64 * MIB, cpu_shares: 512 },
    context: {},
  },
  "D: a list of objects": {
    namespaces: [
      { type: "NEWNS" },
      { type: "NEWPID" },
      { type: "NEWUTS" },
      { type: "NEWIPC" },
    ],
    capabilities: ["NET_RAW"],
    cgroups: { memory: 64 * MIB, cpu_shares: 512 },
  },
} as const;

for (const [era, text] of Object.entries(ERAS)) {
  test(`limits of dialect ${era}`, async (workspace) => {
    const read = await parseConfig(
      JSON.stringify({ rootfs: workspace.rootfs, ...text }),
      era.startsWith("A")
        ? { dialect: "A1", permissive: true }
        : { permissive: true },
    );
    const config: Config = {
      ...read,
      rootfs: workspace.rootfs,
      parentDeathSignal: 0,
      cgroups: {
        ...read.cgroups,
        name: workspace.newName(),
        parent: workspace.tag,
      },
    };
    await using container = await InProcess.start(workspace, {
      config,
      args: ["/bin/sleep", "100"],
      process: { user: "", cwd: "/", tty: false },
    });
    assertWritten(
      container,
      IS_V2
        ? [["memory", "memory.max", `${64 * MIB}`], ["cpu", "cpu.weight", "59"]]
        : [
          ["memory", "memory.limit_in_bytes", `${64 * MIB}`],
          // Before D, memory without a swap limit allowed as much swap again.
          [
            "memory",
            "memory.memsw.limit_in_bytes",
            era.startsWith("D") ? "9223372036854771712" : `${128 * MIB}`,
          ],
          ["cpu", "cpu.shares", "512"],
        ],
    );
  });
}

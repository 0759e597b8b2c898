/**
 * Statistics, compared with what the container did and with what the kernel
 * says elsewhere.
 *
 * @module
 */
import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { StateError } from "../../lib/errors.ts";
import { collectStats, statsOf } from "../../lib/container/stats.ts";
import { probeHost } from "../../lib/host/probe.ts";
import type { BlkioEntry, Stats } from "../../lib/stats/types.ts";
import {
  type ConfigJson,
  containerTests,
  device,
  type Workspace,
} from "../support/containers.ts";
import { InProcess, readConfig } from "../support/in_process.ts";
import { delay, mustRun, waitFor } from "../support/nsinit.ts";
import { OwnNetwork } from "../support/own_network.ts";

const test = containerTests("stats");
const MEBIBYTE = 1048576;

async function start(
  workspace: Workspace,
  args: string,
  changes: ConfigJson = {},
  options: { readonly blocking?: boolean } = {},
): Promise<InProcess> {
  const config = await readConfig(workspace, changes);
  return await InProcess.start(workspace, { config, args, ...options });
}

function statsOfContainer(container: InProcess): Stats {
  return collectStats(container.state);
}

/** CPU time of a process as `/proc` tells it, in nanoseconds. */
function cpuTimeOf(pid: number): number {
  const stat = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 1e7;
}

test("CPU time is that of the container's processes", async (workspace) => {
  await using container = await start(workspace, "while :; do :; done");
  await waitFor("a second of CPU time", () => cpuTimeOf(container.pid) >= 1e9);

  const usage = statsOfContainer(container).cpu?.usage;
  const seen = cpuTimeOf(container.pid);

  const total = Number(usage?.total);
  const sum = Number(usage?.user) + Number(usage?.kernel);
  assert(total > 0.9e9 && total < seen + 0.3e9, `${total} of ${seen}`);
  assert(Math.abs(sum - total) < 0.1 * total + 3e7, `${sum} of ${total}`);
});

test("CPU time per CPU adds up to the total", async (workspace) => {
  await using container = await start(
    workspace,
    "i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; echo up; sleep 100",
  );
  await container.waitForOutput("up\n", 60_000);
  await delay(50);

  const usage = statsOfContainer(container).cpu?.usage;

  const sum = (list: readonly unknown[] = []): number =>
    list.reduce<number>((all, each) => all + Number(each), 0);
  assertEquals(usage?.perCpu?.length, navigator.hardwareConcurrency);
  assertEquals(sum(usage?.perCpu), Number(usage?.total));
  // The kernel tells modes apart by ticks, so those do not add up to it.
  assertEquals(usage?.perCpuUser?.length, navigator.hardwareConcurrency);
  assertEquals(usage?.perCpuKernel?.length, navigator.hardwareConcurrency);
}, { needs: ["cgroup-v1"] });

test("a quota that holds back shows in periods and time", async (workspace) => {
  const limits = { cpu_quota: 20_000, cpu_period: 100_000 };
  await using container = await start(
    workspace,
    "while :; do :; done",
    { cgroups: limits },
  );

  const stats = await waitFor("some periods", () => {
    const now = statsOfContainer(container);
    return Number(now.cpu?.throttling?.throttledPeriods) >= 5 && now;
  }, 30_000);

  const throttling = stats.cpu?.throttling;
  assert(Number(throttling?.periods) >= Number(throttling?.throttledPeriods));
  // Of each period it runs a fifth, or waits for a CPU that others use.
  const heldBack = Number(throttling?.throttledTime);
  const periods = Number(throttling?.throttledPeriods);
  assert(heldBack > 0, `${heldBack} ns in ${periods} periods`);
  assert(heldBack < (periods + 1) * 100e6, `${heldBack} ns in ${periods}`);
});

test("memory is what the container holds, by kind", async (workspace) => {
  const limits = { memory: 128 * MEBIBYTE, memory_swap: 128 * MEBIBYTE };
  const script = `
    dd if=/dev/zero of=/dev/shm/held bs=1048576 count=20 2>/dev/null
    awk 'BEGIN { s = sprintf("%31457280s", "x"); print "up"; fflush(); system("sleep 100") }'`;
  await using container = await start(workspace, script, { cgroups: limits });
  await container.waitForOutput("up\n");

  const { memory } = statsOfContainer(container);

  const usage = Number(memory?.usage.usage);
  assert(usage > 50 * MEBIBYTE && usage < 128 * MEBIBYTE, `${usage} bytes`);
  assertEquals(memory?.usage.limit, 128 * MEBIBYTE);
  assert(Number(memory?.usage.max) >= usage, `${memory?.usage.max}`);
  assertEquals(memory?.usage.failcnt, 0);
  const cache = Number(memory?.cache);
  const rss = Number(memory?.rss);
  assert(cache >= 20 * MEBIBYTE && cache < 40 * MEBIBYTE, `${cache} cached`);
  assert(rss >= 30 * MEBIBYTE && rss < 100 * MEBIBYTE, `${rss} anonymous`);
  const names = Object.keys(memory?.raw ?? {});
  for (const name of ["pgfault", "inactive_anon", "active_file"]) {
    assert(names.includes(name), names.join(" "));
  }
  assertEquals(memory?.oomKills, 0);
}, { needs: ["memory-cgroup"] });

test(
  "a kill for want of memory is counted, and the limit that was hit",
  async (workspace) => {
    const limits = { memory: 24 * MEBIBYTE, memory_swap: 24 * MEBIBYTE };
    await using container = await start(
      workspace,
      "dd if=/dev/zero of=/dev/null bs=128M count=1; echo over; sleep 100",
      { cgroups: limits },
    );
    await container.waitForOutput("over\n");

    const { memory } = statsOfContainer(container);

    assertEquals(memory?.oomKills, 1);
    const { failcnt } = memory?.usage ?? {};
    // Newer kernels do not count this in version 1 any more.
    if (probeHost().cgroup.mode === "v2") assert(Number(failcnt) > 0);
    else {
      const text = container.read("memory", "memory.failcnt");
      assertEquals(failcnt, Number(text));
    }
  },
  { needs: ["memory-cgroup"] },
);

test("tasks are counted, with their limit", async (workspace) => {
  await using container = await start(
    workspace,
    "sleep 100 & sleep 100 & sleep 100 & echo up; wait",
    { cgroups: { pids_limit: 20 } },
  );
  await container.waitForOutput("up\n");

  const { pids } = statsOfContainer(container);

  assertEquals([pids?.current, pids?.limit], [4, 20]);
});

/** A block device in memory, until it is disposed of. */
class LoopDevice implements AsyncDisposable {
  readonly path: string;
  readonly #file: string;

  private constructor(path: string, file: string) {
    this.path = path;
    this.#file = file;
  }

  static async create(workspace: Workspace): Promise<LoopDevice> {
    const file = `${workspace.dir}/${workspace.newName()}.img`;
    await Deno.writeFile(file, new Uint8Array());
    await Deno.truncate(file, 4 * MEBIBYTE);
    const path = await mustRun(["losetup", "-f", "--show", file]);
    return new LoopDevice(path.trim(), file);
  }

  /** Its minor number; the major is 7. */
  get minor(): number {
    return Number(this.path.replace("/dev/loop", ""));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await mustRun(["losetup", "-d", this.path]);
    await Deno.remove(this.#file);
  }
}

test(
  "bytes and operations are those of the device that was used",
  async (workspace) => {
    await using loop = await LoopDevice.create(workspace);
    const { minor } = loop;
    const dd = (rest: string): string => `dd bs=65536 ${rest} 2>/dev/null`;
    const node = device("/dev/disk", 7, minor, "b");
    await using container = await start(
      workspace,
      `${dd("if=/dev/zero of=/dev/disk count=16 oflag=direct")}; ` +
        `${
          dd("if=/dev/disk of=/dev/null count=8 iflag=direct")
        }; echo up; sleep 100`,
      {
        devices: [device("/dev/null", 1, 3), device("/dev/zero", 1, 5), node],
        cgroups: {
          allowed_devices: [device("", 1, 3), device("", 1, 5), node],
          // The throttling layer counts for a group that has a limit.
          blkio_throttle_write_bps_device: `7:${minor} 1000000000`,
        },
      },
    );
    await container.waitForOutput("up\n");

    const { blkio } = statsOfContainer(container);

    const value = (entries: readonly BlkioEntry[] = [], op: string): unknown =>
      entries.find((each) =>
        each.major === 7 && each.minor === minor && each.op === op
      )?.value;
    assertEquals(value(blkio?.ioServiceBytesRecursive, "Write"), MEBIBYTE);
    assertEquals(value(blkio?.ioServiceBytesRecursive, "Read"), MEBIBYTE / 2);
    assertEquals(value(blkio?.ioServicedRecursive, "Write"), 16);
    assertEquals(value(blkio?.ioServicedRecursive, "Read"), 8);
  },
  { needs: ["loop"] },
);

test("traffic is told as the container sees it", async (workspace) => {
  using _network = new OwnNetwork();
  await mustRun(["ip", "link", "add", "br7", "type", "bridge"]);
  await mustRun(["ip", "addr", "add", "10.67.0.1/24", "dev", "br7"]);
  await mustRun(["ip", "link", "set", "br7", "up"]);
  await using container = await start(workspace, "sleep 100", {
    networks: [
      { type: "loopback", name: "lo", address: "", gateway: "" },
      {
        type: "veth",
        name: "eth0",
        bridge: "br7",
        address: "10.67.0.2/24",
        gateway: "10.67.0.1",
      },
    ],
  }, { blocking: true });
  const traffic = (): Stats["interfaces"] =>
    statsOfContainer(container).interfaces;
  assertEquals(traffic()?.map(({ name }) => name).sort(), ["eth0", "lo"]);
  const before = traffic()?.find(({ name }) => name === "eth0");

  await mustRun(
    "/bin/busybox ping -q -c 5 -i 0.1 -s 1000 10.67.0.2".split(" "),
  );

  const after = traffic()?.find(({ name }) => name === "eth0");
  const grown = (key: "rxBytes" | "txBytes" | "rxPackets"): number =>
    Number(after?.[key]) - Number(before?.[key]);
  // 1000 bytes behind headers of Ethernet, IP and ICMP, and a few of neighbours.
  assert(grown("rxBytes") >= 5 * 1042, `${grown("rxBytes")} bytes received`);
  assert(grown("rxBytes") < 5 * 1042 + 4000, `${grown("rxBytes")} received`);
  assert(grown("txBytes") >= 5 * 1042, `${grown("txBytes")} bytes sent`);
  assert(grown("rxPackets") >= 5, `${grown("rxPackets")} packets`);
  assertEquals([after?.rxErrors, after?.txErrors], [0, 0]);
}, { needs: ["ip"] });

test("without a network namespace of its own it has no interfaces", async (workspace) => {
  await using container = await start(workspace, "sleep 100", {
    namespaces: ["NEWNS", "NEWPID"].map((type) => ({ type })),
    networks: [],
    hostname: "",
  });
  assertEquals(statsOfContainer(container).interfaces, undefined);
});

test("huge pages are told for every size that the machine has", async (workspace) => {
  await using container = await start(workspace, "sleep 100");
  const { hierarchies } = probeHost().cgroup;
  const isThere = hierarchies.some(({ controllers }) =>
    controllers.includes("hugetlb")
  );

  const { hugetlb } = statsOfContainer(container);

  if (!isThere) return assertEquals(hugetlb, undefined);
  const sizes = await Array.fromAsync(
    Deno.readDir("/sys/kernel/mm/hugepages"),
  );
  // In version 2 a controller counts where it was enabled above.
  if (hugetlb === undefined) return assert(sizes.length > 0);
  assertEquals(Object.keys(hugetlb).length, sizes.length);
  for (const pages of Object.values(hugetlb)) assertEquals(pages.usage, 0);
});

test("pressure is told where the kernel measures it", async (workspace) => {
  await using container = await start(
    workspace,
    "while :; do :; done & while :; do :; done & while :; do :; done",
    { cgroups: { cpu_quota: 20_000, cpu_period: 100_000 } },
  );

  const stats = await waitFor("somebody who waits", () => {
    const now = statsOfContainer(container);
    return Number(now.cpu?.pressure?.some?.total) > 0 && now;
  }, 20_000);

  assertEquals(stats.memory?.pressure?.full?.total, 0);
  assertEquals(typeof stats.blkio?.pressure?.some?.avg300, "number");
}, { needs: ["pressure"] });

test("a missing controller is a missing member", async (workspace) => {
  // Without limits it has no group of these, but in version 2 one for all.
  const { cgroups: _, ...rest } = await readConfig(workspace);
  const container = await InProcess.start(workspace, {
    config: rest,
    args: "sleep 100",
  });
  await using _container = container;

  const stats = statsOfContainer(container);

  const has = (file: string): boolean => {
    const group = container.group("memory");
    return Array.from(Deno.readDirSync(group)).some(({ name }) =>
      name === file
    );
  };
  assertEquals(stats.memory !== undefined, has("memory.current"));
  assertEquals(stats.cpuset !== undefined, has("cpuset.cpus.effective"));
}, { names: ["nsinit"] });

test("another program reads the same, and an ended container has none", async (workspace) => {
  await using container = await start(workspace, "read line; exit 0");
  const { stateRoot } = workspace;
  const { id } = container.state;

  const error = await container.ended().then(() =>
    assertThrows(() => collectStats(container.state), StateError)
  );

  assertEquals(error.code, "ContainerNotRunning");
  const missing = await assertRejects(
    () => statsOf(stateRoot, `${id}-none`),
    StateError,
  );
  assertEquals(missing.code, "ContainerNotExists");
});

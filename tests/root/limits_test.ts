/**
 * Limits of cgroups, seen in what the kernel does.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { Config } from "../../lib/config/types.ts";
import { probeHost } from "../../lib/host/probe.ts";
import {
  containerTests,
  device,
  type Workspace,
} from "../support/containers.ts";
import {
  type Ended,
  InProcess,
  readConfig,
  runInProcess,
} from "../support/in_process.ts";
import { delay } from "../support/nsinit.ts";
import { statusOf } from "../support/process_status.ts";

const test = containerTests("limits");
const MEBIBYTE = 1048576;
const KILLED = 137;

function onlyV2(): boolean {
  return probeHost().cgroup.mode === "v2";
}

async function run(
  workspace: Workspace,
  cgroups: Record<string, unknown>,
  script: string,
): Promise<Ended> {
  const config = await readConfig(workspace, { cgroups });
  return await runInProcess(workspace, { config, args: script });
}

async function start(
  workspace: Workspace,
  cgroups: Record<string, unknown>,
  script: string,
): Promise<InProcess> {
  const config = await readConfig(workspace, { cgroups });
  return await InProcess.start(workspace, { config, args: script });
}

test("a memory limit ends a program that takes more with status 137", async (workspace) => {
  const limits = { memory: 24 * MEBIBYTE, memory_swap: 24 * MEBIBYTE };
  const container = await workspace.container({ cgroups: limits });
  const args = [
    "/bin/dd",
    "if=/dev/zero",
    "of=/dev/null",
    "bs=128M",
    "count=1",
  ];

  const { code } = await container.exec(args);

  assertEquals(code, KILLED);
});

test("a memory limit leaves a program alone that takes less", async (workspace) => {
  const limits = { memory: 64 * MEBIBYTE, memory_swap: 64 * MEBIBYTE };
  const script =
    "dd if=/dev/zero of=/dev/null bs=16M count=1 2>/dev/null; echo ok";

  assertEquals((await run(workspace, limits, script)).stdout, "ok\n");
});

test("a program killed for memory does not take the container with it", async (workspace) => {
  const limits = { memory: 24 * MEBIBYTE, memory_swap: 24 * MEBIBYTE };
  const script = `dd if=/dev/zero of=/dev/null bs=128M count=1; echo "dd: $?"`;

  const { code, stdout } = await run(workspace, limits, script);

  assertEquals([code, stdout], [0, "dd: 137\n"]);
});

test("a limit of tasks stops a fork bomb, and its end is clean", async (workspace) => {
  const bomb = "bomb() { bomb | bomb & }; echo go; bomb; sleep 100";
  await using container = await start(workspace, { pids_limit: 24 }, bomb);

  await container.waitForOutput("go\n");
  await delay(500);

  const current = Number(container.read("pids", "pids.current"));
  assert(current > 1 && current <= 24, `${current} tasks`);
  // Processes still come and go; disposal must catch them all.
});

test("a limit of tasks counts the forks that it refused", async (workspace) => {
  const script = "for i in 1 2 3 4 5 6 7 8 9 10; do sleep 50 & done; echo all";
  await using container = await start(workspace, { pids_limit: 6 }, script);

  const { stdout, stderr } = await container.ended();

  assert(!stdout.includes("all"), "all ten forks succeeded");
  assertStringIncludes(stderr, "can't fork");
});

/** Nanoseconds of CPU time that the group has used. */
function cpuTimeNs(container: InProcess): bigint {
  if (!onlyV2()) return BigInt(container.read("cpuacct", "cpuacct.usage"));
  const [, usec = "0"] =
    /usage_usec (\d+)/.exec(container.read("cpu", "cpu.stat")) ?? [];
  return BigInt(usec) * 1000n;
}

/** Share of one CPU that the group gets over two seconds. */
async function measureShare(container: InProcess): Promise<number> {
  const from = performance.now();
  const used = cpuTimeNs(container);
  await delay(2000);
  const usedMs = Number(cpuTimeNs(container) - used) / 1e6;
  return usedMs / (performance.now() - from);
}

for (
  const [quota, period] of [[20_000, 100_000], [20_000, 50_000]] as const
) {
  test(`a cpu quota of ${quota} in ${period} us holds within a tenth`, async (workspace) => {
    const limits = { cpu_quota: quota, cpu_period: period };
    const script = "echo go; while :; do :; done";
    await using container = await start(workspace, limits, script);
    await container.waitForOutput("go\n");

    const wanted = quota / period;
    let share = 0;
    // A busy machine may give less for a while, never more.
    for (let round = 0; round < 4; round++) {
      share = await measureShare(container);
      assert(share < wanted * 1.1, `got ${share} of a CPU, wanted ${wanted}`);
      if (share > wanted * 0.9) return;
    }
    assert(false, `got ${share} of a CPU, wanted ${wanted}`);
  });
}

test("a cpuset binds all programs to its CPUs", async (workspace) => {
  const last = navigator.hardwareConcurrency - 1;
  const limits = { cpuset_cpus: `${last}`, cpuset_mems: "0" };
  await using container = await start(workspace, limits, "sleep 100");

  const status = statusOf(container.pid);

  assertEquals(status["Cpus_allowed_list"], `${last}`);
  assertEquals(status["Mems_allowed_list"], "0");
});

/** Makes nodes in the container and tells what may be done with each. */
const PROBE = `
try() {
  name=$1; shift
  mknod /dev/probe-$name "$@" || { echo "$name no-node"; return; }
  r=no w=no
  if dd if=/dev/probe-$name of=/tmp/o bs=1 count=0 2>/tmp/e; then r=yes
  elif ! grep -q "not permitted" /tmp/e; then r=yes; fi
  if dd if=/tmp/o of=/dev/probe-$name bs=1 count=0 2>/tmp/e; then w=yes
  elif ! grep -q "not permitted" /tmp/e; then w=yes; fi
  echo "$name read=$r write=$w"
}
`;

const PROBED = [
  "try null c 1 3",
  "try zero c 1 5",
  "try full c 1 7",
  "try random c 1 8",
  "try urandom c 1 9",
  "try ptmx c 5 2",
  "try mem c 1 1",
  "try kmsg c 1 11",
  "try port c 1 4",
  "try fuse c 10 229",
  "try loop b 7 0",
  "try disk b 254 0",
].join("\n");

const FREE = "read=yes write=yes";
const CLOSED = "read=no write=no";

async function probe(
  workspace: Workspace,
  changes: Record<string, unknown>,
  script = PROBED,
): Promise<Record<string, string>> {
  // MKNOD is not enough for some; the rules must hold whatever a program may do.
  const config = await readConfig(workspace, {
    capabilities: ["MKNOD", "SYS_ADMIN", "SYS_RAWIO", "DAC_OVERRIDE", "SYSLOG"],
    mounts: [
      ...workspace.config()["mounts"] as unknown[],
      {
        device: "tmpfs",
        source: "tmpfs",
        destination: "/tmp",
        flags: 0,
        data: "",
      },
    ],
    ...changes,
  });
  const args = `${PROBE}${script}`;
  const { code, stdout, stderr } = await runInProcess(workspace, {
    config,
    args,
  });
  assertEquals([code, stderr], [0, ""]);
  return Object.fromEntries(
    stdout.trim().split("\n").map((line) => {
      const space = line.indexOf(" ");
      return [line.slice(0, space), line.slice(space + 1)];
    }),
  );
}

test("the default device rules open the harmless devices only", async (workspace) => {
  assertEquals(await probe(workspace, {}), {
    null: FREE,
    zero: FREE,
    full: FREE,
    random: FREE,
    urandom: FREE,
    ptmx: FREE,
    mem: CLOSED,
    kmsg: CLOSED,
    port: CLOSED,
    fuse: CLOSED,
    loop: CLOSED,
    disk: CLOSED,
  });
});

test("a device rule holds for its letters only", async (workspace) => {
  const rule = (minor: number, permissions: string): unknown => ({
    ...device("", 1, minor),
    permissions,
  });
  const allowed_devices = [
    rule(3, "rwm"),
    rule(5, "rm"),
    rule(7, "wm"),
    rule(8, "rw"),
  ];
  const script = "try null c 1 3\ntry zero c 1 5\ntry full c 1 7\n" +
    "try random c 1 8 2>/dev/null\ntry loop b 7 0 2>/dev/null";

  // Its nodes cannot be made by itself either: rules hold from the first step.
  assertEquals(
    await probe(workspace, {
      devices: [device("/dev/null", 1, 3)],
      cgroups: { allowed_devices },
    }, script),
    {
      null: FREE,
      zero: "read=yes write=no",
      full: "read=no write=yes",
      random: "no-node",
      loop: "no-node",
    },
  );
});

test("a denied device is closed where all others are open", async (workspace) => {
  const cgroups = {
    allow_all_devices: true,
    denied_devices: [
      { ...device("", 1, 5), permissions: "w" },
      { ...device("", 7, -1, "b"), permissions: "rwm" },
    ],
  };
  const script = "try null c 1 3\ntry zero c 1 5\ntry kmsg c 1 11\n" +
    "try loop b 7 0 2>/dev/null";

  assertEquals(await probe(workspace, { cgroups }, script), {
    null: FREE,
    zero: "read=yes write=no",
    kmsg: FREE,
    loop: "no-node",
  });
});

test("all devices are open only to a container that asks for it", async (workspace) => {
  const cgroups = { allow_all_devices: true };

  const found = await probe(workspace, { cgroups }, "try kmsg c 1 11");

  assertEquals(found, { kmsg: FREE });
});

test("a rule for any device of both types opens both", async (workspace) => {
  const rule = { ...device("", -1, -1), type: 97, permissions: "rm" };
  const cgroups = { allowed_devices: [rule] };
  const script = "try zero c 1 5\ntry loop b 7 0";

  assertEquals(await probe(workspace, { cgroups }, script), {
    zero: "read=yes write=no",
    loop: "read=yes write=no",
  });
});

test("a container that is to be frozen runs nothing more until it is thawed", async (workspace) => {
  const config: Config = await readConfig(workspace, {
    cgroups: { freezer: "FROZEN" },
  });
  const args =
    "i=0; while [ $i -lt 200 ]; do i=$((i+1)); sleep 0.01; done; echo end";
  await using container = await InProcess.start(workspace, { config, args });
  const [file, frozen, thawed] = onlyV2()
    ? ["cgroup.freeze", "1", "0"]
    : ["freezer.state", "FROZEN", "THAWED"];

  await delay(200);
  assertEquals(container.read("freezer", file), frozen);
  const used = cpuTimeNs(container);
  await delay(300);
  assertEquals(cpuTimeNs(container), used);

  await Deno.writeTextFile(`${container.group("freezer")}/${file}`, thawed);
  assertEquals((await container.ended()).stdout, "end\n");
});

test("a frozen container can be removed", async (workspace) => {
  const config = await readConfig(workspace, {
    cgroups: { freezer: "FROZEN" },
  });
  const args = ["/bin/sleep", "100"];
  const container = await InProcess.start(workspace, { config, args });

  await container[Symbol.asyncDispose]();

  assert(await isGone(container.locked.dir));
});

async function isGone(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => false, () => true);
}

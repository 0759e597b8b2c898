/** Commands of nsinit-oci that hold containers back: pause, resume, update. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { containerTests } from "../support/containers.ts";
import { OciBundle } from "../support/oci_program.ts";

const test = containerTests("ocilimits");

/** How long is waited on a machine with much else to do, in milliseconds. */
const PATIENCE_MS = 60_000;
const MIB = 1024 * 1024;

async function assertFails(
  bundle: OciBundle,
  args: readonly string[],
  words: string,
): Promise<void> {
  const { code, stderr } = await bundle.oci(args);
  assertEquals([args, code], [args, 1]);
  assertStringIncludes(stderr, words);
}

async function statusOf(bundle: OciBundle): Promise<string> {
  return JSON.parse(await bundle.must(["state", bundle.id])).status;
}

async function untilStopped(bundle: OciBundle): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (Date.now() < end && await statusOf(bundle) !== "stopped") {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/** Whether the kernel says that its processes are frozen. */
async function isFrozen(bundle: OciBundle): Promise<boolean> {
  const text = await bundle.limit("freezer.state", "cgroup.freeze");
  return text === "FROZEN" || text === "1";
}

test("pause freezes, resume thaws, and neither does it twice", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  await assertFails(bundle, ["pause", bundle.id], "container does not exist");
  await assertFails(bundle, ["resume", bundle.id], "container does not exist");
  await bundle.start();
  await assertFails(bundle, ["resume", bundle.id], "container not paused");
  assertEquals(await bundle.must(["pause", bundle.id]), "");
  assertEquals([await statusOf(bundle), await isFrozen(bundle)], [
    "paused",
    true,
  ]);
  await assertFails(bundle, ["pause", bundle.id], "container not running");
  assertEquals(await bundle.must(["resume", bundle.id]), "");
  assertEquals([await statusOf(bundle), await isFrozen(bundle)], [
    "running",
    false,
  ]);
  await bundle.must(["kill", bundle.id, "KILL"]);
  await untilStopped(bundle);
  await assertFails(bundle, ["pause", bundle.id], "container not running");
  await assertFails(bundle, ["resume", bundle.id], "container not paused");
});

test("a paused container is deleted by force", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  await bundle.start();
  await bundle.must(["pause", bundle.id]);
  await assertFails(bundle, ["delete", bundle.id], "is not stopped: paused");
  await bundle.must(["delete", "--force", bundle.id]);
  await assertFails(bundle, ["state", bundle.id], "container does not exist");
});

/** A limit, read back from the kernel; the same word for none in both versions. */
async function limitsOf(bundle: OciBundle): Promise<Record<string, string>> {
  const [quota = "", period = ""] = (await bundle.limit(
    "cpu.cfs_quota_us",
    "cpu.max",
  )).split(" ");
  const memory = await bundle.limit("memory.limit_in_bytes", "memory.max");
  return {
    memory: memory === "9223372036854771712" ? "max" : memory,
    quota: quota === "-1" ? "max" : quota,
    period: period || await bundle.limit("cpu.cfs_period_us", "cpu.max"),
    pids: await bundle.limit("pids.max", "pids.max"),
    cpus: await bundle.limit("cpuset.cpus", "cpuset.cpus"),
  };
}

const BEGIN = {
  memory: { limit: 32 * MIB },
  cpu: { quota: 50000, period: 100000, cpus: "0" },
  pids: { limit: 20 },
};
const AT_FIRST = {
  memory: `${32 * MIB}`,
  quota: "50000",
  period: "100000",
  pids: "20",
  cpus: "0",
};

test("update changes what is named, and no more", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    linux: {
      namespaces: [{ type: "mount" }, { type: "pid" }],
      resources: BEGIN,
    },
  });
  await bundle.start();
  const read = (): Promise<Record<string, string>> => limitsOf(bundle);
  assertEquals(await read(), AT_FIRST);
  let now: Record<string, string> = AT_FIRST;
  const cases: [string[], Record<string, string>][] = [
    [["--memory", "64M"], { memory: `${64 * MIB}` }],
    [["--memory=48m", "--memory-swap", "-1"], { memory: `${48 * MIB}` }],
    [["--cpu-period", "90000"], { period: "90000" }],
    [["--cpu-quota", "60000"], { quota: "60000" }],
    [["--cpu-quota", "-1"], { quota: "max" }],
    [["--pids-limit", "10"], { pids: "10" }],
    [["--pids-limit=-1"], { pids: "max" }],
    [["--memory", "-1"], { memory: "max" }],
    [["--memory", "0", "--pids-limit", "0"], {}],
  ];
  for (const [options, change] of cases) {
    await bundle.must(["update", ...options, bundle.id]);
    now = { ...now, ...change };
    assertEquals([options, await read()], [options, now]);
  }
  // As podman does it, by a file that it removes at once; as containerd does.
  const file = `${bundle.dir}/resources`;
  await Deno.writeTextFile(file, JSON.stringify(BEGIN));
  await bundle.must(["update", `--resources=${file}`, bundle.id]);
  assertEquals(await read(), AT_FIRST);
  await bundle.must(["update", "-r", "-", "--memory", "96M", bundle.id], {
    stdin: '{"pids":{"limit":7},"devices":[{"allow":true}],"unknown":{}}',
  });
  assertEquals(await read(), { ...AT_FIRST, pids: "7" });
});

test("update reaches a container that waits for its start, and one that is paused", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  await bundle.spawn(["create", bundle.id]);
  await bundle.must(["update", "--pids-limit", "12", bundle.id]);
  assertEquals(await bundle.limit("pids.max", "pids.max"), "12");
  assertEquals(await statusOf(bundle), "created");
  await bundle.must(["start", bundle.id]);
  assertEquals(await bundle.limit("pids.max", "pids.max"), "12");
  await bundle.must(["pause", bundle.id]);
  await bundle.must(["update", "--pids-limit", "13", bundle.id]);
  assertEquals(await bundle.limit("pids.max", "pids.max"), "13");
  assertEquals(await statusOf(bundle), "paused");
});

test("update leaves everything as it was when something cannot be", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  await assertFails(
    bundle,
    ["update", "--pids-limit", "5", bundle.id],
    "container does not exist",
  );
  await bundle.start();
  await bundle.must(["update", "--pids-limit", "15", bundle.id]);
  const cases: [string[], string][] = [
    [["--memory", "10foo"], "invalid value for memory: invalid size: '10foo'"],
    [["--pids-limit", "x"], "invalid value for pids-limit"],
    [["--pids-limit", "5", "--cpuset-cpus", "4000"], "cpuset"],
    [["--resources", "/nowhere"], "/nowhere"],
    [["--l3-cache-schema", "L3:0=f"], "Intel RDT"],
    [["--nonsense"], "nonsense"],
  ];
  for (const [options, words] of cases) {
    await assertFails(bundle, ["update", ...options, bundle.id], words);
  }
  for (const stdin of ["", "{", '{"pids":{"limit":"5"}}']) {
    const { code } = await bundle.oci(["update", "-r", "-", bundle.id], {
      stdin,
    });
    assertEquals([stdin, code], [stdin, 1]);
  }
  assertEquals(await bundle.limit("pids.max", "pids.max"), "15");
  await bundle.must(["kill", bundle.id, "KILL"]);
  await untilStopped(bundle);
  await assertFails(
    bundle,
    ["update", "--pids-limit", "5", bundle.id],
    "container not running",
  );
});

test("update warns of kernel memory and does the rest", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  await bundle.start();
  const { code, stderr } = await bundle.oci([
    "update",
    "--kernel-memory",
    "16M",
    "--pids-limit",
    "11",
    bundle.id,
  ]);
  assertEquals(code, 0);
  assertStringIncludes(stderr, "Kernel memory settings are ignored");
  assertEquals(await bundle.limit("pids.max", "pids.max"), "11");
});

test("a container that is to have no cgroups stays in its starter's", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    linux: { resources: { memory: { limit: 64 * MIB }, pids: { limit: 5 } } },
  });
  const without = ["--cgroup-manager", "disabled"];
  await bundle.spawn([...without, "run", "--detach", bundle.id]);
  const { pid } = JSON.parse(await bundle.must(["state", bundle.id]));
  assertEquals(
    await Deno.readTextFile(`/proc/${pid}/cgroup`),
    await Deno.readTextFile("/proc/self/cgroup"),
  );
  for (const group of bundle.groups()) {
    assertEquals(await exists(group), false, group);
  }
  const { code, stdout } = await bundle.exec("echo inside; exit 3");
  assertEquals([code, stdout], [3, "inside\n"]);
  await assertFails(bundle, ["pause", bundle.id], "cgroup");
  await bundle.must(["kill", bundle.id, "KILL"]);
  await untilStopped(bundle);
  await bundle.must(["delete", bundle.id]);
  await bundle.write({ linux: { namespaces: [{ type: "mount" }] } });
  await assertFails(
    bundle,
    [...without, "run", "--detach", bundle.id],
    "without a pid namespace and without cgroups",
  );
});

/** nsinit-oci where systemd makes the cgroups (`--systemd-cgroup`). */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { containerTests, type Workspace } from "../support/containers.ts";
import { mustRun, REPOSITORY, runProgram, waitFor } from "../support/nsinit.ts";
import { OCI_MOUNTS, ociNamespaces } from "../support/oci.ts";
import { type BundleChanges, OciBundle } from "../support/oci_program.ts";
import { SystemdUser } from "../support/user_systemd.ts";

const test = containerTests("ocisystemd");
const MIB = 1024 * 1024;
const UNIT_MS = 10_000;
const CGROUPS = "/sys/fs/cgroup";

/** A bundle whose container systemd holds, and its unit. */
interface Held {
  readonly bundle: OciBundle;
  readonly unit: string;
  /** Directory of its group, where that is of version 2. */
  readonly group: string;
}

/** Declares a test with a bundle for `machine.slice`. */
function systemdTest(
  name: string,
  changes: BundleChanges,
  body: (held: Held, workspace: Workspace) => Promise<void>,
): void {
  test(name, async (workspace) => {
    await using bundle = await OciBundle.make(workspace);
    const slice = "machine.slice";
    const cgroupsPath = `${slice}:oci:${bundle.id}`;
    await bundle.write({
      ...changes,
      linux: { ...changes.linux, cgroupsPath },
    });
    const unit = `oci-${bundle.id}.scope`;
    const group = `${CGROUPS}/${slice}/${unit}`;
    await body({ bundle, unit, group }, workspace);
  }, { needs: ["systemd", "cgroup-v2"] });
}

async function property(unit: string, name: string): Promise<string> {
  return (await mustRun(["systemctl", "show", "-P", name, unit])).trim();
}

async function read(path: string): Promise<string> {
  return (await Deno.readTextFile(path)).trim();
}

function systemd(...args: string[]): string[] {
  return ["--systemd-cgroup", ...args];
}

async function assertFails(
  bundle: OciBundle,
  args: readonly string[],
  words: string,
): Promise<void> {
  const { code, stderr } = await bundle.oci(args);
  assertEquals([args, code], [args, 1]);
  assertStringIncludes(stderr, words);
}

systemdTest(
  "a container lives in the scope that its cgroupsPath names, up to its end",
  {
    linux: {
      resources: {
        memory: { limit: 64 * MIB },
        cpu: { quota: 600_000, period: 900_000 },
        pids: { limit: 20 },
      },
    },
    rest: {
      annotations: { "org.systemd.property.TimeoutStopUSec": "uint64 5000000" },
    },
  },
  async ({ bundle, unit, group }) => {
    await bundle.spawn(systemd("create", bundle.id));
    const { pid, status } = JSON.parse(await bundle.must(["state", bundle.id]));
    assertEquals(status, "created");
    assertEquals(
      await read(`/proc/${pid}/cgroup`),
      `0::${group.slice(CGROUPS.length)}`,
    );
    assertEquals(await property(unit, "Slice"), "machine.slice");
    assertEquals(await property(unit, "TimeoutStopUSec"), "5s");
    // Whole percents of a CPU for systemd, as all runtimes, and in the kernel as well.
    assertEquals(await property(unit, "CPUQuotaPerSecUSec"), "670ms");
    assertEquals(await read(`${group}/cpu.max`), "603000 900000");
    assertEquals(await property(unit, "MemoryMax"), `${64 * MIB}`);
    await bundle.must(systemd("start", bundle.id));
    await bundle.must(systemd("pause", bundle.id));
    assertEquals(await read(`${group}/cgroup.freeze`), "1");
    await bundle.must(systemd("resume", bundle.id));
    await bundle.must(
      systemd("update", "--memory", "96M", "--pids-limit", "-1", bundle.id),
    );
    assertEquals(await property(unit, "MemoryMax"), `${96 * MIB}`);
    assertEquals(await read(`${group}/memory.max`), `${96 * MIB}`);
    assertEquals(await property(unit, "TasksMax"), "infinity");
    const { code } = await bundle.exec("exit 3");
    assertEquals(code, 3);
    await bundle.must(systemd("kill", bundle.id, "KILL"));
    await bundle.must(systemd("delete", "--force", bundle.id));
    await waitFor(
      `the end of ${unit}`,
      async () => await property(unit, "LoadState") === "not-found",
      UNIT_MS,
    );
    assertEquals(await Deno.lstat(group).catch(() => "gone"), "gone");
  },
);

systemdTest(
  "a second container in a scope is refused, and so is one in a frozen group",
  {},
  async ({ bundle, group }) => {
    await Deno.mkdir(group, { recursive: true });
    await Deno.writeTextFile(`${group}/cgroup.freeze`, "1");
    const words = "container's cgroup unexpectedly frozen";
    const run = systemd("run", "--detach", bundle.id);
    await assertFails(bundle, run, words);
    await assertFails(bundle, systemd("create", bundle.id), words);
    await Deno.remove(group);
    await bundle.spawn(run);
    const second = `${bundle.id}-second`;
    await assertFails(
      bundle,
      systemd("run", "--detach", second),
      "container's cgroup is not empty",
    );
    const { status } = JSON.parse(await bundle.must(["state", bundle.id]));
    assertEquals(status, "running");
  },
);

systemdTest(
  "a weight ends that a container is idle, unless both are asked for",
  { linux: { resources: { cpu: { shares: 1024 } } } },
  async ({ bundle, unit, group }) => {
    await bundle.spawn(systemd("run", "--detach", bundle.id));
    const update = async (...args: string[]): Promise<string> => {
      const all = systemd("update", ...args, bundle.id);
      const { code, stderr } = await bundle.oci(all);
      assertEquals([code, stderr.includes("level=error")], [0, false], stderr);
      return stderr;
    };
    const both = await update("--cpu-share", "200", "--cpu-idle", "1");
    assertStringIncludes(both, "unable to apply both");
    assertEquals(await read(`${group}/cpu.idle`), "1");
    assertEquals(await property(unit, "CPUWeight"), "idle");
    assertEquals(await update("--cpu-share", "2048"), "");
    assertEquals(await read(`${group}/cpu.idle`), "0");
    const weight = await read(`${group}/cpu.weight`);
    assert(Number(weight) > 100, weight);
    assertEquals(await property(unit, "CPUWeight"), weight);
  },
);

systemdTest(
  "limits by file name reach each device of a text of several lines",
  {},
  async ({ bundle, group }) => {
    const devices = (await read("/proc/partitions")).split("\n").slice(2, 4)
      .map((line) => line.trim().split(/\s+/).slice(0, 2).join(":"));
    const text = devices.map((name, at) => `${name} riops=${100 + at}`);
    await bundle.spawn(systemd("run", "--detach", bundle.id));
    const resources = { unified: { "io.max": `${text.join("\n")}\n` } };
    await bundle.must(
      systemd("update", "--resources", "-", bundle.id),
      { stdin: JSON.stringify(resources) },
    );
    const limits = await read(`${group}/io.max`);
    for (const [at, name] of devices.entries()) {
      assertStringIncludes(
        limits,
        `${name} rbps=max wbps=max riops=${100 + at}`,
      );
    }
    assertEquals(limits.split("\n").length, devices.length);
  },
);

systemdTest(
  "a unit that has failed is there to be looked at until its container is deleted",
  {
    rest: { annotations: { "org.systemd.property.RuntimeMaxSec": "1" } },
  },
  async ({ bundle, unit }) => {
    await bundle.spawn(systemd("run", "--detach", bundle.id));
    await waitFor(
      `the failure of ${unit}`,
      async () => await property(unit, "ActiveState") === "failed",
      UNIT_MS,
    );
    assertEquals(await property(unit, "Result"), "timeout");
    await bundle.must(systemd("delete", bundle.id));
    assertEquals(await property(unit, "LoadState"), "not-found");
  },
);

systemdTest(
  "a limit below what is in use is refused where the update says so",
  { linux: { resources: { memory: { limit: 64 * MIB } } } },
  async ({ bundle, group }) => {
    await bundle.spawn(systemd("run", "--detach", bundle.id));
    const update = systemd("update", "--resources", "-", bundle.id);
    for (const [swap, words] of [[0, "memory"], [2048, "memory+swap"]]) {
      const memory = { limit: 1024, swap, checkBeforeUpdate: true };
      const stdin = JSON.stringify({ memory });
      const { code, stderr } = await bundle.oci(update, { stdin });
      assertEquals(code, 1);
      assertStringIncludes(stderr, `rejecting ${words} limit`);
    }
    assertEquals(await read(`${group}/memory.max`), `${64 * MIB}`);
    const { status } = JSON.parse(await bundle.must(["state", bundle.id]));
    assertEquals(status, "running");
  },
);

test(
  "a cgroupsPath of another form is refused where systemd is to make the groups",
  async (workspace) => {
    await using bundle = await OciBundle.make(workspace);
    await assertFails(
      bundle,
      systemd("run", "--detach", bundle.id),
      "expected cgroupsPath to be of format",
    );
  },
);

test(
  "root of a user namespace has the user's own systemd make the groups",
  async (workspace) => {
    await using user = await SystemdUser.start();
    assert(user, "the machine knows no ordinary user");
    await using bundle = await OciBundle.make(workspace);
    const { uid } = user;
    await mustRun(["chown", "-R", `${uid}:${uid}`, bundle.dir]);
    await bundle.write({
      process: { user: { uid: 0, gid: 0 } },
      // Neither a hierarchy nor the network's files belong to the namespace.
      replacedMounts: OCI_MOUNTS.filter(({ type }) => type !== "sysfs"),
      linux: {
        namespaces: ociNamespaces("mount", "pid", "ipc", "uts", "cgroup"),
        cgroupsPath: `user.slice:oci:${bundle.id}`,
        resources: { memory: { limit: 64 * MIB } },
      },
    });
    const log = `${bundle.dir}/log`;
    const oci = async (...args: string[]): Promise<void> => {
      // Streams of the container are not to be those of this test.
      const command = ["sh", "-c", 'exec "$@" > /dev/null 2> "$0"', log];
      const { code } = await runProgram([
        ...[
          ...command,
          Deno.execPath(),
          "run",
          "-A",
          "--no-check",
          "--no-lock",
        ],
        ...[`${REPOSITORY}/oci.ts`, "--root", `${bundle.dir}/state`],
        ...systemd(...args),
      ], { cwd: bundle.dir, prefix: user.prefix, timeoutMs: 90_000 });
      assertEquals([args, code, await read(log)], [args, 0, ""]);
    };
    await oci("create", "--pid-file", `${bundle.dir}/pid`, bundle.id);
    const pid = await read(`${bundle.dir}/pid`);
    const group = `${user.group}/user.slice/oci-${bundle.id}.scope`;
    assertEquals(await read(`/proc/${pid}/cgroup`), `0::${group}`);
    assertEquals(await read(`${CGROUPS}${group}/memory.max`), `${64 * MIB}`);
    await oci("start", bundle.id);
    await oci("update", "--memory", "96M", bundle.id);
    assertEquals(await read(`${CGROUPS}${group}/memory.max`), `${96 * MIB}`);
    await oci("delete", "--force", bundle.id);
    assertEquals(await Deno.lstat(CGROUPS + group).catch(() => "gone"), "gone");
  },
  { needs: ["systemd", "cgroup-v2"] },
);

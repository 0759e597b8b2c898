/**
 * Attributes of processes, read back from the kernel, of first and of joined
 * ones.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
} from "@std/assert";
import { closeFd, waitPidfd } from "../../ffi/native.ts";
import type { Config } from "../../lib/config/types.ts";
import { joinContainer } from "../../lib/container/join.ts";
import { KernelError } from "../../lib/errors.ts";
import { probeHost } from "../../lib/host/probe.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import {
  attachToFiles,
  InProcess,
  processRequest,
  readConfig,
} from "../support/in_process.ts";
import { compilePayload } from "../support/payload.ts";
import { fileExists } from "../support/process_status.ts";

const test = containerTests("attributes");
const DAY = 86_400;

/** Runs a script as first process, and the same as a joined one; gives both outputs. */
async function runBoth(
  workspace: Workspace,
  changes: Partial<Config>,
  script: string,
): Promise<string[]> {
  const config = { ...await readConfig(workspace), ...changes };
  await using container = await InProcess.start(workspace, {
    config,
    args: `${script}; echo done; sleep 100`,
  });
  await container.waitForOutput("done\n");
  const outputs = await workspace.newDirectory();
  const run = await joinContainer(
    container.state,
    processRequest(`${script}; echo done`),
    attachToFiles(outputs),
  );
  const pidfd = run.takePidfd();
  assertEquals(waitPidfd(pidfd).code, 0);
  closeFd(pidfd);
  run.close();
  const joined = await Deno.readTextFile(`${outputs}/out`);
  return [container.stdout, joined].map((text) => text.replace("done\n", ""));
}

/** As {@linkcode runBoth}, with a small C program that stands in the root meanwhile. */
async function runBothOf(
  workspace: Workspace,
  changes: Partial<Config>,
  source: string,
): Promise<string[]> {
  const path = `${workspace.rootfs}/bin/payload`;
  await compilePayload(path, source);
  try {
    return await runBoth(workspace, changes, "/bin/payload");
  } finally {
    await Deno.remove(path);
  }
}

/** Field of /proc/PID/stat by its number in proc(5). */
function statField(stat: string, number: number): number {
  return Number(stat.slice(stat.lastIndexOf(") ") + 2).split(" ")[number - 3]);
}

test("the file mode mask is the configuration's, 022 without one", async (workspace) => {
  assertEquals(await runBoth(workspace, { umask: 0o077 }, "umask"), [
    "0077\n",
    "0077\n",
  ]);
  assertEquals(await runBoth(workspace, {}, "umask"), ["0022\n", "0022\n"]);
});

test("the personality is LINUX32 where that is asked for", async (workspace) => {
  const personality = { domain: "LINUX32" } as const;
  const script = "cat /proc/self/personality";
  assertEquals(await runBoth(workspace, { personality }, script), [
    "00000008\n",
    "00000008\n",
  ]);
});

test("the domain name is the container's own", async (workspace) => {
  const host = await Deno.readTextFile("/proc/sys/kernel/domainname");
  const script = "cat /proc/sys/kernel/domainname";
  assertEquals(await runBoth(workspace, { domainname: "inside" }, script), [
    "inside\n",
    "inside\n",
  ]);
  assertEquals(await Deno.readTextFile("/proc/sys/kernel/domainname"), host);
});

test("the OOM score is that of the configuration", async (workspace) => {
  const script = "cat /proc/self/oom_score_adj";
  assertEquals(await runBoth(workspace, { oomScoreAdj: 321 }, script), [
    "321\n",
    "321\n",
  ]);
});

test("the OOM score is set in new user and cgroup namespaces together", async (workspace) => {
  const config = await readConfig(workspace);
  const mapping = [{ containerId: 0, hostId: 0, size: 65536 }];
  const changes = {
    oomScoreAdj: 322,
    namespaces: [
      ...config.namespaces,
      { type: "NEWUSER" },
      { type: "NEWCGROUP" },
    ],
    uidMappings: mapping,
    gidMappings: mapping,
  } as const;
  const script = "cat /proc/self/oom_score_adj; sed s/.*:// /proc/self/cgroup";
  for (const output of await runBoth(workspace, changes, script)) {
    assertEquals([...new Set(output.split("\n"))], ["322", "/", ""]);
  }
});

test("no_new_privs is set where that is asked for", async (workspace) => {
  const script = "grep NoNewPrivs /proc/self/status";
  assertEquals(await runBoth(workspace, { noNewPrivileges: true }, script), [
    "NoNewPrivs:\t1\n",
    "NoNewPrivs:\t1\n",
  ]);
});

test("ambient capabilities reach a program of a user", async (workspace) => {
  const sets = ["NET_BIND_SERVICE"] as const;
  const capabilities = {
    bounding: sets,
    effective: sets,
    permitted: sets,
    inheritable: sets,
    ambient: sets,
  };
  const changes = { capabilities, process: { user: "daemon" } } as const;
  const script = "grep -E 'Cap(Eff|Amb)' /proc/self/status";
  for (const output of await runBoth(workspace, changes, script)) {
    const mask = "0000000000000400";
    assertEquals(output, `CapEff:\t${mask}\nCapAmb:\t${mask}\n`);
  }
});

for (
  const [name, policy, fields] of [
    ["SCHED_BATCH", 3, { nice: 7 }],
    ["SCHED_OTHER", 0, { nice: -5 }],
    ["SCHED_IDLE", 5, {}],
  ] as const
) {
  test(`the scheduling policy ${name} is kept over exec`, async (workspace) => {
    const scheduler = { policy: name, ...fields };
    const outputs = await runBoth(
      workspace,
      { scheduler, capabilities: [] },
      "cat /proc/self/stat",
    );
    for (const stat of outputs) {
      assertEquals(statField(stat, 41), policy);
      assertEquals(statField(stat, 19), "nice" in fields ? fields.nice : 0);
    }
  });
}

test("a deadline is kept over exec, and without the right to fork", async (workspace) => {
  const scheduler = {
    policy: "SCHED_DEADLINE",
    runtime: 2_000_000,
    deadline: 30_000_000,
    period: 40_000_000,
  } as const;
  const config = { ...await readConfig(workspace), scheduler };
  await using container = await InProcess.start(workspace, {
    config,
    args: ["/bin/cat", "/proc/self/stat"],
  });
  const { code, stdout } = await container.ended();
  assertEquals([code, statField(stdout, 41)], [0, 6]);
});

test("what children get is reset on fork where that is asked for", async (workspace) => {
  const scheduler = {
    policy: "SCHED_OTHER",
    nice: -9,
    flags: ["SCHED_FLAG_RESET_ON_FORK"],
  } as const;
  const script = "cat /proc/$$/stat; cat /proc/self/stat";
  for (const output of await runBoth(workspace, { scheduler }, script)) {
    const nice = output.trim().split("\n").map((line) => statField(line, 19));
    assertEquals(nice, [-9, 0]);
  }
});

test("a real-time policy is set, or refused with what is missing", async (workspace) => {
  const scheduler = { policy: "SCHED_RR", priority: 9 } as const;
  const config = { ...await readConfig(workspace), scheduler };
  const start = InProcess.start(workspace, {
    config,
    args: ["/bin/cat", "/proc/self/stat"],
  });
  const cpu = probeHost().cgroup.hierarchies.find((each) =>
    each.version === 1 && each.controllers.includes("cpu")
  );
  if (cpu && fileExists(`${cpu.mount}/cpu.rt_runtime_us`)) {
    // A new group has no real-time time of its own.
    const error = await start.then(() => undefined, (reason) => reason);
    assertInstanceOf(error, KernelError);
    assertStringIncludes(error.message, "cgroups.cpuRtRuntime");
    return;
  }
  await using container = await start;
  const { stdout } = await container.ended();
  assertEquals([statField(stdout, 40), statField(stdout, 41)], [9, 2]);
});

test("processes run on their final CPUs", async (workspace) => {
  const script = "grep Cpus_allowed_list /proc/self/status";
  const last = navigator.hardwareConcurrency - 1;
  const changes = { cpuAffinity: { initial: "0", final: `${last}` } };
  assertEquals(await runBoth(workspace, changes, script), [
    `Cpus_allowed_list:\t${last}\n`,
    `Cpus_allowed_list:\t${last}\n`,
  ]);
});

test("initial CPUs are only those of the set-up", async (workspace) => {
  const script = "grep Cpus_allowed_list /proc/self/status";
  const [all] = await runBoth(workspace, {}, script);
  const changes = { cpuAffinity: { initial: "0" } };
  assertEquals(await runBoth(workspace, changes, script), [all, all]);
});

test("CPUs that are not there are refused", async (workspace) => {
  const config = {
    ...await readConfig(workspace),
    cpuAffinity: { final: "8000" },
  };
  const error = await InProcess.start(workspace, { config, args: "true" })
    .then(() => undefined, (reason) => reason);
  assertInstanceOf(error, KernelError);
  assertStringIncludes(error.message, "CPUs 8000");
});

test("the IO priority is that of the configuration", async (workspace) => {
  const source =
    `int main(void) { printf("%ld\\n", syscall(SYS_ioprio_get, 1, 0)); return 0; }`;
  for (
    const [name, number] of [
      ["IOPRIO_CLASS_RT", 1],
      ["IOPRIO_CLASS_BE", 2],
      ["IOPRIO_CLASS_IDLE", 3],
    ] as const
  ) {
    const ioPriority = { class: name, priority: 5 };
    const changes = { ioPriority, capabilities: [] };
    const wanted = `${number << 13 | 5}\n`;
    assertEquals(await runBothOf(workspace, changes, source), [
      wanted,
      wanted,
    ]);
  }
});

/** Seconds since boot, as a text of /proc/uptime has them. */
function uptime(text: string): number {
  return Number(text.split(" ")[0]);
}

test("clocks of a time namespace have their offsets", async (workspace) => {
  const { namespaces } = await readConfig(workspace);
  const changes: Partial<Config> = {
    namespaces: [...namespaces, { type: "NEWTIME" }],
    timeOffsets: {
      monotonic: { secs: 7 * DAY, nanosecs: 0 },
      boottime: { secs: 30 * DAY, nanosecs: 500_000_000 },
    },
  };
  const script = "cat /proc/uptime; cat /proc/self/timens_offsets";
  for (const output of await runBoth(workspace, changes, script)) {
    const shift = uptime(output) -
      uptime(await Deno.readTextFile("/proc/uptime"));
    assert(Math.abs(shift - 30 * DAY) < 60, `shifted by ${shift} s`);
    assert(/monotonic +604800 +0\n/.test(output), output);
    assert(/boottime +2592000 +500000000\n/.test(output), output);
  }
});

test("a time namespace needs no offsets and belongs to a new user namespace", async (workspace) => {
  const { namespaces } = await readConfig(workspace);
  const mapping = [{ containerId: 0, hostId: 100_000, size: 65536 }];
  const changes: Partial<Config> = {
    namespaces: [...namespaces, { type: "NEWTIME" }, { type: "NEWUSER" }],
    uidMappings: mapping,
    gidMappings: mapping,
  };
  const script =
    "readlink -f /proc/self/ns/time; cat /proc/self/timens_offsets";
  const [first, joined] = await runBoth(workspace, changes, script);
  assertEquals(first, joined);
  const host = await Deno.readLink("/proc/self/ns/time");
  assert(!first?.includes(host), first);
});

test("a clock before 0 is refused", async (workspace) => {
  const config = await readConfig(workspace);
  const error = await InProcess.start(workspace, {
    config: {
      ...config,
      namespaces: [...config.namespaces, { type: "NEWTIME" }],
      timeOffsets: { boottime: { secs: -1e9, nanosecs: 0 } },
    },
    args: "true",
  }).then(() => undefined, (reason) => reason);
  assertInstanceOf(error, KernelError);
  assertStringIncludes(error.message, "correct timeOffsets");
});

const KEYRING = `
int main(void)
{
	char text[512] = "";
	long id = syscall(SYS_keyctl, 0, -3, 0); /* KEYCTL_GET_KEYRING_ID, session */

	syscall(SYS_keyctl, 6, id, text, sizeof(text)); /* KEYCTL_DESCRIBE */
	printf("%ld %s\\n", id, text);
	return 0;
}
`;

test("all processes of a container share a keyring of their own", async (workspace) => {
  const [first, joined] = await runBothOf(workspace, {}, KEYRING);
  const [other] = await runBothOf(workspace, {}, KEYRING);
  assertStringIncludes(first ?? "", "nsinit:");
  assertEquals(first, joined);
  assert(other !== first, "two containers share it");
});

test("the caller's keyring is kept where that is asked for", async (workspace) => {
  const own = await compilePayload(`${workspace.dir}/keyring`, KEYRING);
  const { stdout } = await new Deno.Command(own).output();
  const session = new TextDecoder().decode(stdout);
  const changes = { noNewKeyring: true };
  const [first, joined] = await runBothOf(workspace, changes, KEYRING);
  assertEquals([first, joined], [session, session]);
});

/** Kubernetes' container runtime interface: containerd runs pods with a runtime class. */
import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { criTests, NAMESPACES } from "../support/cri.ts";

const test = criTests("cri");

const LIVE =
  "trap 'echo bye; exit 7' TERM; echo ready; while :; do sleep 0.1; done";

test("a pod's container is made, started, asked, changed, stopped and removed", async (cri) => {
  const pod = await cri.pod();
  const resources = {
    cpu_quota: 50_000,
    cpu_period: 100_000,
    oom_score_adj: 500,
  };
  const id = await cri.create(pod, LIVE, { resources });
  assertEquals((await cri.status(id)).state ?? 0, 0);
  await cri.call("StartContainer", { container_id: id });
  assertEquals((await cri.status(id)).state, 1);

  const script = "hostname; cat /proc/1/oom_score_adj; echo e >&2; exit 5";
  const { id: sandbox, config } = pod;
  assertEquals(await cri.exec(id, "/bin/sh", "-c", script), {
    stdout: `${config["hostname"]}\n500\n`,
    stderr: "e\n",
    code: 5,
  });
  const { stats } = await cri.call("ContainerStats", { container_id: id });
  assert(stats.cpu.usage_core_nano_seconds.value > 0);
  const all = await cri.call("ListPodSandboxStats", {});
  assertEquals(all.stats[0].linux.containers.length, 1);
  assert(all.stats[0].linux.process.process_count.value >= 2);
  await cri.call("UpdateContainerResources", {
    container_id: id,
    linux: { cpu_quota: 20_000, cpu_period: 100_000 },
  });

  await cri.call("StopContainer", { container_id: id, timeout: 30 });
  assertEquals(await cri.ended(id), {
    code: 7,
    reason: "Error",
    log: ["stdout ready", "stdout bye"],
  });
  await cri.call("RemoveContainer", { container_id: id });
  await cri.call("StopPodSandbox", { pod_sandbox_id: sandbox });
  const ask = { pod_sandbox_id: sandbox };
  assertEquals((await cri.call("PodSandboxStatus", ask)).status.state, 1);
});

test(
  "limits of memory are set and changed, and who exceeds them is OOMKilled",
  async (cri) => {
    const pod = await cri.pod();
    const limit = (mib: number) => ({ memory_limit_in_bytes: mib << 20 });
    const id = await cri.start(pod, LIVE, { resources: limit(64) });
    const read = [
      "cat",
      "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    ] as const;
    assertEquals((await cri.exec(id, ...read)).stdout, `${64 << 20}\n`);
    const change = { container_id: id, linux: limit(32) };
    await cri.call("UpdateContainerResources", change);
    assertEquals((await cri.exec(id, ...read)).stdout, `${32 << 20}\n`);
    const { stats } = await cri.call("ContainerStats", { container_id: id });
    assert(stats.memory.working_set_bytes.value > 0);

    const { code, reason } = await cri.once(
      pod,
      "x=a; while :; do x=$x$x; done",
      { resources: limit(16) },
    );
    assertEquals({ code, reason }, { code: 137, reason: "OOMKilled" });
  },
  ["memory-cgroup", "cgroup-v1"],
);

test("a container that does not heed its grace is killed", async (cri) => {
  const pod = await cri.pod();
  const script = "trap '' TERM; echo ready; while :; do sleep 0.1; done";
  const id = await cri.start(pod, script);
  await cri.call("StopContainer", { container_id: id, timeout: 1 });
  const { code, reason } = await cri.ended(id);
  assertEquals({ code, reason }, { code: 137, reason: "Error" });
});

test("failures are told in the words that Kubernetes shows", async (cri) => {
  const pod = await cri.pod();
  const id = await cri.start(pod, LIVE);
  await assertRejects(
    () => cri.exec(id, "no-such-program"),
    Error,
    'exec: "no-such-program": executable file not found in $PATH',
  );
  await assertRejects(
    () => cri.start(pod, "", { more: { command: ["/no/such"] } }),
    Error,
    'exec: "/no/such": stat /no/such: no such file or directory',
  );
});

test("exec and attach have terminals of the asked size", async (cri) => {
  const pod = await cri.pod();
  const id = await cri.start(pod, LIVE);
  const request = { container_id: id, tty: true, stdin: true, stdout: true };
  await using shell = await cri.stream(
    "Exec",
    { ...request, cmd: ["/bin/sh"] },
    101,
    33,
  );
  await shell.waitForOutput("# ", 30_000);
  await shell.write("sleep 0.3; stty size; tty; exit 6\r");
  const { code, stdout } = await shell.result();
  assertEquals(code, 6);
  assertMatch(stdout, /\r\n33 101\r\n\/dev\/pts\/\d+\r\n$/);

  const terminal = { more: { tty: true, stdin: true } };
  const screen = await cri.start(pod, "read line; stty size; exit 9", terminal);
  await using attached = await cri.stream(
    "Attach",
    { ...request, container_id: screen },
    90,
    20,
  );
  await attached.write("\r");
  assertEquals((await cri.ended(screen)).code, 9);
  assertMatch((await attached.result()).stdout, /^20 90\r$/m);
});

test("what a container may do is what its security context says", async (cri) => {
  const pod = await cri.pod();
  const once = async (script: string, security: Record<string, unknown>) =>
    (await cri.once(pod, script, { security })).log.map((line) =>
      line.replace(/^stdout /, "")
    );
  const field = (name: string) =>
    `grep -E '^${name}:' /proc/self/status | tr -s '\\t' ' '`;

  const user = {
    run_as_user: { value: 4242 },
    run_as_group: { value: 4243 },
    supplemental_groups: [7],
  };
  const names = "uid=4242 gid=4243 groups=7,4243";
  assertEquals(await once(`id; ${field("CapEff")}`, user), [
    names,
    "CapEff: 0000000000000000",
  ]);
  assertEquals(
    await once(
      "touch /x 2>/dev/null || echo no; touch /dev/shm/x && echo yes",
      {
        readonly_rootfs: true,
      },
    ),
    ["no", "yes"],
  );
  const capabilities = {
    add_capabilities: ["NET_ADMIN"],
    drop_capabilities: ["ALL"],
  };
  assertEquals(await once(field("CapBnd"), { capabilities }), [
    "CapBnd: 0000000000001000",
  ]);
  const seccomp = { profile_type: 0 };
  assertEquals(
    await once(field("(NoNewPrivs|Seccomp)"), { seccomp, no_new_privs: true }),
    ["NoNewPrivs: 1", "Seccomp: 2"],
  );
  const paths = {
    masked_paths: ["/proc/cmdline"],
    readonly_paths: ["/proc/sys"],
  };
  assertEquals(
    await once(
      "wc -c < /proc/cmdline; (echo 1 > /proc/sys/kernel/panic) 2>/dev/null || echo no",
      paths,
    ),
    ["0", "no"],
  );
});

test("a privileged pod has all capabilities and devices, and rules its groups", async (cri) => {
  const security = { privileged: true };
  const pod = await cri.pod({ security });
  const script = `
grep CapBnd /proc/1/status | tr -s '\\t' ' '
mkdir /m && mount -t tmpfs t /m && echo mounted
cd /sys/fs/cgroup
[ -d devices ] || exit 0
mkdir devices/inner && echo a > devices/inner/devices.deny && cat devices/inner/devices.list
rmdir devices/inner`;
  const bounds = await Deno.readTextFile("/proc/self/status");
  const [, all] = /^CapBnd:\s*(\w+)$/m.exec(bounds) ?? [];
  const { log } = await cri.once(pod, script, { security });
  assertEquals(log, [`stdout CapBnd: ${all}`, "stdout mounted"]);
});

test("containers share the namespaces that they are to share", async (cri) => {
  const shared = { namespace_options: { pid: NAMESPACES.pod } };
  const pod = await cri.pod({ security: shared });
  const first = await cri.start(pod, LIVE, { security: shared });
  const second = await cri.start(pod, LIVE, { security: shared });
  const { stdout } = await cri.exec(
    second,
    ...["/bin/sh", "-c", "grep -c trap /proc/[0-9]*/cmdline | grep -c ':1$'"],
  );
  assert(Number(stdout) >= 3, stdout);
  await cri.call("StopContainer", { container_id: first, timeout: 30 });
  assertEquals((await cri.ended(first)).code, 7);
  assertEquals((await cri.status(second)).state, 1);

  const target = { pid: NAMESPACES.target, target_id: second };
  const debug = await cri.once(pod, "readlink /proc/1/ns/pid | wc -l; ps", {
    security: { namespace_options: target },
  });
  assertMatch(debug.log.join("\n"), /echo ready/);
});

test("a pod on the node's network, with the node's processes", async (cri) => {
  const { node } = NAMESPACES;
  const namespaces = { network: node, pid: node, ipc: node };
  const security = { namespace_options: namespaces };
  const pod = await cri.pod({ security, more: { hostname: "" } });
  const { log } = await cri.once(pod, "ps | grep -c '[c]ontainerd --config'", {
    security,
  });
  assertEquals(log, ["stdout 1"]);
});

test("the network of a pod has its address and parameters", async (cri) => {
  const range = { "net.ipv4.ip_local_port_range": "2000 65000" };
  const parent = `/${cri.containerd.tag}/sysctls`;
  const pod = await cri.pod({
    more: { linux: { cgroup_parent: parent, sysctls: range } },
  });
  const status = await cri.call("PodSandboxStatus", { pod_sandbox_id: pod.id });
  const { log } = await cri.once(
    pod,
    "cat /proc/sys/net/ipv4/ip_local_port_range; ip addr show eth0 | grep -o 'inet [0-9.]*'",
  );
  assertEquals(log, [
    "stdout 2000\t65000",
    `stdout inet ${status.status.network.ip}`,
  ]);
});

test("many containers and probes of a pod at once", async (cri) => {
  const pod = await cri.pod();
  const numbers = [1, 2, 3, 4];
  const ids = await Promise.all(
    numbers.map((number) => cri.create(pod, `exit ${number}`)),
  );
  await Promise.all(
    ids.map((id) => cri.call("StartContainer", { container_id: id })),
  );
  const ends = await Promise.all(ids.map((id) => cri.ended(id)));
  assertEquals(ends.map(({ code }) => code), numbers);
  const id = await cri.start(pod, LIVE);
  const probes = await Promise.all(
    numbers.map((number) => cri.exec(id, "/bin/sh", "-c", `exit ${number}`)),
  );
  assertEquals(probes.map(({ code }) => code), numbers);
});

test("containerd begins anew while a pod lives", async (cri) => {
  const pod = await cri.pod();
  const id = await cri.start(pod, LIVE);
  await cri.restart();
  assertEquals((await cri.status(id)).state, 1);
  assertEquals((await cri.exec(id, "/bin/echo", "still")).stdout, "still\n");
  await cri.call("StopContainer", { container_id: id, timeout: 30 });
  assertEquals((await cri.ended(id)).code, 7);
});

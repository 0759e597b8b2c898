/**
 * What is written as a config.json and read again makes the same Plan.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { OCI_ALLOWED_DEVICES } from "../../../lib/config/dialects/oci_devices.ts";
import { defaultDevices } from "../../../lib/config/defaults.ts";
import { formatConfig } from "../../../lib/config/format.ts";
import { parseConfig } from "../../../lib/config/parse.ts";
import type { Cgroup, Config, Mount } from "../../../lib/config/types.ts";
import type { Plan } from "../../../lib/plan/ops.ts";
import { buildStartPlan } from "../../../lib/plan/start.ts";
import { adaptSample, loadSamples } from "../../support/samples.ts";
import { HOST_V1, PLACEMENT, PROCESS } from "../plan/support.ts";

const HOST = {
  ...HOST_V1,
  kernel: [6, 1],
  apparmor: true,
  selinux: true,
} as const;
const FIXTURES = new URL("../../fixtures/oci/config/good/", import.meta.url)
  .pathname;

/** Rules in their order, with those that every OCI runtime adds. */
function withOciRules(cgroups: Cgroup): Cgroup {
  if (cgroups.allowAllDevices) return cgroups;
  const allowedDevices = [
    ...cgroups.allowedDevices ?? [],
    ...OCI_ALLOWED_DEVICES,
  ];
  return { ...cgroups, allowedDevices };
}

function carriedMount(mount: Mount): Mount {
  const { premountCmds: _1, postmountCmds: _2, ...rest } = mount;
  return { ...rest, relabel: "" };
}

/** A configuration without what the writer says that it leaves out. */
function carried(config: Config): Config {
  const { routes: _1, parentDeathSignal: _2, noPivotRoot: _3, ...rest } =
    config;
  const isOwn = config.namespaces.some(({ type, path }) =>
    type === "NEWNET" && path === undefined
  );
  const [loopback] = (config.networks ?? []).filter(({ type }) =>
    type === "loopback"
  );
  assert(!isOwn || loopback !== undefined || config.dialect !== "D");
  return {
    ...rest,
    mounts: config.mounts.map(carriedMount),
    devices: config.devices.length === 0 ? defaultDevices : config.devices,
    ...config.networks && { networks: loopback ? [loopback] : [] },
    ...config.cgroups && { cgroups: withOciRules(config.cgroups) },
  };
}

function planOf(config: Config): Plan {
  const placement = {
    ...PLACEMENT,
    ...config.seccomp && { filter: { flags: 0, program: new Uint8Array(8) } },
  };
  return buildStartPlan(config, PROCESS, HOST, placement).plan;
}

async function throughOci(config: Config): Promise<Config> {
  const path = "/bundle/config.json";
  return await parseConfig(formatConfig(config, "oci"), { path });
}

/** Without what OCI orders of itself: loopback in every network namespace, a working directory that is made. */
function withoutOrders({ parent, child, undo }: Plan): Plan {
  const rest = child.filter((operation) =>
    operation.op !== "net.loopback" &&
    !(operation.op === "cwd.enter" && operation.flags === 1)
  );
  return { parent, child: rest, undo };
}

for (const { name, text } of loadSamples()) {
  Deno.test(`${name} makes the same Plan as a config.json`, async () => {
    const config = await parseConfig(adaptSample(text, "/srv/root", "/srv"), {
      path: "/srv/container.json",
    });
    const again = await throughOci(config);
    assertEquals(again.dialect, "OCI");
    assertEquals(
      withoutOrders(planOf(again)),
      withoutOrders(planOf(carried(config))),
    );
  });
}

Deno.test("an OCI file is written and read without any change", async () => {
  const text = await Deno.readTextFile(`${FIXTURES}spec-example.json`);
  const path = "/bundle/config.json";
  const config = await parseConfig(text, { path });
  assertEquals(await throughOci(config), config);
});

Deno.test("later members are written and read without any change", async () => {
  const mappings = [{ containerID: 0, hostID: 100000, size: 65536 }];
  const text = JSON.stringify({
    ociVersion: "1.3.0",
    root: { path: "/srv/root" },
    domainname: "example",
    process: {
      cwd: "/work",
      args: ["/bin/sh", "-c", "true"],
      env: ["A=b"],
      terminal: true,
      consoleSize: { height: 25, width: 80 },
      user: { uid: 5, gid: 6, umask: 63, additionalGids: [7] },
      scheduler: { policy: "SCHED_BATCH", nice: 5 },
      ioPriority: { class: "IOPRIO_CLASS_BE", priority: 4 },
      execCPUAffinity: { initial: "0", final: "0-1" },
      oomScoreAdj: 10,
    },
    mounts: [
      { destination: "/proc", type: "proc", source: "proc" },
      {
        destination: "/a",
        type: "bind",
        source: "/host/a",
        options: ["rbind", "ro", "rnosuid", "rdev", "rslave", "ridmap"],
        uidMappings: mappings,
        gidMappings: mappings,
      },
      {
        destination: "/b",
        type: "bind",
        source: "/host/b",
        options: ["bind", "rw", "exec", "private"],
      },
      {
        destination: "/c",
        type: "tmpfs",
        source: "tmpfs",
        options: ["tmpcopyup", "size=1m", "rro"],
      },
      { destination: "/c", options: ["remount", "ro", "bind"] },
      {
        destination: "/d",
        type: "overlay",
        source: "overlay",
        options: ["lowerdir=/x", "sync"],
      },
    ],
    annotations: { a: "b=c" },
    linux: {
      namespaces: [
        { type: "mount" },
        { type: "uts" },
        { type: "network", path: "/run/netns/x" },
        { type: "user" },
        { type: "time" },
      ],
      uidMappings: mappings,
      gidMappings: mappings,
      rootfsPropagation: "rprivate",
      cgroupsPath: "/a/b",
      resources: {
        unified: { "memory.high": "5000" },
        rdma: { mlx5_1: { hcaHandles: 3, hcaObjects: 4 } },
        devices: [
          { allow: true, access: "rwm" },
          { allow: false, type: "b", major: 8, access: "w" },
        ],
        pids: { limit: -1 },
        cpu: { idle: 1, shares: 512, mems: "0" },
      },
      timeOffsets: { monotonic: { secs: -5, nanosecs: 7 } },
      personality: { domain: "LINUX32" },
      memoryPolicy: {
        mode: "MPOL_BIND",
        nodes: "0",
        flags: ["MPOL_F_STATIC_NODES"],
      },
      netDevices: { eth1: { name: "eth0" }, Eth1: {} },
      intelRdt: { closID: "a", schemata: ["L3:0=f"], enableMonitoring: true },
      seccomp: {
        defaultAction: "SCMP_ACT_ERRNO",
        defaultErrnoRet: 38,
        architectures: ["SCMP_ARCH_X86_64"],
        flags: ["SECCOMP_FILTER_FLAG_LOG"],
        listenerPath: "/run/s",
        listenerMetadata: "m",
        syscalls: [{
          names: ["read", "no_such_call"],
          action: "SCMP_ACT_ALLOW",
          args: [{ index: 0, value: 7, valueTwo: 5, op: "SCMP_CMP_MASKED_EQ" }],
        }],
      },
    },
  });
  const config = await parseConfig(text, { path: "/bundle/config.json" });
  const again = await throughOci(config);
  assertEquals(again, config);
  assertEquals(config.netDevices, [
    { device: "eth1", name: "eth0" },
    { device: "Eth1" },
  ]);
  assertEquals(config.process?.consoleSize, { height: 25, width: 80 });
});

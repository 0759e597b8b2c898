/**
 * Containers whose Plans hold, taken together, every operation.
 *
 * @module
 */
import { hostRootConfig } from "../../lib/config/host_root.ts";
import { HOOK_KINDS } from "../../lib/config/sections/hooks.ts";
import type { Config, Mount, Network } from "../../lib/config/types.ts";
import { probeHost } from "../../lib/host/probe.ts";
import type { Workspace } from "./containers.ts";
import { type InProcessRequest, readConfig } from "./in_process.ts";
import { mustRun } from "./nsinit.ts";
import { makeTestRootfs } from "./rootfs.ts";

const TRUE = { path: "/bin/true", args: [], env: [], dir: "" } as const;
const BIND_READONLY = 4096 | 16384 | 1;
const FIRST_ID = 100_000;

function tmpfs(destination: string): Mount {
  return {
    device: "tmpfs",
    source: "tmpfs",
    destination,
    flags: 14,
    data: "size=1m",
    relabel: "",
  };
}

/** One mount of each kind besides the system's, with commands around one. */
function furtherMounts(source: string): Mount[] {
  return [
    { ...tmpfs("/tmp"), premountCmds: [TRUE], postmountCmds: [TRUE] },
    {
      device: "bind",
      source,
      destination: "/mnt",
      flags: BIND_READONLY,
      data: "",
      relabel: "",
    },
    {
      device: "cgroup",
      source: "cgroup",
      destination: "/sys/fs/cgroup",
      flags: 15,
      data: "",
      relabel: "",
    },
    { ...tmpfs("/home"), tmpcopyup: true },
    {
      device: "bind",
      source,
      destination: "/srv",
      flags: BIND_READONLY,
      data: "",
      relabel: "",
      recursive: { set: 2, clear: 0 },
    },
    { ...tmpfs("/srv"), flags: 2, data: "", remount: true },
  ];
}

function veth(name: string, bridge: string, octet: number): Network {
  return {
    type: "veth",
    name,
    bridge,
    macAddress: "",
    address: `10.77.${octet}.2/24`,
    gateway: octet === 1 ? "10.77.1.1" : "",
    ipv6Address: `fd77:${octet}::2/64`,
    ipv6Gateway: "",
    mtu: 1400,
    txqueuelen: 100,
    hostInterfaceName: "",
    vethPrefix: "vf",
    hairpinMode: true,
  };
}

/** Everything that concerns the process itself. */
function furtherSettings(config: Config): Config {
  return {
    ...config,
    domainname: "example",
    // In force everywhere where there is AppArmor, without a profile of ours.
    ...(probeHost().apparmor ? { apparmorProfile: "unconfined" } : {}),
    rlimits: [{ type: 7, soft: 512, hard: 512 }],
    oomScoreAdj: 100,
    umask: 0o027,
    scheduler: { policy: "SCHED_BATCH", nice: 1 },
    ioPriority: { class: "IOPRIO_CLASS_BE", priority: 7 },
    cpuAffinity: { initial: "0", final: "0" },
    personality: { domain: "LINUX" },
    memoryPolicy: { mode: "MPOL_LOCAL" },
    hooks: Object.fromEntries(
      HOOK_KINDS.map((kind) => [kind, [{ path: "/bin/true" }]]),
    ),
    additionalGroups: ["audio"],
    parentDeathSignal: 9,
    sysctl: { "kernel.shmmni": "100" },
    seccomp: {
      defaultAction: "SCMP_ACT_ALLOW",
      architectures: [],
      syscalls: [{
        name: "acct",
        action: "SCMP_ACT_ERRNO",
        errnoRet: 1,
        args: [],
      }],
    },
    devices: [...config.devices, {
      type: "p",
      path: "/dev/fifo",
      major: 0,
      minor: 0,
      permissions: "rwm",
      fileMode: 0o600,
      uid: 0,
      gid: 0,
    }],
  };
}

async function ownRootfs(workspace: Workspace): Promise<string> {
  const rootfs = await makeTestRootfs(
    `${workspace.dir}/${workspace.newName()}`,
  );
  await Deno.mkdir(`${rootfs}/mnt`);
  return await Deno.realPath(rootfs);
}

/** A directory to bind, with places for more. */
async function mountSource(workspace: Workspace): Promise<string> {
  const dir = await workspace.newDirectory();
  for (const name of ["own", "other"]) await Deno.mkdir(`${dir}/${name}`);
  return dir;
}

const OTHER_IDS = { containerId: 0, hostId: FIRST_ID + 7, size: 10 };

/** Id-mapped binds: as the container's own ids, and as others. */
function mappedMounts(source: string): Mount[] {
  const bind = {
    device: "bind",
    source,
    flags: BIND_READONLY,
    data: "",
    relabel: "",
  } as const;
  return [
    { ...bind, destination: "/mnt/own", idmap: {} },
    {
      ...bind,
      destination: "/mnt/other",
      idmap: {
        uidMappings: [OTHER_IDS],
        gidMappings: [OTHER_IDS],
        recursive: true,
      },
    },
  ];
}

/** Binds what a mount before shows, in a root of the host. */
function shownAgain(
  rootfs: string,
  target: string,
  changes: Pick<Mount, "idmap"> = {},
): Mount {
  return {
    device: "bind",
    source: `${rootfs}${target}`,
    destination: "/tmp/again",
    flags: BIND_READONLY,
    data: "",
    relabel: "",
    ...changes,
  };
}

/** A root of its own in the host's mounts, as OCI has it. */
export async function placedPlan(
  workspace: Workspace,
): Promise<InProcessRequest> {
  const config = await readConfig(workspace);
  return {
    config: {
      ...config,
      dialect: "OCI",
      rootfs: await ownRootfs(workspace),
      readonlyfs: true,
      namespaces: config.namespaces.filter(({ type }) => type !== "NEWNS"),
      maskPaths: [],
      readonlyPaths: [],
    },
    args: ["/bin/true"],
  };
}

/** A user namespace, a terminal, a read-only root, a user by name. */
export async function userNamespacePlan(
  workspace: Workspace,
): Promise<InProcessRequest> {
  const rootfs = await ownRootfs(workspace);
  await mustRun(["chown", "-R", `${FIRST_ID}:${FIRST_ID}`, rootfs]);
  const config = furtherSettings(await readConfig(workspace));
  const mapping = { containerId: 0, hostId: FIRST_ID, size: 65536 };
  return {
    config: {
      ...config,
      rootfs,
      readonlyfs: true,
      namespaces: [...config.namespaces, { type: "NEWUSER" }],
      uidMappings: [mapping],
      gidMappings: [mapping],
      mounts: [
        ...config.mounts,
        ...furtherMounts(await mountSource(workspace)),
        ...mappedMounts(await workspace.newDirectory()),
        shownAgain(rootfs, "/mnt/own"),
      ],
    },
    args: ["/bin/true"],
    process: {
      tty: true,
      user: "daemon",
    },
  };
}

/** Interfaces, limits, a root by chroot, the configuration inside the root. */
export async function hostUserPlan(
  workspace: Workspace,
  bridges: readonly [string, string],
): Promise<InProcessRequest> {
  const rootfs = await ownRootfs(workspace);
  const configPath = `${rootfs}/container.json`;
  await Deno.writeTextFile(configPath, "{}");
  const config = furtherSettings(
    await readConfig(workspace, {
      cgroups: {
        memory: 1 << 26,
        cpu_shares: 512,
        pids_limit: 100,
        freezer: "FROZEN",
      },
    }),
  );
  return {
    config: {
      ...config,
      rootfs,
      noPivotRoot: true,
      mounts: [
        ...config.mounts,
        ...furtherMounts(await workspace.newDirectory()),
        shownAgain(rootfs, "/mnt", {
          idmap: { uidMappings: [OTHER_IDS], gidMappings: [OTHER_IDS] },
        }),
      ],
      networks: [
        ...config.networks ?? [],
        veth("eth0", bridges[0], 1),
        veth("eth1", bridges[1], 2),
      ],
      routes: [{
        destination: "10.78.0.0/16",
        source: "",
        gateway: "10.77.2.1",
        interfaceName: "eth1",
      }],
    },
    directory: rootfs,
    configPath,
    args: ["/bin/true"],
    // The interfaces are made in the network namespace of the calling thread.
    blocking: true,
  };
}

/** Namespaces joined by path and a cgroup namespace: the staged shape. */
export async function stagedPlan(
  workspace: Workspace,
  network: string,
): Promise<InProcessRequest> {
  const rootfs = await ownRootfs(workspace);
  const config = furtherSettings(await readConfig(workspace));
  return {
    config: {
      ...config,
      rootfs,
      networks: [],
      seccomp: {
        defaultAction: "SCMP_ACT_ALLOW",
        architectures: [],
        syscalls: [{ name: "acct", action: "SCMP_ACT_NOTIFY", args: [] }],
      },
      timeOffsets: { boottime: { secs: 60, nanosecs: 0 } },
      namespaces: [
        { type: "NEWNET", path: network },
        { type: "NEWCGROUP" },
        { type: "NEWTIME" },
        ...config.namespaces.filter(({ type }) => type !== "NEWNET"),
      ],
    },
    args: ["/bin/true"],
    process: {
      seccompNotify: () => ({ error: "EPERM" }),
      user: "user",
      extraFiles: [0],
    },
  };
}

/** No mount namespace: a program on the host's root, in groups and a pid namespace. */
export async function hostRootPlan(
  workspace: Workspace,
): Promise<InProcessRequest> {
  const { maskPaths: _, readonlyPaths: __, ...config } = await readConfig(
    workspace,
  );
  return {
    config: {
      ...config,
      namespaces: [{ type: "NEWPID" }, { type: "NEWUTS" }],
      mounts: [],
      devices: [],
      networks: [],
    },
    args: ["/bin/true"],
  };
}

/** An overlay with a layer that is kept, over a root of its own. */
export async function overlayPlan(
  workspace: Workspace,
): Promise<InProcessRequest> {
  const rootfs = await ownRootfs(workspace);
  const config = await readConfig(workspace);
  const layers = await workspace.newDirectory();
  return {
    config: { ...config, rootfs, overlay: { upper: `${layers}/upper` } },
    args: ["/bin/true"],
  };
}

/** A root made of the host's programs. */
export async function madeRootPlan(
  workspace: Workspace,
): Promise<InProcessRequest> {
  const { cgroups } = await readConfig(workspace);
  return {
    config: {
      ...hostRootConfig({ size: 1 << 20 }),
      parentDeathSignal: 0,
      ...(cgroups ? { cgroups } : {}),
    },
    args: ["/bin/true"],
  };
}

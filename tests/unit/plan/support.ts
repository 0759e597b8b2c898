/** Hosts, processes and placements for tests of the planner. */
import type { Config } from "../../../lib/config/types.ts";
import { defaultConfig } from "../../../lib/config/defaults.ts";
import type { CgroupHierarchy, Host } from "../../../lib/host/types.ts";
import type { Op, OpName, Plan } from "../../../lib/plan/ops.ts";
import type { Placement, ProcessSpec } from "../../../lib/plan/types.ts";

function v1(...controllers: string[]): CgroupHierarchy {
  const name = controllers.join(",").replace("name=", "");
  const mount = `/cg/${name}`;
  return { version: 1, controllers, mount, root: "/", base: mount };
}

/** All version 1 controllers, cpu and cpuacct sharing one hierarchy. */
export const V1: readonly CgroupHierarchy[] = [
  v1("name=systemd"),
  v1("cpu", "cpuacct"),
  v1("memory"),
  v1("pids"),
  v1("cpuset"),
  v1("freezer"),
  v1("devices"),
  { ...v1("blkio"), weightFile: "blkio.bfq.weight" },
  v1("hugetlb"),
  v1("net_cls", "net_prio"),
];

/** The unified hierarchy with all controllers. */
export const V2: CgroupHierarchy = {
  version: 2,
  controllers: ["cpuset", "cpu", "io", "memory", "hugetlb", "pids"],
  mount: "/cg",
  root: "/",
  base: "/cg",
  weightFile: "io.weight",
};

/** A host with cgroup version 2. */
export const HOST_V2: Host = {
  cgroup: { mode: "v2", hierarchies: [V2] },
  lastCapability: 40,
  apparmor: false,
  selinux: false,
  architecture: "x86_64",
  kernel: [6, 1],
  euid: 0,
};

/** A host with cgroup version 1 and an old kernel. */
export const HOST_V1: Host = {
  ...HOST_V2,
  kernel: [5, 4],
  cgroup: { mode: "v1", hierarchies: V1 },
};

/** A host with both. */
export const HOST_HYBRID: Host = {
  ...HOST_V2,
  cgroup: {
    mode: "hybrid",
    hierarchies: [
      ...V1,
      { ...V2, controllers: [], mount: "/cg/unified", base: "/cg/unified" },
    ],
  },
};

/** A host without cgroups. */
export const HOST_NONE: Host = {
  ...HOST_V2,
  cgroup: { mode: "none", hierarchies: [] },
};

/** `sh` with the caller's streams. */
export const PROCESS: ProcessSpec = {
  args: ["sh"],
  env: ["PATH=/bin"],
  user: "",
  cwd: "",
  tty: false,
  stdio: { stdin: "inherit", stdout: "inherit", stderr: "inherit" },
};

/** A place for a container called demo. */
export const PLACEMENT: Placement = {
  id: "demo",
  stateDir: "/run/nsinit/demo",
  directory: "/srv",
  cgroupPath: "nsinit/demo",
  protect: [],
  hostInterfaceNames: ["veth0000001", "veth0000002"],
  alias: "nsinit:demo",
};

/** The template at /srv/root, with changes. */
export function configWith(changes: Partial<Config>): Config {
  return { ...defaultConfig("/srv/root"), ...changes };
}

/** Names of the operations of a list. */
export function names(ops: readonly { readonly op: OpName }[]): OpName[] {
  return ops.map(({ op }) => op);
}

/** The operations of one name in all lists, in order. */
export function find<N extends OpName>(plan: Plan, name: N): Op<N>[] {
  const isWanted = (op: Op): op is Op<N> & Op => op.op === name;
  return [...plan.parent, ...plan.child, ...plan.undo].filter(isWanted);
}

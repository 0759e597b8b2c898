/**
 * The shape of a configuration: every member, what it must be, and what stands
 * for one that is missing.
 *
 * @module
 */
import { DIALECTS } from "../dialect_names.ts";
import { NAMESPACE_TYPES, parseNamespaceType } from "../names/namespaces.ts";
import {
  IO_CLASSES,
  MEMORY_POLICIES,
  PERSONALITIES,
  SCHEDULING_POLICIES,
} from "../names/scheduling.ts";
import type {
  Config,
  ConsoleSize,
  CpuAffinity,
  Hook,
  Hooks,
  HostRoot,
  IntelRdt,
  IoPriority,
  MemoryPolicy,
  Namespace,
  Overlay,
  Personality,
  ProcessDefaults,
  Scheduler,
  TimeOffset,
  TimeOffsets,
} from "../types.ts";
import { ID_MAPPINGS, MOUNT } from "./mounts.ts";
import { NET_DEVICES, NETWORKS, ROUTES } from "./networks.ts";
import { KEPT_CAPABILITIES, RESOURCE_LIMITS } from "./process.ts";
import { CGROUP, DEVICE } from "./resources.ts";
import { SECCOMP } from "./seccomp.ts";
import {
  FLAG,
  INTEGER,
  INTEGER64,
  list,
  NUMBER,
  oneOf,
  or,
  record,
  required,
  type Shape,
  TEXT,
  TEXTS,
} from "./shape.ts";

const STRINGS = list(TEXT);

function keyOf<N extends string>(
  table: Readonly<Record<N, unknown>>,
  kind: string,
): Shape<N> {
  return oneOf(Object.keys(table) as N[], kind);
}

const HOOKS = list(record<Hook>({
  path: required(TEXT),
  args: STRINGS,
  env: STRINGS,
  dir: TEXT,
  timeout: NUMBER,
}));

const OFFSET = record<TimeOffset>({
  secs: required(INTEGER64),
  nanosecs: or(INTEGER, 0),
});

const AFFINITY = record<CpuAffinity>({ initial: TEXT, final: TEXT });

const PROCESS = record<ProcessDefaults>({
  args: STRINGS,
  env: STRINGS,
  user: TEXT,
  cwd: TEXT,
  tty: FLAG,
  consoleSize: record<ConsoleSize>({
    height: required(INTEGER),
    width: required(INTEGER),
  }),
  makeCwd: FLAG,
});

/** A container, all but its process. */
export const CONTAINER: Shape<Config> = record<Config>({
  dialect: oneOf(DIALECTS, "dialect"),
  rootfs: required(TEXT),
  readonlyfs: FLAG,
  noPivotRoot: FLAG,
  pivotDir: TEXT,
  rootPropagation: INTEGER,
  parentDeathSignal: INTEGER,
  mounts: or(list(MOUNT), []),
  devices: or(list(DEVICE), []),
  mountLabel: TEXT,
  hostname: TEXT,
  domainname: TEXT,
  namespaces: required(list(record<Namespace>({
    type: required(oneOf(NAMESPACE_TYPES, "namespace", parseNamespaceType)),
    path: TEXT,
  }))),
  capabilities: KEPT_CAPABILITIES,
  networks: NETWORKS,
  routes: ROUTES,
  cgroups: CGROUP,
  apparmorProfile: TEXT,
  processLabel: TEXT,
  rlimits: RESOURCE_LIMITS,
  additionalGroups: STRINGS,
  uidMappings: ID_MAPPINGS,
  gidMappings: ID_MAPPINGS,
  maskPaths: STRINGS,
  readonlyPaths: STRINGS,
  sysctl: TEXTS,
  seccomp: SECCOMP,
  noNewPrivileges: FLAG,
  oomScoreAdj: INTEGER,
  overlay: record<Overlay>({ size: INTEGER64, upper: TEXT, work: TEXT }),
  hostRoot: record<HostRoot>({ size: INTEGER64, paths: STRINGS }),
  hooks: record<Hooks>({
    prestart: HOOKS,
    createRuntime: HOOKS,
    createContainer: HOOKS,
    startContainer: HOOKS,
    poststart: HOOKS,
    poststop: HOOKS,
  }),
  timeOffsets: record<TimeOffsets>({ monotonic: OFFSET, boottime: OFFSET }),
  umask: INTEGER,
  scheduler: record<Scheduler>({
    policy: required(keyOf(SCHEDULING_POLICIES, "policy")),
    nice: INTEGER,
    priority: INTEGER,
    flags: STRINGS,
    runtime: INTEGER64,
    deadline: INTEGER64,
    period: INTEGER64,
  }),
  ioPriority: record<IoPriority>({
    class: required(keyOf(IO_CLASSES, "class")),
    priority: required(INTEGER),
  }),
  cpuAffinity: AFFINITY,
  execCpuAffinity: AFFINITY,
  personality: record<Personality>({
    domain: required(keyOf(PERSONALITIES, "domain")),
  }),
  memoryPolicy: record<MemoryPolicy>({
    mode: required(keyOf(MEMORY_POLICIES, "policy")),
    nodes: TEXT,
    flags: STRINGS,
  }),
  netDevices: NET_DEVICES,
  intelRdt: record<IntelRdt>({
    closId: TEXT,
    schemata: STRINGS,
    l3CacheSchema: TEXT,
    memBwSchema: TEXT,
    enableMonitoring: FLAG,
  }),
  platform: TEXT,
  noNewKeyring: FLAG,
  labels: STRINGS,
  process: PROCESS,
});

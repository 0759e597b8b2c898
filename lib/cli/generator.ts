/**
 * The generator of nsinit: options that change a configuration.
 *
 * @module
 */
import { normalizePath, resolvePath } from "../config/host_paths.ts";
import { LOOPBACK } from "../config/loopback.ts";
import type {
  Cgroup,
  Config,
  Mount,
  Namespace,
  NamespaceType,
  Network,
} from "../config/types.ts";
import { UsageError } from "../errors.ts";
import { applyRootKind } from "./root_kinds.ts";
import {
  applySecurityProfile,
  SECURITY_PROFILES,
} from "./security_profiles.ts";
import { parseSignal } from "../config/names/signals.ts";
import type { Values } from "./values.ts";

const MS_RDONLY = 1;
/** nosuid, nodev, noexec. */
const MS_PLAIN = 14;
/** `MS_BIND | MS_REC`. */
const MS_BIND_REC = 4096 | 16384;
/** 2^31 - 1: the ids that the original mapped. */
const MAX_ID = 2147483647;

/** Options that need a mount namespace of the container's own. */
const MOUNT_OPTIONS = [
  "read-only",
  "bind",
  "tmpfs",
  "cgroup",
  "overlay",
  "overlay-upper",
  "host-root",
] as const;
/** Those of them that are switched on and off. */
const SWITCHES: readonly string[] = ["read-only", "cgroup"];
/** Options of the veth interface that mean nothing without its bridge. */
const VETH_OPTIONS = ["veth-address", "veth-gateway", "veth-mtu"] as const;

function without<T extends object, K extends keyof T>(
  record: T,
  ...keys: readonly K[]
): Omit<T, K> {
  const copy = { ...record };
  for (const key of keys) delete copy[key];
  return copy;
}

function withNamespace(
  namespaces: readonly Namespace[],
  namespace: Namespace,
): Namespace[] {
  const { type } = namespace;
  return namespaces.some((known) => known.type === type)
    ? namespaces.map((known) => known.type === type ? namespace : known)
    : [...namespaces, namespace];
}

/** What leaving a namespace to the host, or joining one, takes out of a configuration. */
function dropPartsOf(config: Config, type: NamespaceType): Config {
  switch (type) {
    case "NEWNET":
      return without(config, "networks", "routes");
    case "NEWUTS":
      return without(config, "hostname", "domainname");
    case "NEWNS":
      return {
        ...without(config, "maskPaths", "readonlyPaths", "rootPropagation"),
        mounts: [],
        devices: [],
        readonlyfs: false,
      };
    default:
      return config;
  }
}

function applyNamespace(
  config: Config,
  name: string,
  type: NamespaceType,
  values: Values,
  directory: string,
): Config {
  const value = values.has(name) ? values.text(name) : undefined;
  if (value === undefined) return config;
  if (value === "host") {
    return {
      ...dropPartsOf(config, type),
      namespaces: config.namespaces.filter((known) => known.type !== type),
    };
  }
  if (value === "" || value === "private") {
    const namespaces = withNamespace(config.namespaces, { type });
    const needsLoopback = type === "NEWNET" &&
      (config.networks ?? []).length === 0;
    return needsLoopback
      ? { ...config, namespaces, networks: [LOOPBACK] }
      : { ...config, namespaces };
  }
  // A word that is mistyped must not be looked for as a file.
  if (!value.includes("/")) {
    throw new UsageError(
      `--${name} cannot be ${JSON.stringify(value)}: it is host, private, ` +
        "or the path of a namespace file, with a / in it",
    );
  }
  const path = resolvePath(directory, value);
  const isJoinable = type === "NEWNET" || type === "NEWUTS";
  return {
    ...(isJoinable ? dropPartsOf(config, type) : config),
    namespaces: withNamespace(config.namespaces, { type, path }),
  };
}

const NAMESPACE_OPTIONS: readonly (readonly [string, NamespaceType])[] = [
  ["net", "NEWNET"],
  ["mnt", "NEWNS"],
  ["pid", "NEWPID"],
  ["ipc", "NEWIPC"],
  ["uts", "NEWUTS"],
];

function applyNamespaces(
  config: Config,
  values: Values,
  directory: string,
): Config {
  for (const name of MOUNT_OPTIONS) {
    const isWanted = SWITCHES.includes(name)
      ? values.flag(name)
      : values.has(name);
    if (isWanted && values.text("mnt") === "host") {
      throw new UsageError(
        `--${name} changes mounts, and --mnt host leaves those to the host: ` +
          "leave one of them out",
      );
    }
  }
  return NAMESPACE_OPTIONS.reduce(
    (changed, [name, type]) =>
      applyNamespace(changed, name, type, values, directory),
    config,
  );
}

function applyHostname(config: Config, values: Values): Config {
  const hostname = values.text("hostname");
  if (hostname === undefined) return config;
  if (!config.namespaces.some(({ type }) => type === "NEWUTS")) {
    throw new UsageError(
      "--hostname needs a UTS namespace, and the container shares the " +
        "host's: add --uts private, or leave --hostname out",
    );
  }
  return { ...config, hostname };
}

/** The original's mapping: root is `uid`, all other ids are themselves. */
function applyUserNamespace(config: Config, values: Values): Config {
  const uid = values.integer("userns-root-uid");
  if (uid === undefined) return config;
  if (uid < 0 || uid >= MAX_ID) {
    throw new UsageError(
      `--userns-root-uid cannot be ${uid}: it is 0 to ${MAX_ID - 1}`,
    );
  }
  if (uid === 0) {
    return {
      ...without(config, "uidMappings", "gidMappings"),
      namespaces: config.namespaces.filter(({ type }) => type !== "NEWUSER"),
    };
  }
  const mappings = [
    { containerId: 0, hostId: uid, size: 1 },
    { containerId: 1, hostId: 1, size: uid - 1 },
    { containerId: uid + 1, hostId: uid + 1, size: MAX_ID - uid },
  ].filter(({ size }) => size > 0);
  return {
    ...config,
    namespaces: withNamespace(config.namespaces, { type: "NEWUSER" }),
    uidMappings: mappings,
    gidMappings: mappings,
  };
}

function applyVeth(config: Config, values: Values): Config {
  const bridge = values.text("veth-bridge");
  if (!bridge) {
    const lonely = VETH_OPTIONS.find((name) => values.has(name));
    if (lonely === undefined) return config;
    throw new UsageError(`--${lonely} needs --veth-bridge`);
  }
  if (!config.namespaces.some(({ type }) => type === "NEWNET")) {
    throw new UsageError(
      "--veth-bridge needs a network namespace, and the container shares " +
        "the host's: add --net private, or leave --veth-bridge out",
    );
  }
  const mtu = values.integer("veth-mtu") ?? 0;
  if (mtu < 0) throw new UsageError(`--veth-mtu cannot be ${mtu}`);
  const address = values.text("veth-address") ?? "";
  if (address === "") {
    throw new UsageError(
      "--veth-bridge needs --veth-address, e.g. --veth-address 10.0.0.2/24",
    );
  }
  const gateway = values.text("veth-gateway") ?? "";
  const [isAddress6, isGateway6] = [
    address.includes(":"),
    gateway.includes(":"),
  ];
  const veth: Network = {
    ...LOOPBACK,
    type: "veth",
    name: "eth0",
    bridge,
    address: isAddress6 ? "" : address,
    gateway: isGateway6 ? "" : gateway,
    ipv6Address: isAddress6 ? address : "",
    ipv6Gateway: isGateway6 ? gateway : "",
    mtu,
    vethPrefix: "veth",
  };
  return { ...config, networks: [...config.networks ?? [], veth] };
}

function bindMount(text: string, directory: string): Mount {
  const [source = "", destination = "", mode = "rw", ...more] = text.split(":");
  const isMode = mode === "ro" || mode === "rw";
  if (
    source === "" || !destination.startsWith("/") || !isMode || more.length > 0
  ) {
    throw new UsageError(
      `--bind cannot be ${JSON.stringify(text)}: it is SRC:DST, SRC:DST:ro ` +
        "or SRC:DST:rw with an absolute DST",
    );
  }
  return {
    device: "bind",
    source: resolvePath(directory, source),
    destination: normalizePath(destination),
    flags: MS_BIND_REC | (mode === "ro" ? MS_RDONLY : 0),
    data: "",
    relabel: "",
  };
}

function tmpfsMount(destination: string): Mount {
  if (!destination.startsWith("/")) {
    throw new UsageError(
      `--tmpfs cannot be ${JSON.stringify(destination)}: it is an absolute ` +
        "path inside the container",
    );
  }
  return {
    device: "tmpfs",
    source: "tmpfs",
    destination: normalizePath(destination),
    flags: MS_PLAIN,
    data: "",
    relabel: "",
  };
}

const CGROUP_MOUNT: Mount = {
  device: "cgroup",
  source: "cgroup",
  destination: "/sys/fs/cgroup",
  flags: MS_PLAIN | MS_RDONLY,
  data: "",
  relabel: "",
};

function applyRoot(config: Config, values: Values, directory: string): Config {
  const rootfs = values.text("rootfs");
  const mounts = [
    ...values.list("bind").map((text) => bindMount(text, directory)),
    ...values.list("tmpfs").map(tmpfsMount),
    ...(values.flag("cgroup") ? [CGROUP_MOUNT] : []),
  ];
  return {
    ...config,
    ...(rootfs ? { rootfs: resolvePath(directory, rootfs) } : {}),
    ...(values.has("read-only")
      ? { readonlyfs: values.flag("read-only") }
      : {}),
    mounts: [...config.mounts, ...mounts],
  };
}

function limitsOf(values: Values): Partial<Cgroup> {
  const memory = values.size("memory-limit");
  const memorySwap = values.size("memory-swap");
  const memorySwappiness = values.integer("memory-swappiness");
  const cpuShares = values.integer("cpushares");
  const cpuQuota = values.integer("cpu-quota");
  const cpuPeriod = values.integer("cpu-period");
  const pidsLimit = values.integer("pids-limit");
  const cpusetCpus = values.text("cpuset-cpus");
  const cpusetMems = values.text("cpuset-mems");
  const isSwappiness = memorySwappiness === undefined ||
    (memorySwappiness >= 0 && memorySwappiness <= 100);
  if (!isSwappiness) {
    throw new UsageError(
      `--memory-swappiness cannot be ${memorySwappiness}: it is 0 to 100`,
    );
  }
  // The original took 0 and empty lists, its defaults, for "not given".
  return {
    ...(memory ? { memory } : {}),
    ...(memorySwap ? { memorySwap } : {}),
    ...(memorySwappiness === undefined ? {} : { memorySwappiness }),
    ...(cpuShares ? { cpuShares } : {}),
    ...(cpuQuota ? { cpuQuota } : {}),
    ...(cpuPeriod ? { cpuPeriod } : {}),
    ...(pidsLimit ? { pidsLimit } : {}),
    ...(cpusetCpus ? { cpusetCpus } : {}),
    ...(cpusetMems ? { cpusetMems } : {}),
  };
}

function applyLimits(config: Config, values: Values): Config {
  const limits = limitsOf(values);
  if (Object.keys(limits).length === 0) return config;
  const cgroups = { name: "", parent: "nsinit", ...config.cgroups, ...limits };
  return { ...config, cgroups };
}

function sysctlsOf(values: Values): Record<string, string> {
  return Object.fromEntries(
    values.list("sysctl").map((text) => {
      const equals = text.indexOf("=");
      if (equals < 1) {
        throw new UsageError(
          `--sysctl cannot be ${JSON.stringify(text)}: it is KEY=VALUE`,
        );
      }
      return [text.slice(0, equals), text.slice(equals + 1)];
    }),
  );
}

function parentDeathSignal(values: Values): number | undefined {
  const text = values.text("parent-death-signal");
  if (text === undefined) return undefined;
  const number = text === "0" ? 0 : parseSignal(text);
  if (number !== undefined) return number;
  throw new UsageError(
    `--parent-death-signal cannot be ${JSON.stringify(text)}: it is a ` +
      "signal's name or number, or 0",
  );
}

function applyProcess(config: Config, values: Values): Config {
  const signal = parentDeathSignal(values);
  const groups = values.list("groups");
  const texts = {
    apparmorProfile: values.text("apparmor-profile"),
    processLabel: values.text("process-label"),
    mountLabel: values.text("mount-label"),
  };
  const given = Object.fromEntries(
    Object.entries(texts).filter(([, text]) => text !== undefined),
  );
  return {
    ...config,
    ...given,
    ...(signal === undefined ? {} : { parentDeathSignal: signal }),
    ...(groups.length === 0 ? {} : {
      additionalGroups: [...config.additionalGroups ?? [], ...groups],
    }),
    ...(values.has("sysctl")
      ? { sysctl: { ...config.sysctl, ...sysctlsOf(values) } }
      : {}),
  };
}

/**
 * Changes a configuration as the generator options say.
 *
 * Pure. Only what is given changes something, so that options win over a
 * file, and the template or the file over what is not given. A profile of
 * `--security` is laid down first and other options then change it.
 *
 * @param config The template, or a configuration that was read.
 * @param values Options, declared by `GENERATOR_OPTIONS`.
 * @param directory Directory that relative host paths start from.
 * @returns The changed configuration.
 * @throws {UsageError} `UsageInvalid` for values that make no sense, and for
 * options that contradict each other.
 *
 * @example A host name
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { applyGenerator } from "./generator.ts";
 * import { GENERATOR_OPTIONS } from "./generator_options.ts";
 * import { Values } from "./values.ts";
 *
 * const values = new Values(GENERATOR_OPTIONS, new Map([["hostname", ["a"]]]));
 * assertEquals(applyGenerator(defaultConfig("/r"), values, "/").hostname, "a");
 * ```
 */
export function applyGenerator(
  config: Config,
  values: Values,
  directory: string,
): Config {
  const profile = SECURITY_PROFILES.find((name) =>
    name === values.text("security")
  );
  let changed = profile ? applySecurityProfile(config, profile) : config;
  changed = applyNamespaces(changed, values, directory);
  changed = applyHostname(changed, values);
  changed = applyUserNamespace(changed, values);
  changed = applyVeth(changed, values);
  changed = applyRoot(changed, values, directory);
  changed = applyRootKind(changed, values, directory);
  changed = applyLimits(changed, values);
  return applyProcess(changed, values);
}

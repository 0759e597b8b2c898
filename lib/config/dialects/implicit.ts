/**
 * What the dialects before D have in common: the runtime, not the file, decided
 * about system mounts, the parent death signal and what is restricted.
 *
 * @module
 */
import { defaultMaskPaths, defaultReadonlyPaths } from "../defaults.ts";
import { resolvePath } from "../host_paths.ts";
import type { ObjectReader } from "../object_reader.ts";
import { compact, nonEmpty, type Reading } from "../reading.ts";
import { readCgroups } from "../sections/cgroups.ts";
import { getSystemMounts } from "../sections/mounts.ts";
import { readNamespaces } from "../sections/namespaces.ts";
import { readNetworks, readRoutes } from "../sections/networks.ts";
import type {
  CapabilitySets,
  Config,
  Device,
  Mount,
  ProcessDefaults,
} from "../types.ts";
import type { CapabilityName } from "../names/capabilities.ts";

/** The runtimes of those days killed the container when nsinit died. */
const SIGKILL = 9;

/** What one era read by its own rules. */
export interface ImplicitParts {
  /** Capabilities kept. */
  readonly capabilities: readonly CapabilityName[] | CapabilitySets;
  /** The file's own mounts, without the system mounts. */
  readonly mounts: readonly Mount[];
  /** Nodes to make. */
  readonly devices: readonly Device[];
  /** Whether kernel settings are protected (`restrict_sys`, `restrictions`). */
  readonly isRestricted: boolean;
  /** Process settings of the file. */
  readonly process: ProcessDefaults;
  /** Root file system as written; empty for the container's directory. */
  readonly rootfs: string;
  /** Members that only some eras have. */
  readonly more?: Partial<Config>;
}

/**
 * Reads the labels of `context` (A to C0).
 *
 * @param root The root object.
 * @returns Profile and labels, and whether `restrictions` is on.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readContext } from "./implicit.ts";
 *
 * const text = { context: { apparmor_profile: "docker-default" } };
 * const root = new ObjectReader(new Findings(), text, []);
 * assertEquals(readContext(root).labels, { apparmorProfile: "docker-default" });
 * ```
 */
export function readContext(
  root: ObjectReader,
): { labels: Partial<Config>; isRestricted: boolean } {
  const read = root.object("context", (item) => {
    // A directory of the host whose files covered those of the container.
    const path = item.string("restriction_path");
    return {
      labels: compact<Partial<Config>>({
        apparmorProfile: nonEmpty(item.string("apparmor_profile")),
        processLabel: nonEmpty(item.string("process_label")),
        mountLabel: nonEmpty(item.string("mount_label")),
      }),
      isRestricted: item.string("restrictions") !== "" || path !== "",
    };
  });
  return read ?? { labels: {}, isRestricted: false };
}

/**
 * Reads what all dialects before D spell alike, and puts the parts together.
 *
 * @param root The root object.
 * @param reading The reading.
 * @param parts What the era read by its own rules.
 * @returns The configuration, with the system mounts of the era in front.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readImplicitConfig } from "./implicit.ts";
 *
 * const findings = new Findings();
 * const root = new ObjectReader(findings, { namespaces: ["NEWNS"] }, []);
 * const config = readImplicitConfig(root, {
 *   findings,
 *   dialect: "A2",
 *   isForced: false,
 *   directory: () => "/srv",
 * }, {
 *   capabilities: [],
 *   mounts: [],
 *   devices: [],
 *   isRestricted: false,
 *   process: {},
 *   rootfs: "root",
 * });
 * assertEquals([config.rootfs, config.mounts.length], ["/srv/root", 7]);
 * ```
 */
export function readImplicitConfig(
  root: ObjectReader,
  reading: Reading,
  parts: ImplicitParts,
): Config {
  const { networks, namespaces: joined } = readNetworks(root, reading);
  const ipc = root.string("ipc");
  const namespaces = [
    ...readNamespaces(root),
    ...joined,
    ...ipc === "" ? [] : [{ type: "NEWIPC", path: ipc } as const],
  ];
  // Without a mount namespace of its own these mounts would land on the host.
  const hasMounts = namespaces.some(({ type }) => type === "NEWNS");
  const { isRestricted } = parts;
  const systemMounts = hasMounts
    ? getSystemMounts(reading.dialect, { isRestricted })
    : [];
  const rootfs = parts.rootfs.startsWith("/")
    ? parts.rootfs
    : resolvePath(reading.directory(), parts.rootfs);
  return compact<Config>({
    dialect: reading.dialect,
    rootfs: resolvePath("/", rootfs),
    parentDeathSignal: SIGKILL,
    mounts: [...systemMounts, ...parts.mounts],
    devices: parts.devices,
    hostname: nonEmpty(root.string("hostname")),
    namespaces,
    capabilities: parts.capabilities,
    networks,
    routes: readRoutes(root),
    cgroups: readCgroups(root, reading),
    maskPaths: isRestricted ? defaultMaskPaths : undefined,
    readonlyPaths: isRestricted ? defaultReadonlyPaths : undefined,
    process: parts.process,
    ...parts.more,
  });
}

/**
 * User and group ids of a new user namespace.
 *
 * @module
 */
import type { Config, IdMapping } from "../config/types.ts";
import { HostError } from "../errors.ts";
import type { Host } from "../host/types.ts";
import type { NamespaceSplit } from "./namespaces.ts";
import { type ChildOp, type ParentOp, POINTS } from "./ops.ts";
import { refuse } from "./refusal.ts";

/** Lines that the kernel takes in one map. */
const MAX_LINES = 340;
/** Bytes of one write(2) to a map: a page would be too much. */
const MAX_BYTES = 4095;

/** What the id maps add to a Plan. */
export interface IdMapPart {
  /** Parent: writes the maps. */
  readonly parent: readonly ParentOp[];
  /** Child: waits for them and becomes root inside. */
  readonly child: readonly ChildOp[];
  /** Whether setgroups(2) is denied inside. */
  readonly groupsDenied: boolean;
}

/**
 * Formats an id map as `uid_map` and `gid_map` take it. Pure.
 *
 * @param mappings The lines.
 * @returns One line each.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatIdMap } from "./id_maps.ts";
 *
 * assertEquals(formatIdMap([{ containerId: 0, hostId: 1000, size: 1 }]), "0 1000 1\n");
 * ```
 */
export function formatIdMap(mappings: readonly IdMapping[]): string {
  return mappings
    .map(({ containerId, hostId, size }) =>
      `${containerId} ${hostId} ${size}\n`
    )
    .join("");
}

/**
 * Whether an id exists inside. Pure.
 *
 * @param mappings The map; `undefined` where there is no user namespace.
 * @param id Id inside.
 * @returns True when it is mapped.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { isMapped } from "./id_maps.ts";
 *
 * const one = [{ containerId: 0, hostId: 1000, size: 1 }];
 * assertEquals([isMapped(one, 0), isMapped(one, 5)], [true, false]);
 * ```
 */
export function isMapped(
  mappings: readonly IdMapping[] | undefined,
  id: number,
): boolean {
  if (mappings === undefined) return true;
  return mappings.some(({ containerId, size }) =>
    id >= containerId && id < containerId + size
  );
}

function checkMap(
  mappings: readonly IdMapping[] | undefined,
  key: "uidMappings" | "gidMappings",
): readonly IdMapping[] {
  const lines = mappings ?? [];
  if (!isMapped(lines, 0)) {
    throw refuse(
      key,
      `Cannot make a user namespace: ${key} does not map id 0 inside; add a line such as {"containerId": 0, "hostId": 100000, "size": 65536}`,
    );
  }
  if (lines.length > MAX_LINES) {
    throw refuse(
      key,
      `Cannot make a user namespace: ${key} has ${lines.length} lines, the kernel takes ${MAX_LINES}`,
    );
  }
  const { length } = formatIdMap(lines);
  if (length > MAX_BYTES) {
    throw refuse(
      key,
      `Cannot make a user namespace: the lines of ${key} are ${length} bytes long, the kernel takes ${MAX_BYTES}; join ranges that follow each other`,
    );
  }
  return lines;
}

/** Whether a user may write a map by himself: his own id alone. */
function isOwnIdOnly(lines: readonly IdMapping[], id: number): boolean {
  const [only, ...more] = lines;
  return only?.hostId === id && only.size === 1 && more.length === 0;
}

/** The lines as arguments of newuidmap(1). */
function mapperArguments(lines: readonly IdMapping[]): string[] {
  return lines.flatMap(({ containerId, hostId, size }) =>
    [containerId, hostId, size].map(String)
  );
}

/** How the maps get written: by the starter, or by programs that may do more. */
interface MapWriting {
  readonly ops: readonly ParentOp[];
  readonly groupsDenied: boolean;
}

/** Root writes everything; others their own ids, and the rest by newuidmap and newgidmap. */
function planWriting(
  uids: readonly IdMapping[],
  gids: readonly IdMapping[],
  host: Pick<Host, "euid" | "user">,
): MapWriting {
  const { euid, user } = host;
  const ownUid = euid === 0 || isOwnIdOnly(uids, euid);
  const ownGid = euid === 0 || isOwnIdOnly(gids, user?.gid ?? euid);
  if (!(ownUid && ownGid) && user?.hasMappers !== true) {
    throw new HostError(
      "Cannot map the ids of the user namespace: a user may map one id, his own; for more install newuidmap and newgidmap (package uidmap) and have root add ranges to /etc/subuid and /etc/subgid",
    );
  }
  const groupsDenied = euid !== 0 && ownGid;
  const write: ParentOp = {
    op: "idmap.write",
    flags: groupsDenied ? 1 : 0,
    uids: ownUid ? formatIdMap(uids) : "",
    gids: ownGid ? formatIdMap(gids) : "",
  };
  return {
    groupsDenied,
    ops: [
      ...(ownUid || ownGid ? [write] : []),
      ...(ownUid ? [] : [
        { op: "idmap.run", kind: "uid", map: mapperArguments(uids) } as const,
      ]),
      ...(ownGid ? [] : [
        { op: "idmap.run", kind: "gid", map: mapperArguments(gids) } as const,
      ]),
    ],
  };
}

/**
 * Plans the id maps of a start. Pure.
 *
 * setgroups(2) is denied when a starter who is not root maps his own group
 * alone: only so does the kernel let him, and no group that denies access can
 * be dropped (CVE-2014-8989). Where newgidmap(1) maps further groups, the
 * administrator has allowed that. What is denied to the starter is denied in all
 * namespaces that he makes.
 *
 * @param config The configuration.
 * @param namespaces Its namespaces.
 * @param host The machine.
 * @returns The operations; none without a user namespace of its own.
 * @throws {ConfigError} `ConfigInvalid` when id 0 is not mapped.
 * @throws {HostError} `HostUnsupported` for maps that a user cannot write.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { planIdMaps } from "./id_maps.ts";
 * import { splitNamespaces } from "./namespaces.ts";
 *
 * const config = defaultConfig("/srv/root");
 * const part = planIdMaps(config, splitNamespaces(config.namespaces), { euid: 0 });
 * assertEquals(part, { parent: [], child: [], groupsDenied: false });
 * ```
 */
export function planIdMaps(
  config: Config,
  namespaces: NamespaceSplit,
  host: Pick<Host, "euid" | "user" | "groupsDenied">,
): IdMapPart {
  const { groupsDenied: isDenied = false } = host;
  if (namespaces.joined.some(({ type }) => type === "NEWUSER")) {
    return {
      parent: [],
      child: [{ op: "user.root", flags: 0 }],
      groupsDenied: false,
    };
  }
  if (!namespaces.created.has("NEWUSER")) {
    return { parent: [], child: [], groupsDenied: isDenied };
  }
  const uids = checkMap(config.uidMappings, "uidMappings");
  const gids = checkMap(config.gidMappings, "gidMappings");
  const { ops, groupsDenied: isDeniedInside } = planWriting(uids, gids, host);
  const groupsDenied = isDenied || isDeniedInside;
  const flags = groupsDenied ? 1 : 0;
  const point = POINTS.idmap;
  return {
    parent: [
      { op: "await", point },
      ...ops,
      { op: "release", point },
    ],
    child: [{ op: "sync", point }, { op: "user.root", flags }],
    groupsDenied,
  };
}

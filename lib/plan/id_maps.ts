/**
 * User and group ids of a new user namespace.
 *
 * @module
 */
import type { Config, IdMapping } from "../config/types.ts";
import type { Host } from "../host/types.ts";
import type { NamespaceSplit } from "./namespaces.ts";
import { type ChildOp, type ParentOp, POINTS } from "./ops.ts";
import { refuse } from "./refusal.ts";

/** Lines that the kernel takes in one map. */
const MAX_LINES = 340;

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
  return lines;
}

/**
 * Plans the id maps of a start. Pure.
 *
 * setgroups(2) is denied when the starter is not root: only so does the kernel
 * let it map its own group, and no group that denies access can be dropped.
 *
 * @param config The configuration.
 * @param namespaces Its namespaces.
 * @param host The machine.
 * @returns The operations; none without a user namespace of its own.
 * @throws {ConfigError} `ConfigInvalid` when id 0 is not mapped.
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
  host: Pick<Host, "euid">,
): IdMapPart {
  if (namespaces.joined.some(({ type }) => type === "NEWUSER")) {
    return {
      parent: [],
      child: [{ op: "user.root", flags: 0 }],
      groupsDenied: false,
    };
  }
  if (!namespaces.created.has("NEWUSER")) {
    return { parent: [], child: [], groupsDenied: false };
  }
  const uids = checkMap(config.uidMappings, "uidMappings");
  const gids = checkMap(config.gidMappings, "gidMappings");
  const groupsDenied = host.euid !== 0;
  const flags = groupsDenied ? 1 : 0;
  const point = POINTS.idmap;
  return {
    parent: [
      { op: "await", point },
      {
        op: "idmap.write",
        flags,
        uids: formatIdMap(uids),
        gids: formatIdMap(gids),
      },
      { op: "release", point },
    ],
    child: [{ op: "sync", point }, { op: "user.root", flags }],
    groupsDenied,
  };
}

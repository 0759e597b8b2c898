/**
 * Id-mapped bind mounts: owners of files shown as other ids, see
 * mount_setattr(2), MOUNT_ATTR_IDMAP.
 *
 * @module
 */
import type { Config, IdMapping, Mount } from "../config/types.ts";
import { HostError } from "../errors.ts";
import { type Host, isKernelAtLeast } from "../host/types.ts";
import { formatIdMap } from "./id_maps.ts";
import type { ParentOp } from "./ops.ts";
import { refuse } from "./refusal.ts";
import type { SlotAllocator } from "./slots.ts";

/** What an id-mapped mount is planned from. */
export interface IdmapContext {
  /** The configuration. */
  readonly config: Pick<Config, "uidMappings" | "gidMappings" | "namespaces">;
  /** The machine. */
  readonly host: Pick<Host, "kernel" | "euid">;
  /** Slots of this Plan. */
  readonly slots: Pick<SlotAllocator, "take">;
  /** Slot of the user namespace that the container joins by its path. */
  readonly joinedUser?: number;
}

/** Both maps of one user namespace. */
interface Maps {
  readonly uids: readonly IdMapping[];
  readonly gids: readonly IdMapping[];
}

/** The maps of a mount: its own, else the container's; none to take those of a joined namespace. */
function mapsOf(
  mount: Mount,
  path: string,
  { config, joinedUser }: IdmapContext,
): Maps | undefined {
  const { uidMappings, gidMappings } = mount.idmap ?? {};
  if ((uidMappings === undefined) !== (gidMappings === undefined)) {
    throw refuse(
      `${path}.idmap`,
      `Cannot map the ids of ${mount.destination}: user ids and group ids need a map both; give uid_mappings and gid_mappings, or neither for the container's own`,
    );
  }
  if (uidMappings && gidMappings) {
    return { uids: uidMappings, gids: gidMappings };
  }
  if (joinedUser !== undefined) return undefined;
  const isOwn = config.namespaces.some(({ type }) => type === "NEWUSER");
  if (!isOwn || !config.uidMappings || !config.gidMappings) {
    throw refuse(
      `${path}.idmap`,
      `Cannot map the ids of ${mount.destination}: it has no maps of its own and the container has no user namespace; give it uid_mappings and gid_mappings`,
    );
  }
  return { uids: config.uidMappings, gids: config.gidMappings };
}

function checkHost(mount: Mount, host: IdmapContext["host"]): void {
  if (!isKernelAtLeast(host, 5, 12)) {
    throw new HostError(
      `Cannot map the ids of ${mount.destination}: this kernel has no id-mapped mounts (Linux 5.12 has); change the owner of ${mount.source} instead`,
    );
  }
  if (host.euid === 0) return;
  throw new HostError(
    `Cannot map the ids of ${mount.destination}: only root may map file systems of the machine; leave idmap out, or start the container as root`,
  );
}

/**
 * Plans the id map of a bind mount, on its detached tree. Pure.
 *
 * @param mount The mount.
 * @param place Its key path, and the slot of its tree.
 * @param context The configuration, the host and slots.
 * @returns Parent operations; none for a mount that is not id-mapped.
 * @throws {ConfigError} `ConfigInvalid` when there are no maps to take.
 * @throws {HostError} `HostUnsupported` without root, and before Linux 5.12.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { planIdmap } from "./mount_idmap.ts";
 * import { SlotAllocator } from "./slots.ts";
 *
 * const ids = [{ containerId: 0, hostId: 100000, size: 65536 }];
 * const mount = {
 *   device: "bind",
 *   source: "/srv/data",
 *   destination: "/data",
 *   flags: 4096,
 *   data: "",
 *   relabel: "",
 *   idmap: { uidMappings: ids, gidMappings: ids },
 * } as const;
 * const ops = planIdmap(mount, { path: "mounts[0]", slot: 20 }, {
 *   config: { namespaces: [] },
 *   host: { kernel: [6, 1], euid: 0 },
 *   slots: new SlotAllocator(),
 * });
 * assertEquals(ops.map(({ op }) => op), ["userns.make", "tree.idmap"]);
 * ```
 */
export function planIdmap(
  mount: Mount,
  place: { readonly path: string; readonly slot: number },
  context: IdmapContext,
): ParentOp[] {
  if (mount.idmap === undefined) return [];
  checkHost(mount, context.host);
  const maps = mapsOf(mount, place.path, context);
  const userns = maps === undefined ? context.joinedUser : undefined;
  const slot = userns ?? context.slots.take();
  const make: ParentOp[] = maps === undefined ? [] : [{
    op: "userns.make",
    slot,
    uids: formatIdMap(maps.uids),
    gids: formatIdMap(maps.gids),
    note: mount.source,
  }];
  return [...make, {
    op: "tree.idmap",
    flags: mount.idmap.recursive === true ? 1 : 0,
    slot: place.slot,
    userns: slot,
    note: mount.source,
  }];
}

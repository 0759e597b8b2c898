/**
 * Where the mounts of a restored container come from: the configuration may be
 * another than that of the dump, and so may the directory and the groups.
 *
 * @module
 */
import type { Config } from "../config/types.ts";
import type { ExternalMount } from "../criu/mounts.ts";
import { sourceInside } from "../plan/bind_sources.ts";
import { MOUNT_ATTRS } from "../plan/flags.ts";
import { targetInside } from "../plan/mounts.ts";
import type { OutsideMount } from "../plan/restore.ts";
import type { ResourceCgroup } from "../plan/types.ts";

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

/**
 * Moves a path from one directory to another. Pure.
 *
 * @param path Absolute path.
 * @param from Where it was; empty moves nothing.
 * @param to Where it is now.
 * @returns The path, moved if it lies in `from`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { movedPath } from "./restore_mounts.ts";
 *
 * assertEquals(movedPath("/a/rootfs", "/a", "/b"), "/b/rootfs");
 * assertEquals(movedPath("/srv", "/a", "/b"), "/srv");
 * ```
 */
export function movedPath(path: string, from: string, to: string): string {
  if (from === "" || to === "" || !isWithin(path, from)) return path;
  return to + path.slice(from.length);
}

/**
 * Moves a configuration to another directory: the root, what is bound, and the
 * layers of an overlay, as far as they lie in the old one. Pure.
 *
 * @param config The configuration.
 * @param from Directory of the container that was dumped; empty for none.
 * @param to Directory of the one that is restored; empty for none.
 * @returns The configuration.
 */
export function movedConfig(config: Config, from: string, to: string): Config {
  const { overlay } = config;
  const move = (path: string): string => movedPath(path, from, to);
  return {
    ...config,
    rootfs: move(config.rootfs),
    mounts: config.mounts.map((mount) =>
      mount.device === "bind" ? { ...mount, source: move(mount.source) } : mount
    ),
    ...(overlay && {
      overlay: {
        ...overlay,
        ...(overlay.upper !== undefined && { upper: move(overlay.upper) }),
        ...(overlay.work !== undefined && { work: move(overlay.work) }),
      },
    }),
  };
}

/** What the sources of mounts are found by. */
export interface MountSources {
  /** Mounts that come from outside, as noted at the dump. */
  readonly mounts: readonly ExternalMount[];
  /** Groups of the container that was dumped. */
  readonly oldGroups: readonly ResourceCgroup[];
  /** Groups of the one that is restored. */
  readonly newGroups: readonly ResourceCgroup[];
  /** Its configuration. */
  readonly config: Config;
  /** Moves other paths. */
  readonly move: (path: string) => string;
}

function groupSource(
  source: string,
  { oldGroups, newGroups }: MountSources,
): string | undefined {
  const old = oldGroups.find(({ path }) => isWithin(source, path));
  const found = old &&
    newGroups.find(({ version, controllers }) =>
      version === old.version && controllers[0] === old.controllers[0]
    );
  return old && found && found.path + source.slice(old.path.length);
}

/**
 * The host path that a mount of the configuration shows; none for one whose
 * source another kind of mount made inside.
 */
function hostSource(config: Config, index: number): string | undefined {
  const targets = config.mounts.slice(0, index).map(({ destination }) =>
    targetInside(destination, config.rootfs)
  );
  const { device, source = "" } = config.mounts[index] ?? {};
  if (device !== "bind") return undefined;
  const inside = sourceInside(source, config.rootfs, targets);
  if (inside === undefined) return source;
  const above = targets.findLastIndex((target) => isWithin(inside, target));
  const base = hostSource(config, above);
  return base && base + inside.slice(targets[above]?.length);
}

function configured(
  { target, source }: ExternalMount,
  { config, move }: MountSources,
): OutsideMount | undefined {
  const index = config.mounts.findLastIndex(({ device, destination }) =>
    device === "bind" && targetInside(destination, config.rootfs) === target
  );
  const of = config.mounts[index];
  return of && {
    source: hostSource(config, index) ?? move(source),
    mount: { of, path: `mounts[${index}]` },
  };
}

const ATTRIBUTES: Readonly<Record<string, number>> = {
  ro: MOUNT_ATTRS.MOUNT_ATTR_RDONLY,
  nosuid: MOUNT_ATTRS.MOUNT_ATTR_NOSUID,
  nodev: MOUNT_ATTRS.MOUNT_ATTR_NODEV,
  noexec: MOUNT_ATTRS.MOUNT_ATTR_NOEXEC,
  nosymfollow: MOUNT_ATTRS.MOUNT_ATTR_NOSYMFOLLOW,
};

function attributesOf({ restrictions = [] }: ExternalMount): number {
  return restrictions.reduce(
    (bits, name) => bits | (ATTRIBUTES[name] ?? 0),
    0,
  );
}

/** What lies below a mount of the configuration came with that. */
function nested(
  { target, source }: ExternalMount,
  sources: MountSources,
): OutsideMount | undefined {
  const [above] = sources.mounts
    .filter((other) =>
      other.target !== target && isWithin(target, other.target) &&
      isWithin(source, other.source)
    )
    .toSorted((a, b) => b.target.length - a.target.length);
  const found = above && configured(above, sources);
  return above && found &&
    { source: found.source + source.slice(above.source.length) };
}

/**
 * Finds what is to be mounted where the container had mounts from outside. Pure.
 *
 * @param sources What is known.
 * @returns A mount for each, in order.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { findSources } from "./restore_mounts.ts";
 *
 * const found = findSources({
 *   mounts: [{ key: "nsinit-0", target: "/data", source: "/a/data" }],
 *   oldGroups: [],
 *   newGroups: [],
 *   config: defaultConfig("/b/root"),
 *   move: (path) => path.replace("/a", "/b"),
 * });
 * assertEquals(found, [{ source: "/b/data" }]);
 * ```
 */
export function findSources(sources: MountSources): OutsideMount[] {
  return sources.mounts.map((mount) => {
    const group = groupSource(mount.source, sources);
    const found = group !== undefined
      ? { source: group }
      : configured(mount, sources) ?? nested(mount, sources) ??
        { source: sources.move(mount.source) };
    const attributes = attributesOf(mount);
    return attributes === 0 ? found : { ...found, attributes };
  });
}

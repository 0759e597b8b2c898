/**
 * Where the source of a bind mount is found: on the host, or inside the root
 * when an earlier mount of the configuration has made it.
 *
 * @module
 */
import { isWithin, normalizePath } from "../config/host_paths.ts";
import type { Config } from "../config/types.ts";
import type { ChildOp, ParentOp } from "./ops.ts";
import { POINTS } from "./ops.ts";

/** A source that is copied before it is mounted. */
export interface BindSource {
  /** Where the copy is kept. */
  readonly slot: number;
  /** With what is mounted below it: 1, else 0. */
  readonly flags: number;
  /** Its id map, if any. */
  readonly idmap: readonly ParentOp[];
}

/** What copying a source adds to a Plan. */
export interface SourcePart {
  /** Of the parent. */
  readonly parent: readonly ParentOp[];
  /** Of the child, when its turn has come. */
  readonly child: readonly ChildOp[];
  /** Slots that the child needs. */
  readonly slots: readonly number[];
  /** Of the parent, while the child mounts and waits for it. */
  readonly meanwhile?: readonly ParentOp[];
}

/** Flag of `tree.inside`: the parent gets the tree as well. */
const TREE_GIVE = 2;

/**
 * Tells whether a source is what an earlier mount shows inside. Pure.
 *
 * Other runtimes mount on the root's host path, where a later source of the
 * same configuration finds it. Here nothing of it is ever on the host.
 *
 * @param source A host path.
 * @param rootfs The root's host path; of the host's own root nothing is taken so.
 * @param earlier Targets of the mounts before, inside.
 * @returns The path inside, or undefined for a source of the host.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { sourceInside } from "./bind_sources.ts";
 *
 * assertEquals(sourceInside("/srv/root/mnt/x", "/srv/root", ["/mnt"]), "/mnt/x");
 * assertEquals(sourceInside("/srv/root/mnt/x", "/srv/root", ["/tmp"]), undefined);
 * ```
 */
export function sourceInside(
  source: string,
  rootfs: string,
  earlier: readonly string[],
): string | undefined {
  const root = normalizePath(rootfs);
  const path = normalizePath(source);
  if (root === "/" || path === root || !isWithin(path, root)) return undefined;
  const inside = path.slice(root.length);
  return earlier.some((target) => isWithin(inside, target))
    ? inside
    : undefined;
}

/**
 * Plans the copy of a source inside, made at its turn. Pure.
 *
 * @param path The source inside.
 * @param source What to copy.
 * Root of a user namespace may not map what it sees of the machine's file
 * systems: there the parent does it, to whom the child gives the tree.
 *
 * @param config The namespaces of the container.
 * @returns The operations.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { planInside } from "./bind_sources.ts";
 *
 * const source = { slot: 16, flags: 1, idmap: [] };
 * assertEquals(planInside("/mnt", source, { namespaces: [] }).child, [
 *   { op: "tree.inside", slot: 16, flags: 1, path: "/mnt" },
 * ]);
 * ```
 */
export function planInside(
  path: string,
  { slot, flags, idmap }: BindSource,
  { namespaces }: Pick<Config, "namespaces">,
): SourcePart {
  const open = { op: "tree.inside", slot, flags, path } as const;
  if (
    idmap.length > 0 && namespaces.some(({ type }) => type === "NEWUSER")
  ) {
    const point = POINTS.tree;
    return {
      parent: [],
      child: [{ ...open, flags: flags | TREE_GIVE }, { op: "sync", point }],
      slots: [],
      meanwhile: [
        { op: "await", point },
        ...idmap,
        { op: "release", point },
      ],
    };
  }
  return {
    parent: idmap.filter(({ op }) => op !== "tree.idmap"),
    child: [
      open,
      ...idmap.filter((op) => op.op === "tree.idmap"),
    ],
    slots: idmap.flatMap((op) =>
      op.op === "userns.make" ? [Number(op.slot)] : []
    ),
  };
}

/**
 * Reads the kinds of root beyond a plain directory: `overlay` and `host_root`.
 *
 * @module
 */
import { type ObjectReader, UINT64 } from "../object_reader.ts";
import { compact, nonEmpty } from "../reading.ts";
import type { Config, HostRoot, Overlay } from "../types.ts";

function readOverlay(inner: ObjectReader): Overlay {
  return compact<Overlay>({
    size: inner.int64("size", UINT64),
    upper: nonEmpty(inner.string("upper")),
    work: nonEmpty(inner.string("work")),
  });
}

function readHostRoot(inner: ObjectReader): HostRoot {
  return compact<HostRoot>({
    size: inner.int64("size", UINT64),
    paths: inner.strings("paths"),
  });
}

/**
 * Reads `overlay` and `host_root`.
 *
 * @param root The root object.
 * @returns What is there of both.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readRootKinds } from "./root_kinds.ts";
 *
 * const text = { overlay: { size: 1048576 } };
 * const root = new ObjectReader(new Findings(), text, []);
 * assertEquals(readRootKinds(root), { overlay: { size: 1048576 } });
 * ```
 */
export function readRootKinds(
  root: ObjectReader,
): Pick<Config, "overlay" | "hostRoot"> {
  return compact<Pick<Config, "overlay" | "hostRoot">>({
    overlay: root.object("overlay", readOverlay),
    hostRoot: root.object("host_root", readHostRoot),
  });
}

/**
 * Reads `hooks`, the programs that the runtime runs at points of a container's
 * life.
 *
 * @module
 */
import type { ObjectReader } from "../object_reader.ts";
import { compact, nonEmpty } from "../reading.ts";
import type { Hook, Hooks } from "../types.ts";

/** The points, in the order in which they come. */
export const HOOK_KINDS = [
  "prestart",
  "createRuntime",
  "createContainer",
  "startContainer",
  "poststart",
  "poststop",
] as const;

/** Early runc wrote Go's durations. */
const NANOSECONDS_PER_SECOND = 1e9;
const TIMEOUTS = { min: 1, max: 2n ** 63n - 1n };

function readHook(item: ObjectReader, unit: number): Hook {
  const timeout = item.int64("timeout", TIMEOUTS);
  return compact<Hook>({
    path: item.string("path"),
    args: item.strings("args"),
    env: item.strings("env"),
    dir: nonEmpty(item.string("dir")),
    timeout: timeout === undefined ? undefined : Number(timeout) / unit,
  });
}

/**
 * Reads `hooks`, with timeouts in seconds, or early runc's `Hooks`, with
 * timeouts in nanoseconds. The spelling of the key tells which.
 *
 * @param root The root object.
 * @returns The hooks; `undefined` when there are none.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readHooks } from "./hooks.ts";
 *
 * const text = { Hooks: { prestart: [{ Path: "/bin/net", Timeout: 5000000000 }] } };
 * const root = new ObjectReader(new Findings(), text, []);
 * assertEquals(readHooks(root), { prestart: [{ path: "/bin/net", timeout: 5 }] });
 * ```
 */
export function readHooks(root: ObjectReader): Hooks | undefined {
  const unit = root.at("hooks").at(-1) === "Hooks" ? NANOSECONDS_PER_SECOND : 1;
  const hooks = root.object("hooks", (item) => {
    const lists = HOOK_KINDS.map((kind) => {
      const list = item.objects(kind, (each) => readHook(each, unit));
      return [kind, list?.length === 0 ? undefined : list];
    });
    return compact<Hooks>(Object.fromEntries(lists));
  });
  return hooks === undefined || Object.keys(hooks).length === 0
    ? undefined
    : hooks;
}

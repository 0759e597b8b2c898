/**
 * How much memory a container has in use.
 *
 * @module
 */
import type { Int64 } from "../config/types.ts";
import { readIfThere } from "./group_files.ts";
import type { StoredState } from "./store_types.ts";

/**
 * Reads what a version 2 group uses. A limit below it makes the kernel kill at
 * once; version 1 refuses such a limit itself.
 *
 * @param state Recorded state of a container.
 * @returns Bytes; undefined where there is no such group.
 * @throws {KernelError} `SystemError` if the kernel refuses to tell.
 */
export function usedMemoryOf({ resources }: StoredState): Int64 | undefined {
  const group = resources.cgroups.find(({ version }) => version === 2);
  const text = group && readIfThere(`${group.path}/memory.current`);
  return text === undefined ? undefined : BigInt(text.trim());
}

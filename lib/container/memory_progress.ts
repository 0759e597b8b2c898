/**
 * How much memory a checkpoint has written, or a restore has filled.
 *
 * @module
 */
import type { ResourceCgroup } from "../plan/types.ts";

/** How often it is looked at, in milliseconds. */
const LOOK_MS = 200;

/** Told how many bytes are done. */
export type ProgressListener = (bytes: number) => void;

async function sizeOf(directory: string): Promise<number> {
  let bytes = 0;
  for await (const { name, isFile } of Deno.readDir(directory)) {
    if (!isFile || !name.startsWith("pages-")) continue;
    bytes += (await Deno.stat(`${directory}/${name}`)).size;
  }
  return bytes;
}

async function usedBy(groups: readonly ResourceCgroup[]): Promise<number> {
  for (const { version, path, controllers } of groups) {
    if (!controllers.includes("memory")) continue;
    const file = version === 1 ? "memory.usage_in_bytes" : "memory.current";
    return Number(await Deno.readTextFile(`${path}/${file}`));
  }
  return 0;
}

/** Looks again and again while something is done; what cannot be read is left out. */
async function during<T>(
  look: () => Promise<number>,
  listener: ProgressListener | undefined,
  action: () => Promise<T>,
): Promise<T> {
  if (!listener) return await action();
  const timer = setInterval(() => {
    look().then(listener, () => {
      // It is made or removed at this moment: the next look tells.
    });
  }, LOOK_MS);
  try {
    return await action();
  } finally {
    clearInterval(timer);
  }
}

/**
 * Tells how many bytes of memory images hold while they are written.
 *
 * @param directory Directory of the images.
 * @param listener Told; nothing is looked at without it.
 * @param action Writes them.
 * @returns What the action returns.
 */
export function whileDumping<T>(
  directory: string,
  listener: ProgressListener | undefined,
  action: () => Promise<T>,
): Promise<T> {
  return during(() => sizeOf(directory), listener, action);
}

/**
 * Tells how much memory groups use while they are filled.
 *
 * @param groups The groups.
 * @param listener Told; nothing is looked at without it.
 * @param action Fills them.
 * @returns What the action returns.
 */
export function whileRestoring<T>(
  groups: readonly ResourceCgroup[],
  listener: ProgressListener | undefined,
  action: () => Promise<T>,
): Promise<T> {
  return during(() => usedBy(groups), listener, action);
}

/**
 * Tells how many bytes of memory images hold.
 *
 * @param directory Directory of the images.
 * @returns Bytes.
 */
export function memoryIn(directory: string): Promise<number> {
  return sizeOf(directory);
}

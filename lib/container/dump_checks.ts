/**
 * Refuses to dump what could not be restored, or what is not offered here.
 *
 * @module
 */
import { askFeatures, type Criu } from "../criu/program.ts";
import { HostError } from "../errors.ts";
import type { CheckpointOptions } from "./checkpoint.ts";
import type { StoredState } from "./store_types.ts";

/**
 * Words a refusal. Pure.
 *
 * @param id The container.
 * @param why What forbids it, and what to do.
 * @returns The error.
 */
export function unsupported(id: string, why: string): HostError {
  return new HostError(`Cannot checkpoint container ${id}: ${why}`);
}

/**
 * Refuses what could not be restored. Pure.
 *
 * @param state The container.
 * @throws {HostError} `HostUnsupported`, with what cannot.
 */
export function checkConfig({ id, config, resources }: StoredState): void {
  if (resources.place !== undefined) {
    throw unsupported(
      id,
      "it has no mount namespace of its own, and images do not hold what is mounted in that of others",
    );
  }
  if (config.hostRoot !== undefined) {
    throw unsupported(
      id,
      "its root is made of the host's directories and memory, which images do not hold; give it a root file system",
    );
  }
  if (config.overlay !== undefined && config.overlay.upper === undefined) {
    throw unsupported(
      id,
      "its overlay lies in memory, which images do not hold; give the overlay a directory (upper)",
    );
  }
  const joined = config.namespaces.find(({ type, path }) =>
    path !== undefined && type !== "NEWNET"
  );
  if (joined) {
    throw unsupported(
      id,
      `its namespace ${joined.type} is that of ${joined.path}; only network namespaces of others are given back`,
    );
  }
}

/**
 * Refuses what CRIU or the kernel does not offer.
 *
 * @param criu The program.
 * @param id The container.
 * @param options What was asked for.
 * @throws {HostError} `HostUnsupported`, with what is missing.
 */
export async function checkFeatures(
  criu: Criu,
  id: string,
  { preDump, parentPath, lazyPages }: CheckpointOptions,
): Promise<void> {
  const tracks = preDump || parentPath !== undefined;
  if (!tracks && !lazyPages) return;
  const found = await askFeatures(criu, {
    ...(tracks && { memoryTracking: true }),
    ...(lazyPages && { lazyPages: true }),
  });
  if (tracks && !found.memoryTracking) {
    throw unsupported(
      id,
      "this kernel does not track changed memory (CONFIG_MEM_SOFT_DIRTY; criu check --feature mem_dirty_track), which --pre-dump and --parent-path need; leave them out",
    );
  }
  if (lazyPages && !found.lazyPages) {
    throw unsupported(
      id,
      "this kernel or CRIU does not offer lazy pages (userfaultfd; criu check --feature uffd-noncoop); leave --lazy-pages out",
    );
  }
}

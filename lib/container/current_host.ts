/**
 * What a program that starts many containers knows of its machine.
 *
 * Finding out takes some thirty files, as much time as a third of a start.
 *
 * @module
 */
import { makeAnchor, mountTable, placesStamp } from "../../ffi/mount_table.ts";
import {
  GROUPS_OF_INIT,
  mountPlaces,
  probeAgain,
  probeHost,
} from "../host/probe.ts";
import { type Host, isHostRoot } from "../host/types.ts";

let known: Host | undefined;
/** What was mounted then at the places that it was found at. */
let stamp: bigint | undefined;
/** Those places. */
let places: readonly string[] = [];

/**
 * The machine as it is. Of what is asked of it only mounts change while it
 * runs, and the kernel tells when they do: a program that starts containers
 * beside others sees that all the time, and mostly nothing that matters has
 * changed. Then it is the same object, by which plans are known. A user's share
 * of it, which others give and take, is looked at each time.
 *
 * @returns The machine.
 * @throws {HostError} `HostUnsupported` on an architecture that is not supported.
 *
 * @example
 * ```ts ignore
 * const { cgroup } = currentHost();
 * ```
 */
export function currentHost(): Host {
  const hasChanged = mountTable.hasChanged();
  if (known && !hasChanged) return known;
  if (known && stamp !== undefined && stampOf(places) === stamp) return known;
  const host = known ? probeAgain(known) : probeHost();
  known = host.euid === 0 ? host : undefined;
  stamp = undefined;
  if (known && isHostRoot(known)) {
    // Looked at last: what is mounted meanwhile changes the table once more.
    places = mountPlaces(known);
    stamp = stampOf(places);
  }
  return host;
}

function stampOf(paths: readonly string[]): bigint {
  return placesStamp(GROUPS_OF_INIT, paths);
}

/** Has the machine looked at again, after a failure that may come from what was known. */
export function forgetHost(): void {
  known = undefined;
}

/** Inode of the first user namespace (`PROC_USER_INIT_INO` of the kernel). */
const INIT_USER_NAMESPACE = 0xeffffffd;

let canAnchor: boolean | undefined;

/**
 * Whether this program has a mount namespace for its containers to begin in,
 * which is made at the first call. Making it costs more than a single start
 * gains: it is not for command lines.
 *
 * Only in the first user namespace: in others procfs and sysfs may be mounted
 * only where one is in sight.
 *
 * @param host The machine.
 * @returns False where the kernel refuses.
 *
 * @example
 * ```ts ignore
 * const isThere = hasAnchor(currentHost());
 * ```
 */
export function hasAnchor({ euid, userNamespaceInode }: Host): boolean {
  if (euid !== 0 || userNamespaceInode !== INIT_USER_NAMESPACE) return false;
  return canAnchor ??= makeAnchor();
}

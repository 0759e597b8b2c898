/**
 * What a program that starts many containers knows of its machine.
 *
 * Finding out takes some thirty files, as much time as a third of a start.
 *
 * @module
 */
import { mountTable } from "../../ffi/mount_table.ts";
import { probeHost } from "../host/probe.ts";
import type { Host } from "../host/types.ts";

let known: Host | undefined;

/**
 * The machine as it is. Of what is asked of it only mounts change while it
 * runs, and the kernel tells when they do; a user's share of it, which others
 * give and take, is looked at each time.
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
  const host = probeHost();
  known = host.euid === 0 ? host : undefined;
  return host;
}

/** Has the machine looked at again, after a failure that may come from what was known. */
export function forgetHost(): void {
  known = undefined;
}

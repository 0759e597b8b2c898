/**
 * Kinds of mount.
 *
 * @module
 */
import type { OriginalMountDevice } from "../types.ts";

/** Kinds of mount that a container.json may name. */
export const MOUNT_DEVICES: readonly OriginalMountDevice[] = [
  "proc",
  "sysfs",
  "mqueue",
  "tmpfs",
  "devpts",
  "bind",
  "cgroup",
];

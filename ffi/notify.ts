/**
 * Descriptors by which the kernel tells of events of control groups.
 *
 * @module
 */
import { library } from "./library.ts";
import { cString, unwrap } from "./native.ts";

const EAGAIN = 11;

/**
 * Connects an eventfd with a file of a version 1 group. Its count also grows
 * once when the group is removed.
 *
 * @param group Directory of the group.
 * @param file Its file, e.g. `memory.oom_control`.
 * @param argument What the kind of event takes besides; empty for nothing.
 * @returns The eventfd, owned by the caller.
 * @throws {KernelError} `SystemError` if the kernel refuses.
 *
 * @example
 * ```ts ignore
 * const fd = openGroupEvent("/sys/fs/cgroup/memory/demo", "memory.oom_control", "");
 * ```
 */
export function openGroupEvent(
  group: string,
  file: string,
  argument: string,
): number {
  const fd = library().nsi_notify_event(
    cString(group),
    cString(file),
    cString(argument),
  );
  return unwrap(fd, `ask for events of ${group}/${file}`);
}

/**
 * Reads and clears the count of an eventfd.
 *
 * @param fd The eventfd.
 * @returns How many events there were since the last time; 0 for none.
 * @throws {KernelError} `SystemError` if it cannot be read.
 */
export function readEventCount(fd: number): number {
  const out = new BigUint64Array(1);
  const result = Number(
    library().nsi_read(fd, new Uint8Array(out.buffer), 8n),
  );
  if (result === -EAGAIN) return 0;
  unwrap(result, "read an eventfd");
  return Number(out[0]);
}

/**
 * Sets a trigger on a pressure file of a version 2 group, which is told by
 * priority events as long as the descriptor is open.
 *
 * @param group Directory of the group.
 * @param file Its file, e.g. `memory.pressure`.
 * @param trigger `some` or `full`, microseconds of waiting, microseconds of window.
 * @returns The descriptor, owned by the caller.
 * @throws {KernelError} `SystemError` if the kernel refuses.
 */
export function openPressureTrigger(
  group: string,
  file: string,
  trigger: string,
): number {
  const fd = library().nsi_notify_pressure(
    cString(group),
    cString(file),
    cString(trigger),
  );
  return unwrap(fd, `set a trigger on ${group}/${file}`);
}

/**
 * What this kernel lets us do, found out by trying; nothing is changed.
 *
 * @module
 */
import { library } from "./library.ts";

/**
 * Tries to make namespaces in a child that ends at once.
 *
 * @param flags `CLONE_NEW*` of clone(2), all together.
 * @param options `proc`: a new `/proc` is mounted there as well.
 * @returns 0, or the number of the error.
 *
 * @example
 * ```ts ignore
 * const CLONE_NEWUSER = 0x10000000;
 * if (probeNamespaces(CLONE_NEWUSER) !== 0) console.log("no user namespaces");
 * ```
 */
export function probeNamespaces(
  flags: number,
  { proc = false }: { readonly proc?: boolean } = {},
): number {
  return -library().nsi_probe_namespaces(flags >>> 0, proc ? 1 : 0);
}

/**
 * Tries a system call with arguments that cannot be right.
 *
 * @param number Its number, 424 or above: the same on every architecture.
 * @returns The number of the error; 38 (ENOSYS) when there is no such call.
 *
 * @example
 * ```ts ignore
 * const OPENAT2 = 437;
 * if (probeCall(OPENAT2) === 38) console.log("before Linux 5.6");
 * ```
 */
export function probeCall(number: number): number {
  return -library().nsi_probe_call(number);
}

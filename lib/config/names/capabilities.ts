/**
 * Capability names and numbers, as in `linux/capability.h`.
 *
 * @module
 */

/**
 * All capabilities of Linux 6.x; a name's index is its number.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { CAPABILITIES } from "./capabilities.ts";
 *
 * assertEquals(CAPABILITIES.indexOf("SYS_ADMIN"), 21);
 * ```
 */
export const CAPABILITIES = [
  "CHOWN",
  "DAC_OVERRIDE",
  "DAC_READ_SEARCH",
  "FOWNER",
  "FSETID",
  "KILL",
  "SETGID",
  "SETUID",
  "SETPCAP",
  "LINUX_IMMUTABLE",
  "NET_BIND_SERVICE",
  "NET_BROADCAST",
  "NET_ADMIN",
  "NET_RAW",
  "IPC_LOCK",
  "IPC_OWNER",
  "SYS_MODULE",
  "SYS_RAWIO",
  "SYS_CHROOT",
  "SYS_PTRACE",
  "SYS_PACCT",
  "SYS_ADMIN",
  "SYS_BOOT",
  "SYS_NICE",
  "SYS_RESOURCE",
  "SYS_TIME",
  "SYS_TTY_CONFIG",
  "MKNOD",
  "LEASE",
  "AUDIT_WRITE",
  "AUDIT_CONTROL",
  "SETFCAP",
  "MAC_OVERRIDE",
  "MAC_ADMIN",
  "SYSLOG",
  "WAKE_ALARM",
  "BLOCK_SUSPEND",
  "AUDIT_READ",
  "PERFMON",
  "BPF",
  "CHECKPOINT_RESTORE",
] as const;

/** Name of a capability, without `CAP_`. */
export type CapabilityName = typeof CAPABILITIES[number];

const BY_NAME: ReadonlyMap<string, CapabilityName> = new Map(
  CAPABILITIES.map((name) => [name, name]),
);

/**
 * Reads the name of a capability, with or without `CAP_`, in any case.
 *
 * @param name The name.
 * @returns The capability; `undefined` when Linux has none of that name.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseCapability } from "./capabilities.ts";
 *
 * assertEquals(parseCapability("cap_net_raw"), "NET_RAW");
 * ```
 */
export function parseCapability(name: string): CapabilityName | undefined {
  return BY_NAME.get(name.toUpperCase().replace(/^CAP_/, ""));
}

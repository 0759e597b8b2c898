/**
 * Files of procfs that may be mounted over.
 *
 * @module
 */

/**
 * Single files that programs like lxcfs replace. They are read, not trusted:
 * a mount over anything else in /proc could fake labels or limits
 * (CVE-2015-3631).
 */
export const PROC_FILES: ReadonlySet<string> = new Set([
  "/proc/cpuinfo",
  "/proc/meminfo",
  "/proc/stat",
  "/proc/swaps",
  "/proc/uptime",
  "/proc/loadavg",
  "/proc/diskstats",
  "/proc/slabinfo",
  "/proc/net/dev",
  "/proc/sys/kernel/ns_last_pid",
  "/proc/sys/crypto/fips_enabled",
]);

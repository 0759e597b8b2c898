/**
 * What puts a file of a group back to what it was.
 *
 * @module
 */

/** What sets a block device free in a file. */
function liftText(file: string, device: string): string {
  if (file === "io.max") {
    return `${device} rbps=max wbps=max riops=max wiops=max`;
  }
  return file.startsWith("io.") ? `${device} default` : `${device} 0`;
}

/**
 * Makes the text that undoes a write. Pure.
 *
 * The files say what holds in more lines and words than they take: of a file
 * with a line per device (or interface) only the line that was changed counts.
 *
 * @param file Name of the file.
 * @param value What was written.
 * @param before Text of the file before that.
 * @returns What has to be written.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { restoreText } from "./restore.ts";
 *
 * assertEquals(restoreText("pids.max", "5", "max\n"), "max");
 * assertEquals(restoreText("blkio.throttle.read_bps_device", "8:0 5", "8:16 9\n"), "8:0 0");
 * assertEquals(restoreText("memory.oom_control", "1", "oom_kill_disable 0\nunder_oom 0\n"), "0");
 * ```
 */
export function restoreText(
  file: string,
  value: string,
  before: string,
): string {
  const lines = before.trim().split("\n");
  const [key = "", rest] = value.split(" ");
  const isKeyed = rest !== undefined &&
    (/^\d+:\d+$/.test(key) || file === "net_prio.ifpriomap");
  if (isKeyed) {
    const line = lines.find((each) => each.startsWith(`${key} `));
    return line ?? liftText(file, key);
  }
  if (file === "memory.oom_control") {
    return /^oom_kill_disable ([01])$/m.exec(before)?.[1] ?? "0";
  }
  // Weights: the group's own stands before those of devices.
  const own = /^default (\d+)$/m.exec(before)?.[1];
  return own ?? lines.join("\n");
}

/**
 * Traffic of network interfaces. Pure.
 *
 * @module
 */
import { malformed, parseCount } from "./numbers.ts";
import type { InterfaceStats } from "./types.ts";

/**
 * Reads `/proc/PID/net/dev`, which tells of the network namespace of that
 * process without anyone entering it.
 *
 * @param text Contents of the file.
 * @param path Its path, for the error.
 * @returns One entry per interface, in the kernel's order.
 * @throws {KernelError} `SystemError` (EBADMSG) if the file is malformed.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseNetDev } from "./network.ts";
 *
 * const text = "Inter-|\n face |\n eth0: 10 1 0 0 0 0 0 0 20 2 0 0 0 0 0 0\n";
 * const [eth0] = parseNetDev(text, "/proc/1/net/dev");
 * assertEquals([eth0?.name, eth0?.rxBytes, eth0?.txBytes], ["eth0", 10, 20]);
 * ```
 */
export function parseNetDev(text: string, path: string): InterfaceStats[] {
  const [, , ...lines] = text.split("\n");
  return lines.filter((line) => line.trim() !== "").map((line) => {
    const match = /^\s*([^\s:]+):\s*((?:\d+\s*){16})$/.exec(line);
    if (!match) throw malformed(path, line);
    const [, name = "", rest = ""] = match;
    const columns = rest.trim().split(/\s+/).map((column) =>
      parseCount(column, path)
    );
    const at = (index: number): InterfaceStats["rxBytes"] =>
      columns[index] ?? 0;
    return {
      name,
      rxBytes: at(0),
      rxPackets: at(1),
      rxErrors: at(2),
      rxDropped: at(3),
      txBytes: at(8),
      txPackets: at(9),
      txErrors: at(10),
      txDropped: at(11),
    };
  });
}

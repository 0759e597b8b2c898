/**
 * Packet classes and priorities -> files of net_cls and net_prio (version 1).
 *
 * @module
 */
import type { Resources } from "../../config/types.ts";
import { type CgroupVersion, type LimitWrite, notInV2 } from "./types.ts";

/**
 * Lists the writes for the network settings of a group. Pure.
 *
 * @param resources The settings.
 * @param version Version of the hierarchies of the host.
 * @returns The writes in order.
 * @throws {HostError} `HostUnsupported` on version 2, which has neither controller.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { networkWrites } from "./network.ts";
 *
 * assertEquals(networkWrites({ netClsClassid: 0x100001 }, 1)[0]?.value, "1048577");
 * ```
 */
export function networkWrites(
  { netClsClassid, netPrioIfpriomap }: Resources,
  version: CgroupVersion,
): LimitWrite[] {
  const writes: LimitWrite[] = [];
  if (netClsClassid !== undefined && netClsClassid !== 0) {
    writes.push({
      limit: "netClsClassid",
      controller: "net_cls",
      file: "net_cls.classid",
      value: String(netClsClassid),
    });
  }
  for (const { interface: name, priority } of netPrioIfpriomap ?? []) {
    writes.push({
      limit: "netPrioIfpriomap",
      controller: "net_prio",
      file: "net_prio.ifpriomap",
      value: `${name} ${priority}`,
    });
  }
  const [first] = writes;
  if (version === 2 && first) {
    throw notInV2(first.limit, "leave it out and match the group in nftables");
  }
  return writes;
}

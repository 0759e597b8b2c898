/**
 * Limits of RDMA devices -> lines of rdma.max, the same in both versions.
 *
 * @module
 */
import type { Resources } from "../../config/types.ts";
import type { LimitWrite } from "./types.ts";

/**
 * Lists the writes for the RDMA limits of a group. Pure.
 *
 * @param resources The limits.
 * @returns One write for each device.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { rdmaWrites } from "./rdma.ts";
 *
 * const rdma = [{ device: "mlx5_1", hcaHandles: 3 }];
 * assertEquals(rdmaWrites({ rdma })[0]?.value, "mlx5_1 hca_handle=3");
 * ```
 */
export function rdmaWrites({ rdma }: Resources): LimitWrite[] {
  return (rdma ?? []).map(({ device, hcaHandles, hcaObjects }) => ({
    limit: "rdma",
    controller: "rdma",
    file: "rdma.max",
    value: [
      device,
      ...hcaHandles === undefined ? [] : [`hca_handle=${hcaHandles}`],
      ...hcaObjects === undefined ? [] : [`hca_object=${hcaObjects}`],
    ].join(" "),
  }));
}

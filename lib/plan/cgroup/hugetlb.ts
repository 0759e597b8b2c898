/**
 * Huge page limits -> files of the hugetlb controller.
 *
 * @module
 */
import type { Resources } from "../../config/types.ts";
import { refuse } from "../refusal.ts";
import type { CgroupVersion, LimitWrite } from "./types.ts";

/**
 * Lists the writes for the huge page limits of a group. Pure.
 *
 * @param resources The limits in bytes per page size.
 * @param version Version of the hierarchy that carries the controller.
 * @returns The writes in order.
 * @throws {ConfigError} `ConfigInvalid` for a page size of another form than `2MB`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { hugetlbWrites } from "./hugetlb.ts";
 *
 * const resources = { hugetlbLimit: [{ pageSize: "2MB", limit: 4194304 }] };
 * assertEquals(hugetlbWrites(resources, 1)[0]?.file, "hugetlb.2MB.limit_in_bytes");
 * assertEquals(hugetlbWrites(resources, 2)[0]?.file, "hugetlb.2MB.max");
 * ```
 */
export function hugetlbWrites(
  { hugetlbLimit }: Resources,
  version: CgroupVersion,
): LimitWrite[] {
  return (hugetlbLimit ?? []).flatMap(({ pageSize, limit }, index) => {
    // The size becomes part of a file name.
    if (!/^[1-9]\d*[KMG]B$/.test(pageSize)) {
      throw refuse(
        `cgroups.hugetlbLimit[${index}].pageSize`,
        `Cannot limit huge pages of size ${
          JSON.stringify(pageSize)
        }: a size is a number and KB, MB or GB, such as 2MB`,
      );
    }
    const suffix = version === 1 ? "limit_in_bytes" : "max";
    const unlimited = BigInt(limit) < 0n && version === 2;
    const write = {
      limit: "hugetlbLimit",
      controller: "hugetlb",
      value: unlimited ? "max" : String(limit),
    } as const;
    // What is used, and since Linux 5.7 what is reserved: a program that maps
    // too much is told so, where it would be killed when it touches it.
    return [
      { ...write, file: `hugetlb.${pageSize}.${suffix}` },
      {
        ...write,
        file: `hugetlb.${pageSize}.rsvd.${suffix}`,
        optional: true as const,
      },
    ];
  });
}

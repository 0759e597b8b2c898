/**
 * Namespaces: names, `CLONE_*` flags, and files under `/proc/PID/ns`.
 *
 * @module
 */
import type { NamespaceType } from "../types.ts";

/** Flag of clone(2), file under `/proc/PID/ns`, and OCI name of each namespace. */
export const NAMESPACES: {
  readonly [Type in NamespaceType]: {
    readonly flag: number;
    readonly file: string;
    readonly oci: string;
  };
} = {
  NEWNS: { flag: 0x00020000, file: "mnt", oci: "mount" },
  NEWUTS: { flag: 0x04000000, file: "uts", oci: "uts" },
  NEWIPC: { flag: 0x08000000, file: "ipc", oci: "ipc" },
  NEWPID: { flag: 0x20000000, file: "pid", oci: "pid" },
  NEWNET: { flag: 0x40000000, file: "net", oci: "network" },
  NEWUSER: { flag: 0x10000000, file: "user", oci: "user" },
  NEWCGROUP: { flag: 0x02000000, file: "cgroup", oci: "cgroup" },
  NEWTIME: { flag: 0x00000080, file: "time", oci: "time" },
};

/** All namespace names, in the original's order. */
export const NAMESPACE_TYPES: readonly NamespaceType[] = [
  "NEWNS",
  "NEWUTS",
  "NEWIPC",
  "NEWPID",
  "NEWNET",
  "NEWUSER",
  "NEWCGROUP",
  "NEWTIME",
];

/**
 * Reads the name of a namespace: `NEWNS`, `CLONE_NEWNS`, or OCI's `mount`.
 *
 * @param name The name, in any case.
 * @returns The namespace; `undefined` when there is none of that name.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseNamespaceType } from "./namespaces.ts";
 *
 * assertEquals(parseNamespaceType("network"), "NEWNET");
 * ```
 */
export function parseNamespaceType(name: string): NamespaceType | undefined {
  const upper = name.toUpperCase().replace(/^CLONE_/, "");
  const lower = name.toLowerCase();
  return NAMESPACE_TYPES.find((type) =>
    type === upper || NAMESPACES[type].oci === lower
  );
}

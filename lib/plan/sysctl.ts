/**
 * Kernel parameters: only those that belong to a namespace of the container.
 *
 * @module
 */
import type { Config, NamespaceType } from "../config/types.ts";
import type { Op } from "./ops.ts";
import { refuse } from "./refusal.ts";

/** Parameters by pattern of their path, and the namespace that holds them. */
const NAMESPACED: readonly (readonly [pattern: RegExp, type: NamespaceType])[] =
  [
    [/^kernel\/(msg[a-z_]+|sem|sem_next_id|shm[a-z_]+)$/, "NEWIPC"],
    [/^fs\/mqueue\/[a-z_]+$/, "NEWIPC"],
    [/^net\/.+$/, "NEWNET"],
    [/^kernel\/domainname$/, "NEWUTS"],
    [/^user\/[a-z_]+$/, "NEWUSER"],
  ];

/**
 * Brings the name of a parameter into the form of a path. Pure.
 *
 * As sysctl(8): the first separator decides. `net.ipv4.conf.eth0/1.forwarding`
 * and `net/ipv4/conf/eth0.1/forwarding` are the same.
 *
 * @param key The name.
 * @returns Path below `/proc/sys`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { sysctlPath } from "./sysctl.ts";
 *
 * assertEquals(sysctlPath("kernel.shmmni"), "kernel/shmmni");
 * assertEquals(sysctlPath("net/ipv4/conf/eth0.1/forwarding"), "net/ipv4/conf/eth0.1/forwarding");
 * ```
 */
export function sysctlPath(key: string): string {
  const first = /[./]/.exec(key)?.[0];
  if (first !== ".") return key;
  return key.replace(/[./]/g, (mark) => mark === "." ? "/" : ".");
}

function isPlainPath(path: string): boolean {
  return path.split("/").every((part) =>
    part !== "" && part !== "." && part !== ".." && /^[\w.:@-]+$/.test(part)
  );
}

/**
 * Plans the kernel parameters. Pure.
 *
 * @param config The configuration.
 * @returns One operation for each.
 * @throws {ConfigError} `ConfigInvalid` for a parameter of the host, for one
 * whose namespace is shared with the host, and for values of several lines.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { planSysctls } from "./sysctl.ts";
 *
 * const config = { ...defaultConfig("/srv/root"), sysctl: { "kernel.shmmni": "64" } };
 * assertEquals(planSysctls(config), [
 *   { op: "sysctl.write", key: "kernel/shmmni", value: "64" },
 * ]);
 * ```
 */
export function planSysctls(
  config: Config,
): Op<"sysctl.write" | "domainname.set">[] {
  const types = new Set(config.namespaces.map(({ type }) => type));
  return Object.entries(config.sysctl ?? {}).map(([name, value]) => {
    const key = sysctlPath(name);
    const where = `sysctl.${name}`;
    const needed = isPlainPath(key)
      ? NAMESPACED.find(([pattern]) => pattern.test(key))?.[1]
      : undefined;
    if (needed === undefined) {
      throw refuse(
        where,
        key === "kernel/hostname"
          ? "Cannot set kernel.hostname as a parameter: use hostname"
          : `Cannot set ${name}: it belongs to the whole host; a container may set kernel.msg*, kernel.sem, kernel.shm*, fs.mqueue.*, net.*, kernel.domainname and user.*`,
      );
    }
    if (!types.has(needed)) {
      throw refuse(
        where,
        `Cannot set ${name}: the container shares it with the host; add {"type": "${needed}"} to namespaces`,
      );
    }
    if (/[\0\n]/.test(value)) {
      throw refuse(where, `Cannot set ${name}: the value has several lines`);
    }
    // The file belongs to the host's root, who is nobody in a user namespace.
    return key === "kernel/domainname" && types.has("NEWUSER")
      ? { op: "domainname.set", name: value }
      : { op: "sysctl.write", key, value };
  });
}

/**
 * Device nodes and the usual links of `/dev`.
 *
 * @module
 */
import { normalizePath } from "../config/host_paths.ts";
import type { Config, Device } from "../config/types.ts";
import { type Host, INITIAL_USER_NAMESPACE } from "../host/types.ts";
import { FILE_TYPES } from "./flags.ts";
import type { ChildOp, Op } from "./ops.ts";
import { refuse } from "./refusal.ts";
import { targetInside } from "./mounts.ts";

const TYPES = {
  c: FILE_TYPES.S_IFCHR,
  b: FILE_TYPES.S_IFBLK,
  p: FILE_TYPES.S_IFIFO,
} as const;

/** Links that programs expect; an existing name is kept. */
const LINKS: readonly (readonly [path: string, target: string])[] = [
  ["/dev/fd", "/proc/self/fd"],
  ["/dev/stdin", "/proc/self/fd/0"],
  ["/dev/stdout", "/proc/self/fd/1"],
  ["/dev/stderr", "/proc/self/fd/2"],
];

/**
 * Encodes a device number as mknod(2) takes it. Pure.
 *
 * @param major Major number, below 4096.
 * @param minor Minor number, below 2^20.
 * @returns The number.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { deviceNumber } from "./devices.ts";
 *
 * assertEquals(deviceNumber(1, 3), 0x103);
 * assertEquals(deviceNumber(10, 0x123), 0x100a23);
 * ```
 */
export function deviceNumber(major: number, minor: number): number {
  return (minor & 0xff) + (major << 8) + (minor >> 8) * 0x100000;
}

/**
 * Whether nodes must be bound from the host: mknod(2) is refused in every user
 * namespace but the initial one. Pure.
 *
 * @param config The configuration.
 * @param host The machine.
 * @returns True when nodes cannot be made.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { needsBoundNodes } from "./devices.ts";
 *
 * assert(!needsBoundNodes(defaultConfig("/srv/root"), {}));
 * assert(needsBoundNodes(defaultConfig("/srv/root"), { userNamespaceInode: 5 }));
 * ```
 */
export function needsBoundNodes(
  config: Config,
  host: Pick<Host, "userNamespaceInode">,
): boolean {
  const inode = host.userNamespaceInode ?? INITIAL_USER_NAMESPACE;
  return inode !== INITIAL_USER_NAMESPACE ||
    config.namespaces.some(({ type }) => type === "NEWUSER");
}

function nodeOp(
  device: Device,
  path: string,
  isBound: boolean,
): Op<"device.make"> {
  const { type, major, minor, fileMode, uid, gid } = device;
  if (type === "a") {
    throw refuse(
      `${path}.type`,
      `Cannot make the node ${device.path}: type a is for rules, nodes are c, b or p`,
    );
  }
  const inRange = major >= 0 && major < 4096 && minor >= 0 &&
    minor < 1 << 20;
  if (type !== "p" && !inRange) {
    throw refuse(
      path,
      `Cannot make the node ${device.path}: ${major}:${minor} is no device number; -1 is for rules`,
    );
  }
  if (!device.path.startsWith("/")) {
    throw refuse(
      `${path}.path`,
      `Cannot make the node ${
        JSON.stringify(device.path)
      }: must be an absolute path`,
    );
  }
  return {
    op: "device.make",
    flags: isBound && type !== "p" ? 1 : 0,
    type: TYPES[type],
    device: type === "p" ? 0 : deviceNumber(major, minor),
    mode: fileMode & 0o7777,
    uid,
    gid,
    path: normalizePath(device.path),
  };
}

/**
 * Plans nodes and links of `/dev`. Pure.
 *
 * Nothing is done in a `/dev` that is bound from the host: it would be done to
 * the host.
 *
 * @param config The configuration.
 * @param host The machine.
 * @returns Child operations.
 * @throws {ConfigError} `ConfigInvalid` for nodes that cannot be.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { planDevices } from "./devices.ts";
 *
 * const ops = planDevices(defaultConfig("/srv/root"), {});
 * assertEquals(ops.filter(({ op }) => op === "device.make").length, 6);
 * ```
 */
export function planDevices(
  config: Config,
  host: Pick<Host, "userNamespaceInode" | "kcore">,
): ChildOp[] {
  const targets = new Map(config.mounts.map(({ destination, device }) => [
    targetInside(destination, config.rootfs),
    device,
  ]));
  const dev = targets.get("/dev");
  if (dev === "bind") return [];
  if (dev === undefined && config.devices.length === 0) return [];
  const isBound = needsBoundNodes(config, host);
  const links = targets.has("/proc") && host.kcore !== false
    ? [...LINKS, ["/dev/core", "/proc/kcore"] as const]
    : LINKS;
  return [
    ...config.devices.map((device, index): ChildOp =>
      nodeOp(device, `devices[${index}]`, isBound)
    ),
    ...links.map(([path, target]): ChildOp => ({
      op: "link.make",
      flags: 0,
      path,
      target,
    })),
    // A node in its place would lead to the host's terminals.
    ...(targets.has("/dev/pts")
      ? [
        {
          op: "link.make",
          flags: 1,
          path: "/dev/ptmx",
          target: "pts/ptmx",
        } as const,
      ]
      : []),
  ];
}

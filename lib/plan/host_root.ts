/**
 * What a host root is made of: (configuration, user, layout) -> trees and files.
 *
 * @module
 */
import { NETWORK_PATHS, type RootLayout } from "../host/root_layout.ts";
import type { Config } from "../config/types.ts";
import { MOUNT_ATTRS } from "./flags.ts";
import { isMapped } from "./id_maps.ts";
import type { ChildOp } from "./ops.ts";
import { HOST_ROOT_ID, sizeOptions } from "./root.ts";
import type { HostRootParts, HostRootTree } from "./types.ts";

/** Bytes that may be written where nothing else is said. */
const DEFAULT_SIZE = 256 * 1024 * 1024;

const { MOUNT_ATTR_RDONLY, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NODEV } = MOUNT_ATTRS;
const { MOUNT_ATTR_NOEXEC } = MOUNT_ATTRS;
/** Of what is shown of the host. */
const READ_ONLY = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;

/** Directories that are made new, with their modes. */
const DIRECTORIES: readonly (readonly [path: string, mode: number])[] = [
  ["/etc", 0o755],
  ["/home", 0o755],
  ["/root", 0o700],
  ["/run", 0o755],
  ["/tmp", 0o1777],
  ["/var", 0o755],
  ["/var/tmp", 0o1777],
];

/** Permission to pass through a directory. */
const SEARCH = 0o111;

const LINKS: readonly (readonly [path: string, target: string])[] = [
  ["/etc/mtab", "../proc/self/mounts"],
  ["/var/run", "../run"],
];

/** Sources of names: files alone, since no service of the host is reached. */
const NSSWITCH = `passwd: files
group: files
shadow: files
hosts: files dns
networks: files
protocols: files
services: files
`;

/** An account of the container. */
interface Account {
  readonly name: string;
  readonly group: string;
  readonly uid: number;
  readonly gid: number;
}

/** The user that was asked for by number, unless it has an account anyway. */
function namedByNumber(user: string): Account[] {
  const [, first, second] = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(user) ?? [];
  const uid = Number(first ?? 0);
  if (uid === 0 || uid === HOST_ROOT_ID) return [];
  const gid = Number(second ?? uid);
  return [{ name: "user", group: "user", uid, gid }];
}

/** Accounts with a home in `/home`, of ids that exist inside. */
function accountsOf(config: Config, user: string): Account[] {
  const nobody: Account = {
    name: "nobody",
    group: "nogroup",
    uid: HOST_ROOT_ID,
    gid: HOST_ROOT_ID,
  };
  return [nobody, ...namedByNumber(user)].filter(({ uid, gid }) =>
    isMapped(config.uidMappings, uid) && isMapped(config.gidMappings, gid)
  );
}

function passwdText(accounts: readonly Account[]): string {
  const lines = accounts.map(({ name, uid, gid }) =>
    `${name}:x:${uid}:${gid}:${name}:/home/${name}:/bin/sh\n`
  );
  return `root:x:0:0:root:/root:/bin/sh\n${lines.join("")}`;
}

function groupText(accounts: readonly Account[]): string {
  const lines = accounts.filter(({ gid }) => gid !== 0 && gid !== 5)
    .map(({ group, gid }) => `${group}:x:${gid}:\n`);
  return `root:x:0:\ntty:x:5:\n${lines.join("")}`;
}

function hostsText(hostname: string): string {
  const own = hostname === "" ? "" : `127.0.1.1 ${hostname}\n`;
  return `127.0.0.1 localhost\n::1 localhost ip6-localhost\n${own}`;
}

function fileOp(path: string, text: string): ChildOp {
  const content = new TextEncoder().encode(text);
  return { op: "file.write", mode: 0o644, path, content };
}

function homeOps({ name, uid, gid }: Account): ChildOp[] {
  const path = `/home/${name}`;
  return [
    { op: "dir.make", mode: 0o700, path },
    { op: "path.own", uid, gid, path },
  ];
}

/** Whether one of the paths lies below a directory: every user has to get there. */
function leadsTo(directory: string, paths: readonly string[]): boolean {
  return paths.some((path) => path.startsWith(`${directory}/`));
}

/** Whether there is anything to reach but the container itself. */
function hasNetwork({ namespaces, networks = [] }: Config): boolean {
  const net = namespaces.find(({ type }) => type === "NEWNET");
  return net === undefined || net.path !== undefined ||
    networks.some(({ type }) => type !== "loopback");
}

function systemTrees({ system }: RootLayout): HostRootTree[] {
  return system.filter(({ link }) => link === undefined)
    .map(({ path }) => ({ path, attributes: READ_ONLY }));
}

function etcTrees({ etc }: RootLayout, config: Config): HostRootTree[] {
  const attributes = READ_ONLY | MOUNT_ATTR_NOEXEC;
  return etc
    .filter((path) => hasNetwork(config) || !NETWORK_PATHS.includes(path))
    .map((path) => ({ path, attributes }));
}

/**
 * Plans what a host root is made of. Pure.
 *
 * An empty tmpfs gets the host's system directories, read-only, without setuid
 * programs and devices, and links where the host has links. What of `/etc` is a
 * secret, a hook of a service or about people is not there; accounts and names
 * are written anew.
 *
 * @param config A configuration with `hostRoot`.
 * @param user The first process's user: one given by number gets a home.
 * @param layout The host's root.
 * @returns Options of the tmpfs, trees and steps; later trees cover earlier ones.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { planHostRoot } from "./host_root.ts";
 *
 * const { trees } = planHostRoot(
 *   { rootfs: "/", hostRoot: {}, mounts: [], devices: [], namespaces: [] },
 *   "",
 *   { system: [{ path: "/usr" }, { path: "/bin", link: "usr/bin" }], etc: [] },
 * );
 * assertEquals(trees.map(({ path }) => path), ["/usr"]);
 * ```
 */
export function planHostRoot(
  config: Config,
  user: string,
  layout: RootLayout,
): HostRootParts {
  const { size = DEFAULT_SIZE, paths = [] } = config.hostRoot ?? {};
  const hostname = config.hostname ?? "";
  const accounts = accountsOf(config, user);
  const systemLinks = layout.system.flatMap(({ path, link }) =>
    link === undefined ? [] : [[path, link] as const]
  );
  return {
    options: [...sizeOptions(size), "mode", "0755"],
    ops: [
      ...DIRECTORIES.map(([path, mode]): ChildOp => ({
        op: "dir.make",
        mode: leadsTo(path, paths) ? mode | SEARCH : mode,
        path,
      })),
      ...accounts.flatMap(homeOps),
      ...[...systemLinks, ...LINKS].map(([path, target]): ChildOp => ({
        op: "link.make",
        flags: 0,
        path,
        target,
      })),
      fileOp("/etc/passwd", passwdText(accounts)),
      fileOp("/etc/group", groupText(accounts)),
      fileOp("/etc/nsswitch.conf", NSSWITCH),
      fileOp("/etc/hosts", hostsText(hostname)),
      ...hostname === "" ? [] : [fileOp("/etc/hostname", `${hostname}\n`)],
    ],
    trees: [
      ...systemTrees(layout),
      ...etcTrees(layout, config),
      ...paths.map((path) => ({ path, attributes: READ_ONLY })),
    ],
  };
}

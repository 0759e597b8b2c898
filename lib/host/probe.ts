/**
 * Looks at the machine: reads only, works for every user.
 *
 * The cost does not grow with the number of mounts: hierarchies are looked for
 * at their usual places, and the mount table is read only when one is elsewhere.
 *
 * @module
 */
import { HostError } from "../errors.ts";
import {
  type CgroupLine,
  type CgroupMount,
  groupBelowMount,
  parseCgroupMounts,
  parseKernelRelease,
  parseProcCgroup,
} from "./kernel_files.ts";
import {
  type CgroupHierarchy,
  type CgroupLayout,
  type Host,
  INITIAL_USER_NAMESPACE,
  isHostRoot,
} from "./types.ts";
import { probeUser } from "./user.ts";

/** Usual place of all hierarchies. */
const CGROUP_ROOT = "/sys/fs/cgroup";
/** Highest capability of Linux 3.16, for kernels that do not tell. */
const OLDEST_LAST_CAPABILITY = 37;

/** The hierarchies that there are, and pid 1's group in each. */
export const GROUPS_OF_INIT = "/proc/1/cgroup";
/** A file that is there with SELinux. */
const SELINUX_FILE = "/sys/fs/selinux/enforce";

/** Text of a file; `undefined` when it cannot be read. */
function readText(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return undefined;
  }
}

/** Whether something is there. */
function isThere(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return false;
  }
}

/** Where a version 1 hierarchy usually is: by its whole name, then by parts. */
function usualPlaces(line: CgroupLine): string[] {
  if (line.version === 2) return [CGROUP_ROOT, `${CGROUP_ROOT}/unified`];
  const names = line.controllers.map((name) => name.replace(/^name=/, ""));
  return [names.join(","), ...(names.length > 1 ? names : [])]
    .map((name) => `${CGROUP_ROOT}/${name}`);
}

/** The file by which a mounted hierarchy of a version is known. */
function markerFile(version: 1 | 2): string {
  return version === 2 ? "cgroup.controllers" : "tasks";
}

/** Finds a hierarchy at its usual place, with pid 1's group in it. */
function findUsual(
  line: CgroupLine,
): Pick<CgroupHierarchy, "mount" | "root" | "base"> | undefined {
  const below = groupBelowMount(line.path, "/");
  const marker = markerFile(line.version);
  for (const mount of usualPlaces(line)) {
    const base = mount + below;
    if (isThere(`${base}/${marker}`)) return { mount, root: "/", base };
  }
  return undefined;
}

/** Finds a hierarchy in the mount table. */
function findMounted(
  line: CgroupLine,
  mounts: readonly CgroupMount[],
): Pick<CgroupHierarchy, "mount" | "root" | "base"> | undefined {
  for (const { version, mount, root, options } of mounts) {
    if (version !== line.version) continue;
    if (!line.controllers.every((name) => options.includes(name))) continue;
    const base = mount + groupBelowMount(line.path, root);
    const marker = markerFile(version);
    if (isThere(`${base}/${marker}`)) return { mount, root, base };
    if (isThere(`${mount}/${marker}`)) return { mount, root, base: mount };
  }
  return undefined;
}

/** Finds a hierarchy where it was before, however unusual that is. */
function findAgain(
  line: CgroupLine,
  before: readonly CgroupHierarchy[],
): Pick<CgroupHierarchy, "mount" | "root" | "base"> | undefined {
  const found = before.find(({ version, controllers }) =>
    version === line.version &&
    (version === 2 || controllers.join() === line.controllers.join())
  );
  if (!found) return undefined;
  const { mount, root, base } = found;
  return isThere(`${base}/${markerFile(line.version)}`)
    ? { mount, root, base }
    : undefined;
}

/**
 * Which file takes block IO weights. The weight files are not in the root
 * group, so others of the same scheduler tell; a wrong guess fails closed with
 * a missing file.
 */
function findWeightFile(
  version: 1 | 2,
  controllers: readonly string[],
  mount: string,
): string | undefined {
  if (version === 1) {
    if (!controllers.includes("blkio")) return undefined;
    return isThere(`${mount}/blkio.bfq.io_service_bytes`)
      ? "blkio.bfq.weight"
      : "blkio.weight";
  }
  if (!controllers.includes("io")) return undefined;
  return isThere(`${mount}/io.cost.qos`) ? "io.weight" : "io.bfq.weight";
}

function readHierarchy(
  line: CgroupLine,
  place: Pick<CgroupHierarchy, "mount" | "root" | "base">,
): CgroupHierarchy {
  const { version } = line;
  const controllers = version === 1
    ? line.controllers
    : (readText(`${place.base}/cgroup.controllers`) ?? "").split(/\s+/)
      .filter((name) => name !== "");
  const weightFile = findWeightFile(version, controllers, place.mount);
  return {
    version,
    controllers,
    ...place,
    ...(weightFile === undefined ? {} : { weightFile }),
  };
}

/**
 * Finds the cgroup hierarchies and pid 1's group in each.
 *
 * Reads `/proc/1/cgroup` (or `/proc/self/cgroup` where that is hidden) and
 * looks at one file per hierarchy. Not pure.
 *
 * @returns The layout; mode `none` when nothing is mounted.
 *
 * @example
 * ```ts
 * import { probeCgroups } from "./probe.ts";
 *
 * const { mode, hierarchies } = probeCgroups();
 * if (mode === "none" && hierarchies.length > 0) throw new Error("impossible");
 * ```
 */
export function probeCgroups(): CgroupLayout {
  const { hierarchies } = findHierarchies();
  return layoutOf(hierarchies);
}

function layoutOf(hierarchies: readonly CgroupHierarchy[]): CgroupLayout {
  const has1 = hierarchies.some(({ version }) => version === 1);
  const has2 = hierarchies.some(({ version }) => version === 2);
  const mode = has1 ? (has2 ? "hybrid" : "v1") : has2 ? "v2" : "none";
  return { mode, hierarchies };
}

function readHierarchyLines(): CgroupLine[] {
  const text = readText(GROUPS_OF_INIT) ?? readText("/proc/self/cgroup") ?? "";
  return parseProcCgroup(text).sort((a, b) => a.version - b.version);
}

function findHierarchies(
  before?: readonly CgroupHierarchy[],
): { readonly hierarchies: CgroupHierarchy[] } {
  const lines = readHierarchyLines();
  let mounts: CgroupMount[] | undefined;
  const hierarchies: CgroupHierarchy[] = [];
  for (const line of lines) {
    const place = findUsual(line) ??
      (before ? findAgain(line, before) : findMounted(
        line,
        mounts ??= parseCgroupMounts(readText("/proc/self/mountinfo") ?? ""),
      ));
    if (place) hierarchies.push(readHierarchy(line, place));
  }
  return { hierarchies };
}

/**
 * Finds what of the version 2 hierarchy has been delegated to a user: the
 * highest group above this process that is the user's to change. Groups of
 * version 1 cannot be delegated safely (cgroups(7)).
 *
 * @param uid The user.
 * @returns A layout with that group as base; mode `none` when there is none.
 *
 * @example
 * ```ts
 * import { probeDelegatedCgroups } from "./probe.ts";
 *
 * const { hierarchies } = probeDelegatedCgroups(65534);
 * if (hierarchies.some(({ version }) => version === 1)) throw new Error("impossible");
 * ```
 */
export function probeDelegatedCgroups(uid: number): CgroupLayout {
  const unified = findHierarchies().hierarchies.find(({ version }) =>
    version === 2
  );
  const own = parseProcCgroup(readText("/proc/self/cgroup") ?? "")
    .find(({ version }) => version === 2);
  if (!unified || !own) return layoutOf([]);
  const { mount, root } = unified;
  let base: string | undefined;
  let group = mount + groupBelowMount(own.path, root);
  while (group.length > mount.length && isOwnedGroup(group, uid)) {
    base = group;
    group = group.slice(0, group.lastIndexOf("/"));
  }
  return base === undefined
    ? layoutOf([])
    : layoutOf([readHierarchy(own, { mount, root, base })]);
}

/**
 * What is there for root of a user namespace: what has been given to the
 * namespace as a whole, else what has been delegated to whoever made it.
 */
function probeMappedCgroups(): CgroupLayout {
  const given = findHierarchies().hierarchies
    .filter(({ mount }) => isOwnedGroup(mount, 0));
  return given.length > 0 ? layoutOf(given) : probeDelegatedCgroups(0);
}

/** Whether a group and the files by which it is divided belong to a user. */
function isOwnedGroup(group: string, uid: number): boolean {
  return ["", "/cgroup.procs", "/cgroup.subtree_control"].every((file) => {
    try {
      return Deno.lstatSync(group + file).uid === uid;
    } catch (error) {
      if (error instanceof Deno.errors.NotCapable) throw error;
      return false;
    }
  });
}

/**
 * Looks at the machine: cgroups, kernel, security modules, architecture.
 *
 * About fifteen small reads; nothing is written, no privilege is needed.
 *
 * @returns The machine as the planner sees it.
 * @throws {HostError} `HostUnsupported` on other processors than x86_64 and aarch64.
 *
 * @example
 * ```ts
 * import { probeHost } from "./probe.ts";
 *
 * const host = probeHost();
 * if (host.kernel[0] < 4) throw new Error("too old");
 * ```
 */
export function probeHost(): Host {
  const architecture = Deno.build.arch;
  if (architecture !== "x86_64" && architecture !== "aarch64") {
    throw new HostError(
      `Cannot run containers on ${architecture}: only x86_64 and aarch64 are supported`,
    );
  }
  const last = Number(readText("/proc/sys/kernel/cap_last_cap"));
  const euid = Deno.uid() ?? 0;
  const enabled = readText("/sys/module/apparmor/parameters/enabled") ?? "";
  const namespace = probeUserNamespace();
  return {
    cgroup: probeUsableCgroups({ euid, ...namespace }),
    lastCapability: last > 0 ? last : OLDEST_LAST_CAPABILITY,
    ...probeCapabilityBound(),
    apparmor: enabled.startsWith("Y"),
    selinux: isThere(SELINUX_FILE),
    kcore: isThere("/proc/kcore"),
    architecture,
    kernel: parseKernelRelease(readText("/proc/sys/kernel/osrelease") ?? ""),
    euid,
    ...(euid !== 0 && { user: probeUser(euid) }),
    ...namespace,
  };
}

function probeUsableCgroups(
  host: Pick<Host, "euid" | "userNamespaceInode">,
): CgroupLayout {
  if (host.euid !== 0) return probeDelegatedCgroups(host.euid);
  return isHostRoot(host) ? probeCgroups() : probeMappedCgroups();
}

/**
 * Looks again at what changes with the mounts of a machine that was looked at
 * before. Hierarchies are looked for at their usual places and where they were,
 * so that the cost does not grow with the number of mounts: one that has been
 * mounted elsewhere meanwhile is not seen.
 *
 * @param before The machine as it was, seen by root.
 * @returns The same object when nothing has changed.
 *
 * @example
 * ```ts
 * import { probeAgain, probeHost } from "./probe.ts";
 *
 * const host = probeHost();
 * if (host.euid === 0 && probeAgain(host) !== host) throw new Error("changed");
 * ```
 */
export function probeAgain(before: Host): Host {
  const cgroup = isHostRoot(before)
    ? layoutOf(findHierarchies(before.cgroup.hierarchies).hierarchies)
    : probeMappedCgroups();
  const selinux = isThere(SELINUX_FILE);
  const isSame = selinux === before.selinux &&
    JSON.stringify(cgroup) === JSON.stringify(before.cgroup);
  return isSame ? before : { ...before, cgroup, selinux };
}

/**
 * Names the places where mounts decide what {@linkcode probeAgain} finds.
 *
 * @param host The machine as root sees it.
 * @returns Paths.
 *
 * @example
 * ```ts
 * import { mountPlaces, probeHost } from "./probe.ts";
 *
 * if (!mountPlaces(probeHost()).includes("/sys/fs/cgroup")) throw new Error();
 * ```
 */
export function mountPlaces({ cgroup }: Host): string[] {
  return [
    ...new Set([
      CGROUP_ROOT,
      ...readHierarchyLines().flatMap(usualPlaces),
      ...cgroup.hierarchies.map(({ mount }) => mount),
      SELINUX_FILE,
    ]),
  ];
}

function probeCapabilityBound(): Pick<Host, "capabilityBound"> {
  const text = readText("/proc/self/status") ?? "";
  const mask = /^CapBnd:\s*([0-9a-f]+)$/m.exec(text)?.[1];
  return mask === undefined ? {} : { capabilityBound: BigInt(`0x${mask}`) };
}

function probeUserNamespace(): Pick<
  Host,
  "userNamespaceInode" | "groupsDenied"
> {
  try {
    const { ino } = Deno.statSync("/proc/self/ns/user");
    if (ino === null) return {};
    const isDenied = ino !== INITIAL_USER_NAMESPACE &&
      readText("/proc/self/setgroups")?.trim() === "deny";
    return { userNamespaceInode: ino, ...isDenied && { groupsDenied: true } };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
}

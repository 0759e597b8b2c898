/**
 * Judges control groups and file systems. Pure.
 *
 * @module
 */
import type { CgroupLayout } from "../host/types.ts";
import type { Facts } from "./facts.ts";
import { type Finding, limited, missing, ok } from "./findings.ts";

/** Controllers that limits need, by their names in version 1 and 2. */
const CONTROLLERS: readonly (readonly [
  name: string,
  names: readonly string[],
  meaning: string,
])[] = [
  ["cpu", ["cpu"], "shares and quotas of CPU time"],
  ["cpuset", ["cpuset"], "chosen CPUs and memory nodes"],
  ["memory", ["memory"], "limits of memory"],
  ["pids", ["pids"], "limits of processes"],
  ["io", ["blkio", "io"], "weights and limits of block devices"],
  ["hugetlb", ["hugetlb"], "limits of huge pages"],
  ["rdma", ["rdma"], "limits of RDMA"],
];
/** Those that users ask for. */
const USUAL = ["cpu", "memory", "pids"];

function layoutText({ mode, hierarchies }: CgroupLayout): string {
  const places = hierarchies.map(({ mount }) => mount);
  const shown = places.length > 3
    ? `${places.slice(0, 3).join(", ")} and ${places.length - 3} more`
    : places.join(", ");
  const names = { v1: "version 1", v2: "version 2", hybrid: "version 1 and 2" };
  return mode === "none" ? "none" : `${names[mode]}, at ${shown}`;
}

function rootLayout({ cgroup, canMakeGroups }: Facts): Finding {
  const topic = "cgroups";
  if (cgroup.mode === "none") {
    return limited(
      topic,
      "layout",
      "none are mounted: only containers without limits and without device " +
        "rules run, and the built-in template has such rules",
      "mount -t cgroup2 none /sys/fs/cgroup",
    );
  }
  if (canMakeGroups === false) {
    return limited(
      topic,
      "layout",
      `${layoutText(cgroup)}, read-only: only containers without groups run`,
      "mount -o remount,rw /sys/fs/cgroup",
    );
  }
  return ok(topic, "layout", layoutText(cgroup));
}

function userLayout({ cgroup, allCgroups }: Facts): Finding {
  const topic = "cgroups";
  if (cgroup.mode === "v2") {
    const [{ base } = { base: "" }] = cgroup.hierarchies;
    return ok(topic, "delegation", `${base} belongs to this user`);
  }
  const why = allCgroups.mode === "v1"
    ? "groups of version 1 cannot be given to users"
    : "no group of version 2 belongs to this user";
  return limited(
    topic,
    "delegation",
    `${why}: containers run without limits, statistics and pause`,
    "start below systemd-run --user --scope -p Delegate=yes, on a machine " +
      "with version 2",
  );
}

function controllerOf(
  [name, names, meaning]: typeof CONTROLLERS[number],
  { euid, cgroup }: Facts,
): Finding[] {
  const topic = "cgroups";
  const found = cgroup.hierarchies.find(({ controllers }) =>
    names.some((each) => controllers.includes(each))
  );
  if (found) return [ok(topic, name, `${meaning} (version ${found.version})`)];
  // A user without a delegated group has been told so once.
  if (cgroup.mode === "none") return [];
  const message = `no ${meaning}`;
  if (!USUAL.includes(name)) return [missing(topic, name, message)];
  return [missing(
    topic,
    name,
    message,
    euid === 0
      ? `enable ${name} in cgroup.controllers, or boot without cgroup_disable=${name}`
      : `have systemd delegate it: Delegate=${name} of user@.service`,
  )];
}

function overlayOf(
  { filesystems, hasOverlayModule, euid, sysctls }: Facts,
): Finding {
  const topic = "file systems";
  if (euid !== 0) {
    return limited(topic, "overlay", "roots of layers are for root alone");
  }
  if (filesystems.includes("overlay")) {
    return ok(topic, "overlay", "roots may be made of layers");
  }
  if (hasOverlayModule && sysctls["kernel/modules_disabled"] !== "1") {
    return ok(
      topic,
      "overlay",
      "roots may be made of layers; a module is loaded for them",
    );
  }
  return missing(
    topic,
    "overlay",
    "roots cannot be made of layers",
    "boot a kernel with CONFIG_OVERLAY_FS, or load its module overlay",
  );
}

function idMapped({ euid }: Facts): Finding {
  const topic = "file systems";
  return euid === 0
    ? ok(
      topic,
      "id-mapped mounts",
      "mounts may show other owners, on file systems that can (ext4, xfs, " +
        "btrfs, tmpfs and others)",
    )
    : limited(topic, "id-mapped mounts", "are for root alone");
}

/**
 * Judges control groups and file systems.
 *
 * @param facts What was found out.
 * @returns The findings.
 *
 * @example
 * ```ts ignore
 * console.log(judgeResources(facts).map(({ message }) => message));
 * ```
 */
export function judgeResources(facts: Facts): Finding[] {
  return [
    facts.euid === 0 ? rootLayout(facts) : userLayout(facts),
    ...CONTROLLERS.flatMap((each) => controllerOf(each, facts)),
    overlayOf(facts),
    idMapped(facts),
  ];
}

/**
 * The one place that words failures of Plan operations.
 *
 * @module
 */
import { RLIMITS } from "../lib/config/names/rlimits.ts";
import type { Op, OpName } from "../lib/plan/ops.ts";
import type { Detail } from "./layout.ts";

/** Flag of `mount.tree`: nothing that its source keeps away may be lost. */
const TREE_KEEPS = 32;

type Phrases = { readonly [N in OpName]?: (op: Op<N>) => string };

function quote(text: string): string {
  return JSON.stringify(text);
}

/** Maps may have hundreds of lines. */
function shorten(text: string): string {
  return text.length > 100 ? `${text.slice(0, 100)}...` : text;
}

function ofAddress(bytes: Uint8Array | undefined): string {
  if (!bytes || bytes.length === 0) return "default";
  return bytes.length === 4
    ? bytes.join(".")
    : Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}

/** What each operation attempts, as the end of "Cannot ...". */
const PHRASES: Phrases = {
  "tree.open": (op) => `open ${quote(op.path)} on the host`,
  "overlay.open": (op) =>
    `lay ${op.upper === undefined ? "a tmpfs" : quote(op.upper)} over ${
      quote(op.lower)
    }`,
  "ns.open": (op) => `open namespace file ${quote(op.path)}`,
  "userns.make": () => "make a user namespace for an id-mapped mount",
  "tree.idmap": (op) => `map the ids of ${op.note ?? "a mount"}`,
  "cgroup.open": (op) => `open cgroup ${op.path}`,
  "cgroup.make": (op) => `make cgroup ${op.path}`,
  "cgroup.cpuset": (op) => `prepare cpuset cgroup ${op.path}`,
  "cgroup.enable": (op) =>
    `enable controllers ${op.controllers.join(" ")} for cgroup ${op.path}`,
  "cgroup.write": (op) => `write ${quote(op.value)} to ${op.path}/${op.file}`,
  "cgroup.devices": (op) => `attach the device program to cgroup ${op.path}`,
  "cgroup.adopt": (op) => `mark cgroup ${op.path} as ours`,
  "systemd.scope": (op) => `have systemd start ${op.unit}`,
  "cgroup.join": (op) => `join cgroup ${op.path}`,
  "spawn": () => "clone the container's first process",
  "park": () => "wait with all done so far",
  "plan.send": () => "tell the prepared process what to run",
  "park.publish": (op) => `wait for a start at ${op.dir}/${op.name}`,
  "park.connect": (op) =>
    `reach the process that waits at ${op.dir}/${op.name}`,
  "ns.enter": () => "join the container's namespaces",
  "ns.unshare": () => "make the new namespaces",
  "anchor.open": () => "open the empty mount namespace",
  "ns.clone": () => "clone into the new namespaces",
  "idmap.write": (op) =>
    `write the id mappings ${quote(shorten(op.uids))} and ${
      quote(shorten(op.gids))
    }`,
  "user.root": () => "become root of the user namespace",
  "hostname.set": (op) => `set hostname ${quote(op.name)}`,
  "domainname.set": (op) => `set domainname ${quote(op.name)}`,
  "sysctl.write": (op) =>
    `set sysctl ${op.key.replaceAll("/", ".")} to ${quote(op.value)}`,
  "veth.make": (op) =>
    `make veth ${op.host} on bridge ${quote(op.bridge)} with ${op.name} inside`,
  "link.move": (op) => `move interface ${op.device} inside as ${op.name}`,
  "net.loopback": () => "bring up the loopback interface",
  "net.address": (op) =>
    `add address ${ofAddress(op.address)}/${op.prefix} to ${op.name}`,
  "net.up": (op) => `bring up interface ${op.name}`,
  "net.route": (op) =>
    `add route ${ofAddress(op.destination)} via ${ofAddress(op.gateway)} ${
      op.name ? `on ${op.name}` : ""
    }`.trim(),
  "mount.propagation": () => "set the propagation of the host's mounts",
  "root.attach": () => "attach the root file system",
  "root.make": () => "make an empty root",
  "path.own": (op) => `give ${quote(op.path)} to user ${op.uid}:${op.gid}`,
  "file.write": (op) => `write ${quote(op.path)} inside`,
  "mount.fs": (op) => `mount ${op.fstype} on ${quote(op.target)}`,
  "mount.tree": (op) => `bind ${op.note ?? "a tree"} on ${quote(op.target)}`,
  "tree.set": (op) => `set attributes of ${op.note ?? "a tree"}`,
  "mount.change": (op) => `change the mount at ${quote(op.target)}`,
  "command.run": (op) => `run mount command ${quote(op.path)}`,
  "dir.make": (op) => `make directory ${quote(op.path)} inside`,
  "device.make": (op) => `make device ${quote(op.path)}`,
  "link.make": (op) => `make link ${quote(op.path)} to ${quote(op.target)}`,
  "path.mask": (op) => `mask ${quote(op.path)}`,
  "path.readonly": (op) => `make ${quote(op.path)} read-only`,
  "root.pivot": () => "switch to the new root with pivot_root",
  "root.move": () => "switch to the new root with chroot",
  "root.readonly": () => "make the root read-only",
  "root.enter": (op) => `change to directory ${quote(op.path)}`,
  "file.protect": (op) => `protect ${quote(op.path)}`,
  "tty.open": () => "open a terminal in the container's /dev/pts",
  "tty.console": (op) => `bind the terminal on ${quote(op.path)}`,
  "tty.control": () => "make the terminal the controlling one",
  "stdio.set": () => "set up stdin, stdout and stderr",
  "tty.own": () => "give the terminal to the container's user",
  "stdio.own": () => "give stdin, stdout and stderr to the container's user",
  "fds.place": () => "place the extra descriptors",
  "rlimit.set": (op) =>
    `set rlimit RLIMIT_${
      RLIMITS[Number(op.resource)] ?? op.resource
    } to soft ${op.soft} and hard ${op.hard}`,
  "oom.adjust": (op) => `set oom_score_adj to ${op.value}`,
  "label.apparmor": (op) => `apply AppArmor profile ${quote(op.value)}`,
  "label.selinux": (op) => `apply SELinux label ${quote(op.value)}`,
  "user.files": () => "read /etc/passwd and /etc/group inside",
  "caps.bound": () => "drop capabilities from the bounding set",
  "user.apply": () => "switch to the container's user",
  "caps.set": () => "set capabilities",
  "privileges.lock": () => "set no_new_privs",
  "hooks.begin": () => "note that hooks run",
  "hook.run": (op) => `run ${op.note ?? "a hook"} ${quote(op.argv[0] ?? "")}`,
  "keyring.join": () => "join the container's session keyring",
  "personality.set": () => "set the personality",
  "memory.policy": () => "set the memory policy",
  "affinity.set": (op) => `choose ${op.note ?? "the CPUs"} for the process`,
  "scheduler.set": () => "set the scheduling policy",
  "ioprio.set": () => "set the IO priority",
  "time.enter": () => "make the time namespace",
  "seccomp.load": () => "install the seccomp filter",
  "seccomp.notify": () => "install the part of the seccomp filter that asks",
  "await.listener": () => "get the seccomp listener from the process inside",
  "listener.hand": (op) =>
    op.path === undefined
      ? "hand the seccomp listener over"
      : `send the seccomp listener to ${op.path}`,
  "death.signal": () => "set the parent death signal",
  "program.find": ({ name }) => `find ${quote(name)} inside`,
  "cwd.enter": (op) => `change to working directory ${quote(op.path)} inside`,
  "monitor": () => "become the monitor",
  "cgroup.kill": (op) => `kill the processes of cgroup ${op.path}`,
  "cgroup.remove": (op) => `remove cgroup ${op.path}`,
  "link.remove": (op) => `remove interface ${op.host}`,
  "file.remove": (op) => `remove ${op.dir}/${op.name}`,
  "await.end": () => "wait for the helper",
  "process.use": ({ pid }) => `take process ${pid}`,
  "undo.unless": ({ dir, name }) => `look for ${dir}/${name}`,
  "undo.check": () => "go on to remove the record",
  "dir.remove": (op) => `remove directory ${op.path}`,
};

/** What to do about common failures: operation, errno name, sub-step -> advice. */
function advise(op: Op, errno: string, detail: Detail): string {
  switch (op.op) {
    case "spawn":
    case "ns.unshare":
      if (errno === "EPERM") {
        return "; new namespaces need root (or a user namespace with id mappings)";
      }
      if (errno === "ENOSPC") {
        return "; a limit below /proc/sys/user/ (max_*_namespaces) is reached";
      }
      return "";
    case "park.connect":
      return errno === "ECONNREFUSED" || errno === "ENOENT"
        ? "; it has been started already, or has ended"
        : "";
    case "seccomp.notify":
      return errno === "EBUSY"
        ? "; this program is under a filter with a listener, and there can be only one"
        : "";
    case "tree.open":
      if (errno === "ENOENT") return "; make it, or correct the path";
      if (errno === "EPERM") return "; this needs root";
      if (errno === "EINVAL") {
        return "; without root a directory can be bound only with the mounts below it: use rbind (MS_REC)";
      }
      return "";
    case "userns.make":
      return adviseMaps(errno, detail);
    case "tree.idmap":
      return adviseIdmap(errno);
    case "overlay.open":
      return adviseOverlay(op, errno, detail);
    case "path.own":
      return errno === "EINVAL"
        ? "; the id must be among uidMappings and gidMappings"
        : "";
    case "ns.open":
      return detail === "verify"
        ? "; it is not a namespace of the type that it is listed for"
        : "";
    case "tty.own":
    case "user.apply":
      if (errno === "EPERM") {
        return "; it has further groups, which cannot be given where a user has mapped his own group alone: have root add a range to /etc/subgid, or name another user";
      }
      return errno === "EINVAL"
        ? "; its ids must be among uidMappings and gidMappings"
        : "";
    case "veth.make":
      if (detail === "bridge" && errno === "ENODEV") {
        return '; there is no such bridge: make it with "ip link add NAME type bridge" or name another';
      }
      if (detail === "bridge") return "; that interface is not a bridge";
      if (errno === "EEXIST") return "; an interface of that name exists";
      return "";
    case "link.move":
      return adviseMove(errno);
    case "mount.change":
      if (detail === "resolve") return "; nothing is there to be changed";
      return detail === "verify" ? "; nothing is mounted there" : "";
    case "memory.policy":
      if (errno === "ENOSYS") return "; this kernel has no NUMA";
      return errno === "EINVAL"
        ? "; none of these nodes is online and in the container's cpuset, or the kernel does not know the policy"
        : "";
    case "cgroup.make":
      if (errno === "ENOTEMPTY") {
        return "; the container's cgroup is not empty: another container may have it, also one of another state directory (--root, --data-path); end what is in it and below it, or name another";
      }
      if (errno === "EEXIST") {
        return "; another container has it, which this state directory does not know (--root, --data-path): delete that one there, or choose another id or cgroup; where nothing is in it, rmdir removes what was left";
      }
      return errno === "EBUSY"
        ? "; the container's cgroup unexpectedly frozen: thaw it, or name another"
        : "";
    case "cgroup.write":
      if (errno === "ERANGE") {
        return "; the kernel keeps a different value: choose one that it accepts";
      }
      if (errno === "EINVAL") return "; the kernel refuses this value";
      if (errno === "ENOENT") return "; this kernel has no such control file";
      return "";
    case "mount.fs":
    case "mount.tree":
      return adviseMount(op, errno, detail);
    case "root.move":
      return errno === "EBUSY"
        ? "; a procfs or sysfs of the host lies out of reach, and would let programs mount one without masks: unmount it, or do without noPivotRoot"
        : "";
    case "cwd.enter":
      return detail === "verify"
        ? "; it leads outside the container's root"
        : "";
    case "device.make":
      return errno === "EEXIST"
        ? "; something that is not this device already has that name"
        : "";
    case "tty.open":
      return "; the container needs a devpts mount on /dev/pts";
    case "affinity.set":
      return errno === "EINVAL"
        ? "; none of these CPUs is online and in the container's cpuset"
        : "";
    case "scheduler.set":
      return adviseScheduler(errno);
    case "hook.run":
      return errno === "ENOENT"
        ? "; the program, its interpreter or its directory is missing where it runs"
        : "";
    case "ioprio.set":
      return errno === "EPERM"
        ? "; the real-time class needs CAP_SYS_NICE: run as root, or choose IOPRIO_CLASS_BE"
        : "";
    case "time.enter":
      if (errno === "ERANGE") {
        return "; a clock would be before 0 or too far in the future: correct timeOffsets";
      }
      return errno === "EINVAL"
        ? "; time namespaces need Linux 5.6 with CONFIG_TIME_NS"
        : "";
    case "path.mask":
      return detail === "verify"
        ? "; the host's /dev/null is not the null device"
        : "";
    default:
      return "";
  }
}

function adviseMove(errno: string): string {
  switch (errno) {
    case "ENODEV":
      return "; there is no such interface on the host";
    case "EEXIST":
      return "; an interface of that name is inside already";
    case "EINVAL":
      return "; the kernel binds that interface to its network namespace";
    default:
      return "";
  }
}

/** Why a user namespace for maps alone could not be had. */
function adviseMaps(errno: string, detail: Detail): string {
  if (detail === "write") {
    return "; uid_mappings and gid_mappings of the mount must not overlap, and their host ids must exist here";
  }
  return errno === "ENOSPC"
    ? "; /proc/sys/user/max_user_namespaces is reached"
    : "";
}

function adviseIdmap(errno: string): string {
  if (errno === "EINVAL") {
    return "; its file system, or that of a mount below it, cannot be id-mapped (ext4, xfs and btrfs can, tmpfs since Linux 6.3), or it is the namespace of this process";
  }
  if (errno === "EPERM") {
    return "; only root of the machine may map its file systems, and none that is id-mapped already";
  }
  return "";
}

function adviseOverlay(
  { upper }: Op<"overlay.open">,
  errno: string,
  detail: Detail,
): string {
  if (errno === "ENODEV") return "; this kernel has no overlay file system";
  if (detail === "open") return "; make it, or correct rootfs";
  if (upper === undefined) return "";
  switch (errno) {
    case "EBUSY":
      return "; another container uses that layer: give each its own";
    case "ESTALE":
      return "; that layer was written over another directory: use that, or a new layer";
    case "ENOENT":
      return "; make the directory that it is to be in";
    case "EINVAL":
      return "; upper and work must be on one file system, which overlayfs can write to";
    default:
      return "";
  }
}

function adviseScheduler(errno: string): string {
  switch (errno) {
    case "EPERM":
      return "; it needs CAP_SYS_NICE and real-time time of the cgroup (cgroups.cpuRtRuntime on version 1), and SCHED_DEADLINE all CPUs: process scheduler can't be used together with AllowedCPUs";
    case "EBUSY":
      return "; the CPUs have no time left for this deadline: lower runtime";
    case "EINVAL":
      return "; the kernel refuses this policy with these values";
    default:
      return "";
  }
}

function adviseMount(
  op: Op<"mount.fs"> | Op<"mount.tree">,
  errno: string,
  detail: Detail,
): string {
  const keeps = op.op === "mount.tree" &&
    (Number(op.flags) & TREE_KEEPS) !== 0;
  if (keeps && detail === "attributes" && errno === "EPERM") {
    return "; in a user namespace a mount keeps what its source has of ro, nosuid, nodev, noexec and times: leave out the option that is against that";
  }
  if (errno === "ELOOP" || errno === "ENOTDIR") {
    return op.op === "mount.fs"
      ? `; filesystem ${
        quote(op.fstype)
      } must be mounted on ordinary directory, not on a symlink`
      : "; the target must be a real directory, not a symlink";
  }
  if (detail === "verify" && errno === "EPERM") {
    return "; targets inside /proc are not allowed";
  }
  if (detail === "option") return "; the file system refuses an option";
  return "";
}

/** Where inside the operation it failed, as words before the errno. */
const PLACES: Partial<Record<Detail, string>> = {
  resolve: "looking up the target inside the root",
  attributes: "setting attributes",
  attach: "attaching the mount",
  option: "setting an option",
  verify: "checking what is there",
  bridge: "attaching to the bridge",
  copy: "copying what it covers",
  peer: "setting up the inner end",
};

/**
 * Words a failed operation.
 *
 * @param op The operation.
 * @param errnoText The errno as words with its name.
 * @param errnoName The errno's name.
 * @param detail Sub-step that failed.
 * @returns A sentence without a full stop: what was attempted, why it failed, what to do.
 *
 * @example
 * ```ts
 * import { wordFailure } from "./wording.ts";
 *
 * wordFailure(
 *   { op: "hostname.set", name: "a" },
 *   "operation not permitted (EPERM)",
 *   "EPERM",
 *   "",
 * ); // Cannot set hostname "a": operation not permitted (EPERM)
 * ```
 */
export function wordFailure(
  op: Op,
  errnoText: string,
  errnoName: string,
  detail: Detail,
): string {
  const phrase = PHRASES[op.op] as ((op: Op) => string) | undefined;
  const attempt = phrase ? phrase(op) : `do ${op.op}`;
  const place = PLACES[detail];
  const why = place ? `${place}: ${errnoText}` : errnoText;
  return `Cannot ${attempt}: ${why}${advise(op, errnoName, detail)}`;
}

/**
 * Words the end of a hook that ran, but not well.
 *
 * @param op The hook.
 * @param errnoName `ECANCELED` for a status, `ETIMEDOUT` for one that was killed.
 * @param value Exit status; the negated number of a signal.
 * @returns A sentence without a full stop; `undefined` for other failures.
 *
 * @example
 * ```ts
 * import { wordHookEnd } from "./wording.ts";
 *
 * wordHookEnd(
 *   {
 *     op: "hook.run",
 *     flags: 1,
 *     timeout: 0,
 *     propagation: 0,
 *     argv: ["/bin/net", "net"],
 *     envp: [],
 *     dir: "",
 *     state: [],
 *     note: "hooks.prestart[0]",
 *   },
 *   "ECANCELED",
 *   3n,
 * ); // hooks.prestart[0] "/bin/net" failed: it ended with status 3
 * ```
 */
export function wordHookEnd(
  op: Op<"hook.run">,
  errnoName: string,
  value: bigint,
): string | undefined {
  const what = `${op.note ?? "A hook"} ${quote(op.argv[0] ?? "")} failed`;
  if (errnoName === "ETIMEDOUT") {
    return `${what}: it took longer than its timeout of ${
      Number(op.timeout) / 1000
    } s and was killed`;
  }
  if (errnoName !== "ECANCELED") return undefined;
  return value < 0n
    ? `${what}: it was ended by signal ${-value}`
    : `${what}: it ended with status ${value}`;
}

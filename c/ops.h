/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ops.h - operations of the packed Plan. Written by `deno task gen` from
 * lib/plan/ops.ts; do not edit. Include plan.h, which includes this.
 */
#ifndef NSI_OPS_H
#define NSI_OPS_H

/* clang-format off */
enum nsi_kind {
	NSI_OP_FD_USE = 1,
	NSI_OP_TREE_OPEN = 2,
	NSI_OP_NS_OPEN = 3,
	NSI_OP_CGROUP_OPEN = 4,
	NSI_OP_FDS_SEND = 5,
	NSI_OP_FDS_RECEIVE = 6,
	NSI_OP_USERNS_MAKE = 8,
	NSI_OP_TREE_IDMAP = 9,
	NSI_OP_OVERLAY_OPEN = 7,
	NSI_OP_CGROUP_MAKE = 10,
	NSI_OP_CGROUP_CPUSET = 11,
	NSI_OP_CGROUP_ENABLE = 12,
	NSI_OP_CGROUP_WRITE = 13,
	NSI_OP_CGROUP_DEVICES = 14,
	NSI_OP_CGROUP_JOIN = 15,
	NSI_OP_CGROUP_ADOPT = 16,
	NSI_OP_SYSTEMD_SCOPE = 17,
	NSI_OP_SPAWN = 20,
	NSI_OP_AWAIT = 21,
	NSI_OP_RELEASE = 22,
	NSI_OP_AWAIT_EXEC = 23,
	NSI_OP_SYNC = 24,
	NSI_OP_NS_ENTER = 25,
	NSI_OP_NS_CLONE = 26,
	NSI_OP_ANCHOR_OPEN = 170,
	NSI_OP_NS_UNSHARE = 171,
	NSI_OP_IDMAP_WRITE = 27,
	NSI_OP_USER_ROOT = 28,
	NSI_OP_USER_RESOLVE = 29,
	NSI_OP_IDMAP_RUN = 31,
	NSI_OP_STATE_SAVE = 30,
	NSI_OP_HOOKS_BEGIN = 34,
	NSI_OP_HOOK_RUN = 35,
	NSI_OP_PARK = 36,
	NSI_OP_PLAN_SEND = 37,
	NSI_OP_AWAIT_END = 131,
	NSI_OP_PROCESS_USE = 132,
	NSI_OP_PARK_PUBLISH = 38,
	NSI_OP_PARK_CONNECT = 39,
	NSI_OP_PROC_OPEN = 40,
	NSI_OP_SESSION_NEW = 41,
	NSI_OP_HOSTNAME_SET = 42,
	NSI_OP_DOMAINNAME_SET = 43,
	NSI_OP_SYSCTL_WRITE = 44,
	NSI_OP_VETH_MAKE = 45,
	NSI_OP_LINK_MOVE = 163,
	NSI_OP_NET_LOOPBACK = 46,
	NSI_OP_NET_ADDRESS = 47,
	NSI_OP_NET_UP = 48,
	NSI_OP_NET_ROUTE = 49,
	NSI_OP_TIME_ENTER = 50,
	NSI_OP_MOUNT_PROPAGATION = 60,
	NSI_OP_ROOT_ATTACH = 61,
	NSI_OP_ROOT_PLACE = 174,
	NSI_OP_ROOT_CHANGE = 175,
	NSI_OP_ROOT_CURRENT = 62,
	NSI_OP_MOUNT_FS = 63,
	NSI_OP_MOUNT_TREE = 64,
	NSI_OP_COMMAND_RUN = 65,
	NSI_OP_DIR_MAKE = 66,
	NSI_OP_DEVICE_MAKE = 67,
	NSI_OP_LINK_MAKE = 68,
	NSI_OP_PATH_MASK = 69,
	NSI_OP_PATH_READONLY = 70,
	NSI_OP_ROOT_PIVOT = 71,
	NSI_OP_ROOT_MOVE = 72,
	NSI_OP_ROOT_READONLY = 73,
	NSI_OP_ROOT_ENTER = 74,
	NSI_OP_FILE_PROTECT = 75,
	NSI_OP_ROOT_MAKE = 76,
	NSI_OP_PATH_OWN = 77,
	NSI_OP_FILE_WRITE = 78,
	NSI_OP_TREE_SET = 160,
	NSI_OP_TREE_INSIDE = 173,
	NSI_OP_MOUNT_CHANGE = 161,
	NSI_OP_TTY_OPEN = 80,
	NSI_OP_TTY_CONSOLE = 81,
	NSI_OP_TTY_CONTROL = 82,
	NSI_OP_STDIO_SET = 83,
	NSI_OP_TTY_OWN = 84,
	NSI_OP_FDS_PLACE = 85,
	NSI_OP_STDIO_OWN = 86,
	NSI_OP_RLIMIT_SET = 90,
	NSI_OP_OOM_ADJUST = 91,
	NSI_OP_LABEL_APPARMOR = 92,
	NSI_OP_LABEL_SELINUX = 93,
	NSI_OP_USER_FILES = 94,
	NSI_OP_CAPS_BOUND = 95,
	NSI_OP_USER_APPLY = 96,
	NSI_OP_CAPS_SET = 97,
	NSI_OP_PRIVILEGES_LOCK = 98,
	NSI_OP_SECCOMP_LOAD = 99,
	NSI_OP_SECCOMP_NOTIFY = 150,
	NSI_OP_AWAIT_LISTENER = 151,
	NSI_OP_LISTENER_HAND = 152,
	NSI_OP_DEATH_SIGNAL = 100,
	NSI_OP_FDS_CLOSE = 101,
	NSI_OP_CWD_ENTER = 102,
	NSI_OP_UMASK_SET = 103,
	NSI_OP_EXEC = 104,
	NSI_OP_PROGRAM_FIND = 172,
	NSI_OP_KEYRING_JOIN = 105,
	NSI_OP_PERSONALITY_SET = 106,
	NSI_OP_MEMORY_POLICY = 162,
	NSI_OP_AFFINITY_SET = 107,
	NSI_OP_SCHEDULER_SET = 108,
	NSI_OP_IOPRIO_SET = 109,
	NSI_OP_MONITOR = 110,
	NSI_OP_LOCK_TAKE = 120,
	NSI_OP_CGROUP_KILL = 121,
	NSI_OP_CGROUP_REMOVE = 122,
	NSI_OP_LINK_REMOVE = 123,
	NSI_OP_FILE_REMOVE = 124,
	NSI_OP_PLACE_REMOVE = 176,
	NSI_OP_DIR_REMOVE = 125,
	NSI_OP_UNDO_UNLESS = 130,
	NSI_OP_UNDO_CHECK = 126,
};

enum nsi_point {
	NSI_POINT_CLONED = 1,
	NSI_POINT_IDMAP = 2,
	NSI_POINT_NETWORK = 3,
	NSI_POINT_USER = 4,
	NSI_POINT_EXEC = 5,
	NSI_POINT_HOOKS = 6,
	NSI_POINT_GROUP = 7,
	NSI_POINT_PARKED = 8,
	NSI_POINT_TREE = 9,
};

enum nsi_slot {
	NSI_SLOT_STDIN = 0,
	NSI_SLOT_STDOUT = 1,
	NSI_SLOT_STDERR = 2,
	NSI_SLOT_ROOT = 3,
	NSI_SLOT_MASTER = 4,
	NSI_SLOT_PASSWD = 5,
	NSI_SLOT_GROUP = 6,
	NSI_SLOT_CGROUP = 7,
	NSI_SLOT_TARGET = 8,
	NSI_SLOT_SECCOMP = 9,
	NSI_SLOT_FIRST = 16,
	NSI_SLOT_COUNT = 512,
};

/* fd.use: puts a duplicate of the caller's descriptor fd into slot */
#define NSI_FD_USE_SLOT(op) ((uint64_t)(op)->n[0])
#define NSI_FD_USE_FD(op) ((uint64_t)(op)->n[1])

/* tree.open: open_tree(2) clone of the host path into slot; flags bit 0: with its submounts */
#define NSI_TREE_OPEN_SLOT(op) ((uint64_t)(op)->n[0])
#define NSI_TREE_OPEN_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_TREE_OPEN_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* ns.open: opens a namespace file into slot and checks that it is of the CLONE_NEW* type */
#define NSI_NS_OPEN_SLOT(op) ((uint64_t)(op)->n[0])
#define NSI_NS_OPEN_TYPE(op) ((uint64_t)(op)->n[1])
#define NSI_NS_OPEN_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* cgroup.open: opens a cgroup directory into slot */
#define NSI_CGROUP_OPEN_SLOT(op) ((uint64_t)(op)->n[0])
#define NSI_CGROUP_OPEN_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* fds.send: sends the slots (list of decimal numbers, u32 array) to the child */
#define NSI_FDS_SEND_SLOTS(run, op) nsi_blob(&(run)->plan, &(op)->s[0])

/* fds.receive: receives the same slots (u32 array) */
#define NSI_FDS_RECEIVE_SLOTS(run, op) nsi_blob(&(run)->plan, &(op)->s[0])

/* userns.make: makes a user namespace with these uid_map and gid_map lines, for id-mapped mounts, and opens it into slot */
#define NSI_USERNS_MAKE_SLOT(op) ((uint64_t)(op)->n[0])
#define NSI_USERNS_MAKE_UIDS(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_USERNS_MAKE_GIDS(run, op) nsi_str(&(run)->plan, &(op)->s[1])

/* tree.idmap: shows ids through the detached tree in slot as the user namespace in slot userns maps them; flags bit 0: submounts as well */
#define NSI_TREE_IDMAP_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_TREE_IDMAP_SLOT(op) ((uint64_t)(op)->n[0])
#define NSI_TREE_IDMAP_USERNS(op) ((uint64_t)(op)->n[1])

/* overlay.open: a detached overlay into slot: lower is only read, writes go to the host directories upper and work, made like lower if missing, or without them to a new tmpfs with the options; settings are the overlay's own options (both are key, value pairs; empty value is a flag); flags bit 0: the tmpfs must be attached to be a layer (before Linux 6.15) */
#define NSI_OVERLAY_OPEN_SLOT(op) ((uint64_t)(op)->n[0])
#define NSI_OVERLAY_OPEN_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_OVERLAY_OPEN_LOWER(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_OVERLAY_OPEN_UPPER(run, op) nsi_str(&(run)->plan, &(op)->s[1])
#define NSI_OVERLAY_OPEN_WORK(run, op) nsi_str(&(run)->plan, &(op)->s[2])
#define NSI_OVERLAY_OPEN_OPTIONS(run, op) nsi_blob(&(run)->plan, &(op)->s[3])
#define NSI_OVERLAY_OPEN_SETTINGS(run, op) nsi_blob(&(run)->plan, &(op)->s[4])

/* cgroup.make: makes path below base with its parents, marking each directory made as ours and path with its owner; flags bit 0: path itself must not exist, bit 1: it may, empty and not frozen; its descriptor goes into slot, unless that is -1 */
#define NSI_CGROUP_MAKE_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_CGROUP_MAKE_SLOT(op) ((int64_t)(op)->n[0])
#define NSI_CGROUP_MAKE_BASE(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_CGROUP_MAKE_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[1])
#define NSI_CGROUP_MAKE_OWNER(run, op) nsi_str(&(run)->plan, &(op)->s[2])

/* cgroup.cpuset: from base down to path, fills empty cpuset.cpus and cpuset.mems from the parent (v1) */
#define NSI_CGROUP_CPUSET_BASE(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_CGROUP_CPUSET_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[1])

/* cgroup.enable: from base down to path's parent, enables the controllers ('+name' items) in cgroup.subtree_control (v2) */
#define NSI_CGROUP_ENABLE_BASE(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_CGROUP_ENABLE_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[1])
#define NSI_CGROUP_ENABLE_CONTROLLERS(run, op) nsi_blob(&(run)->plan, &(op)->s[2])

/* cgroup.write: writes value to path/file; flags bit 0: read it back, a different number is ERANGE; bit 1: a file that is not there is left out */
#define NSI_CGROUP_WRITE_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_CGROUP_WRITE_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_CGROUP_WRITE_FILE(run, op) nsi_str(&(run)->plan, &(op)->s[1])
#define NSI_CGROUP_WRITE_VALUE(run, op) nsi_str(&(run)->plan, &(op)->s[2])

/* cgroup.devices: loads the eBPF device program (struct bpf_insn array) and attaches it to the v2 group; flags bit 0: in the place of the one attached before */
#define NSI_CGROUP_DEVICES_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_CGROUP_DEVICES_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_CGROUP_DEVICES_PROGRAM(run, op) nsi_blob(&(run)->plan, &(op)->s[1])

/* cgroup.join: moves the calling single-threaded process into the v1 group by its tasks file (or v2 by cgroup.procs); the group stands in slot, which is emptied, or at path where that is -1 */
#define NSI_CGROUP_JOIN_SLOT(op) ((int64_t)(op)->n[0])
#define NSI_CGROUP_JOIN_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_CGROUP_JOIN_FILE(run, op) nsi_str(&(run)->plan, &(op)->s[1])

/* cgroup.adopt: marks a group that a service manager made for us with its owner; one that has another owner's mark is EEXIST */
#define NSI_CGROUP_ADOPT_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_CGROUP_ADOPT_OWNER(run, op) nsi_str(&(run)->plan, &(op)->s[1])

/* systemd.scope: has systemd (bus: system or user) start the transient unit with the child as its process and the properties (Name=value), and checks that its group is group, whose directory path is not frozen (by TypeScript) */
#define NSI_SYSTEMD_SCOPE_BUS(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_SYSTEMD_SCOPE_UNIT(run, op) nsi_str(&(run)->plan, &(op)->s[1])
#define NSI_SYSTEMD_SCOPE_GROUP(run, op) nsi_str(&(run)->plan, &(op)->s[2])
#define NSI_SYSTEMD_SCOPE_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[3])
#define NSI_SYSTEMD_SCOPE_PROPERTIES(run, op) nsi_blob(&(run)->plan, &(op)->s[4])

/* spawn: clone3(2) with the CLONE_NEW* flags, into the v2 cgroup of slot cgroup unless it is -1, and execs the helper */
#define NSI_SPAWN_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_SPAWN_CGROUP(op) ((int64_t)(op)->n[0])

/* await: waits until the child reaches point */
#define NSI_AWAIT_POINT(op) ((uint64_t)(op)->n[0])

/* release: lets the child go on from point, with an optional payload */
#define NSI_RELEASE_POINT(op) ((uint64_t)(op)->n[0])
#define NSI_RELEASE_PAYLOAD(run, op) nsi_blob(&(run)->plan, &(op)->s[0])

/* await.exec: waits until the child has executed the program or failed to */

/* sync: tells the parent that point is reached and waits for its release */
#define NSI_SYNC_POINT(op) ((uint64_t)(op)->n[0])

/* ns.enter: setns(2) to the descriptor (namespace or pidfd) in slot */
#define NSI_NS_ENTER_SLOT(op) ((uint64_t)(op)->n[0])
#define NSI_NS_ENTER_FLAGS(op) ((uint64_t)(op)->flags)

/* ns.clone: clones itself with CLONE_PARENT and the CLONE_NEW* flags, reports the new process and exits; the list goes on in the new process */
#define NSI_NS_CLONE_FLAGS(op) ((uint64_t)(op)->flags)

/* anchor.open: puts into slot a mount namespace that holds an empty tmpfs and the null device, made once for this process */
#define NSI_ANCHOR_OPEN_SLOT(op) ((uint64_t)(op)->n[0])

/* ns.unshare: makes the CLONE_NEW* namespaces of flags; with a slot, unless that is -1, it enters the mount namespace there first, whose copy its own becomes */
#define NSI_NS_UNSHARE_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_NS_UNSHARE_SLOT(op) ((int64_t)(op)->n[0])

/* idmap.write: writes setgroups (deny when flags bit 0), uid_map and gid_map of the child; an empty map is left to another */
#define NSI_IDMAP_WRITE_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_IDMAP_WRITE_UIDS(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_IDMAP_WRITE_GIDS(run, op) nsi_str(&(run)->plan, &(op)->s[1])

/* user.root: becomes uid 0 and gid 0 of the user namespace; flags bit 0: setgroups is denied, skip it */
#define NSI_USER_ROOT_FLAGS(op) ((uint64_t)(op)->flags)

/* user.resolve: looks user and groups up in the passwd and group files that the child opened, and releases it with the result (by TypeScript) */
#define NSI_USER_RESOLVE_USER(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_USER_RESOLVE_GROUPS(run, op) nsi_blob(&(run)->plan, &(op)->s[1])

/* idmap.run: has newuidmap or newgidmap (kind uid or gid) of the host write that map of the child (by TypeScript) */
#define NSI_IDMAP_RUN_KIND(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_IDMAP_RUN_MAP(run, op) nsi_blob(&(run)->plan, &(op)->s[1])

/* state.save: writes state.json and the marker with the first process's pid (by TypeScript) */

/* hooks.begin: records that hooks run, so that poststop hooks follow at the end (by TypeScript) */

/* hook.run: runs the program argv[0] with the arguments argv[1], ... in dir, the state on its stdin, and waits up to timeout milliseconds (0: for ever), then kills its process group; two pieces of the state have the pid between them (the child's, its own in the child's list); flags bit 0: its output goes to the caller's error output; bit 1: it is kept, and the ends of both outputs, each after its length, are the payload of the report of a failure; root is the host path at which a root that is attached, but not entered, is shown to it, mounts on it becoming the container's, and propagation (MS_*) is what the root's mount has afterwards */
#define NSI_HOOK_RUN_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_HOOK_RUN_TIMEOUT(op) ((uint64_t)(op)->n[0])
#define NSI_HOOK_RUN_PROPAGATION(op) ((uint64_t)(op)->n[1])
#define NSI_HOOK_RUN_ARGV(run, op) nsi_blob(&(run)->plan, &(op)->s[0])
#define NSI_HOOK_RUN_ENVP(run, op) nsi_blob(&(run)->plan, &(op)->s[1])
#define NSI_HOOK_RUN_DIR(run, op) nsi_str(&(run)->plan, &(op)->s[2])
#define NSI_HOOK_RUN_STATE(run, op) nsi_blob(&(run)->plan, &(op)->s[3])
#define NSI_HOOK_RUN_ROOT(run, op) nsi_str(&(run)->plan, &(op)->s[4])

/* park: tells the parent that point parked is reached and waits: for a release, for the rest of the list as a further Plan, or for a listening socket, whose first caller takes the parent's place; flags bit 0: gives up all descriptors but the hand-shake's first, with the root on 0, 1 and 2 */
#define NSI_PARK_FLAGS(op) ((uint64_t)(op)->flags)

/* plan.send: gives this Plan to a child that is parked; its child's list takes the place of what is left of the child's own */

/* await.end: waits until the child, which executes no program, has done its whole list and ended */

/* process.use: what follows is about the process pid, which others have made and wait for */
#define NSI_PROCESS_USE_PID(op) ((uint64_t)(op)->n[0])

/* park.publish: makes a listening unix socket dir/name, for its owner alone, and leaves the parked child to whoever connects to it */
#define NSI_PARK_PUBLISH_DIR(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_PARK_PUBLISH_NAME(run, op) nsi_str(&(run)->plan, &(op)->s[1])

/* park.connect: takes the place of the parent of the parked child pid over the unix socket dir/name */
#define NSI_PARK_CONNECT_PID(op) ((uint64_t)(op)->n[0])
#define NSI_PARK_CONNECT_DIR(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_PARK_CONNECT_NAME(run, op) nsi_str(&(run)->plan, &(op)->s[1])

/* proc.open: opens a private procfs instance, or checks that /proc is a real one, for later writes */

/* session.new: setsid(2) */

/* hostname.set: sethostname(2) */
#define NSI_HOSTNAME_SET_NAME(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* domainname.set: setdomainname(2) */
#define NSI_DOMAINNAME_SET_NAME(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* sysctl.write: writes value to the file key below the private procfs's sys */
#define NSI_SYSCTL_WRITE_KEY(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_SYSCTL_WRITE_VALUE(run, op) nsi_str(&(run)->plan, &(op)->s[1])

/* veth.make: makes a veth pair with its inner end in the child's network namespace, its outer end on the bridge and up; flags bit 0: hairpin */
#define NSI_VETH_MAKE_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_VETH_MAKE_MTU(op) ((uint64_t)(op)->n[0])
#define NSI_VETH_MAKE_TXQUEUELEN(op) ((uint64_t)(op)->n[1])
#define NSI_VETH_MAKE_HOST(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_VETH_MAKE_NAME(run, op) nsi_str(&(run)->plan, &(op)->s[1])
#define NSI_VETH_MAKE_BRIDGE(run, op) nsi_str(&(run)->plan, &(op)->s[2])
#define NSI_VETH_MAKE_ALIAS(run, op) nsi_str(&(run)->plan, &(op)->s[3])
#define NSI_VETH_MAKE_MAC(run, op) nsi_blob(&(run)->plan, &(op)->s[4])

/* link.move: moves the interface device into the child's network namespace under the name */
#define NSI_LINK_MOVE_DEVICE(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_LINK_MOVE_NAME(run, op) nsi_str(&(run)->plan, &(op)->s[1])

/* net.loopback: brings lo up; a non-zero mtu is set first */
#define NSI_NET_LOOPBACK_MTU(op) ((uint64_t)(op)->n[0])

/* net.address: adds an address (4 or 16 bytes) with its prefix length in bits to the interface */
#define NSI_NET_ADDRESS_PREFIX(op) ((uint64_t)(op)->n[0])
#define NSI_NET_ADDRESS_NAME(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_NET_ADDRESS_ADDRESS(run, op) nsi_blob(&(run)->plan, &(op)->s[1])

/* net.up: brings the interface up */
#define NSI_NET_UP_NAME(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* net.route: adds a route to the main table; no destination bytes is the default route; family is AF_INET 2 or AF_INET6 10 */
#define NSI_NET_ROUTE_FAMILY(op) ((uint64_t)(op)->n[0])
#define NSI_NET_ROUTE_PREFIX(op) ((uint64_t)(op)->n[1])
#define NSI_NET_ROUTE_NAME(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_NET_ROUTE_DESTINATION(run, op) nsi_blob(&(run)->plan, &(op)->s[1])
#define NSI_NET_ROUTE_SOURCE(run, op) nsi_blob(&(run)->plan, &(op)->s[2])
#define NSI_NET_ROUTE_GATEWAY(run, op) nsi_blob(&(run)->plan, &(op)->s[3])

/* time.enter: makes a time namespace, writes its offsets (lines of timens_offsets), and enters it; flags bit 0: nobody else is in the user namespace */
#define NSI_TIME_ENTER_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_TIME_ENTER_OFFSETS(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* mount.propagation: sets the propagation (MS_SLAVE, MS_PRIVATE, ...) of /, with MS_REC of all mounts below it */
#define NSI_MOUNT_PROPAGATION_PROPAGATION(op) ((uint64_t)(op)->n[0])

/* root.attach: sets the tree in slot to the propagation, attaches it over /, or on the directory at where that can be reached, and makes it the root of all later paths */
#define NSI_ROOT_ATTACH_SLOT(op) ((uint64_t)(op)->n[0])
#define NSI_ROOT_ATTACH_PROPAGATION(op) ((uint64_t)(op)->n[1])
#define NSI_ROOT_ATTACH_AT(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* root.place: attaches the tree in slot, made private, on the host's directory at, which is made, and makes it the root of all later paths */
#define NSI_ROOT_PLACE_SLOT(op) ((uint64_t)(op)->n[0])
#define NSI_ROOT_PLACE_AT(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* root.change: chroot(2) into the root of all later paths, or into the host's directory path, which then is that root */
#define NSI_ROOT_CHANGE_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* root.current: makes the current / the root of all later paths */

/* mount.fs: makes a new instance of a file system with the options (key, value pairs; empty value is a flag) and the MOUNT_ATTR_* attr, and attaches it at target, made as a directory if missing; flags bit 0: target must be a real directory directly below the root, not reached through a symlink; bit 1: a tmpfs takes the mode and owner of the directory it covers; bit 2: and a copy of what is in it */
#define NSI_MOUNT_FS_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_MOUNT_FS_ATTR(op) ((uint64_t)(op)->n[0])
#define NSI_MOUNT_FS_PROPAGATION(op) ((uint64_t)(op)->n[1])
#define NSI_MOUNT_FS_FSTYPE(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_MOUNT_FS_SOURCE(run, op) nsi_str(&(run)->plan, &(op)->s[1])
#define NSI_MOUNT_FS_TARGET(run, op) nsi_str(&(run)->plan, &(op)->s[2])
#define NSI_MOUNT_FS_OPTIONS(run, op) nsi_blob(&(run)->plan, &(op)->s[3])

/* mount.tree: sets attributes and propagation (0 leaves it) of the detached tree in slot and attaches it at target, made as a file or directory if missing; flags bit 0: attributes also to submounts; bit 1: target as in mount.fs bit 0; bit 2: target may lie in procfs (no symlinks followed); bit 3: the tree must be procfs; bit 4: sysfs; bit 5: EPERM when that loses ro, nosuid, nodev or noexec, or changes a setting of times */
#define NSI_MOUNT_TREE_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_MOUNT_TREE_SLOT(op) ((uint64_t)(op)->n[0])
#define NSI_MOUNT_TREE_SET(op) ((uint64_t)(op)->n[1])
#define NSI_MOUNT_TREE_CLEAR(op) ((uint64_t)(op)->n[2])
#define NSI_MOUNT_TREE_PROPAGATION(op) ((uint64_t)(op)->n[3])
#define NSI_MOUNT_TREE_TARGET(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* command.run: runs a host program (premount and postmount commands) and waits; a non-zero exit status is ECANCELED */
#define NSI_COMMAND_RUN_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_COMMAND_RUN_ARGV(run, op) nsi_blob(&(run)->plan, &(op)->s[1])
#define NSI_COMMAND_RUN_ENVP(run, op) nsi_blob(&(run)->plan, &(op)->s[2])
#define NSI_COMMAND_RUN_DIR(run, op) nsi_str(&(run)->plan, &(op)->s[3])

/* dir.make: makes a directory with its parents inside the root */
#define NSI_DIR_MAKE_MODE(op) ((uint64_t)(op)->n[0])
#define NSI_DIR_MAKE_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* device.make: makes a device node (S_IFMT bits in type) inside the root; an existing node must be the same device; flags bit 0: bind the host's node of the same path instead (user namespaces) */
#define NSI_DEVICE_MAKE_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_DEVICE_MAKE_TYPE(op) ((uint64_t)(op)->n[0])
#define NSI_DEVICE_MAKE_DEVICE(op) ((uint64_t)(op)->n[1])
#define NSI_DEVICE_MAKE_MODE(op) ((uint64_t)(op)->n[2])
#define NSI_DEVICE_MAKE_UID(op) ((uint64_t)(op)->n[3])
#define NSI_DEVICE_MAKE_GID(op) ((uint64_t)(op)->n[4])
#define NSI_DEVICE_MAKE_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* link.make: makes a symlink inside the root; an existing name is kept, or with flags bit 0 replaced unless it is a directory */
#define NSI_LINK_MAKE_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_LINK_MAKE_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_LINK_MAKE_TARGET(run, op) nsi_str(&(run)->plan, &(op)->s[1])

/* path.mask: hides a path: the host's null device over a file, an empty read-only tmpfs over a directory; missing is fine */
#define NSI_PATH_MASK_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* path.readonly: makes a path read-only with its submounts; missing is fine */
#define NSI_PATH_READONLY_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* root.pivot: pivot_root(2) into the attached root and detaches the old one */

/* root.move: chroot(2) into the attached root, the old one staying below it */

/* root.readonly: makes the root's top mount read-only */

/* root.enter: changes to a host directory, without a new mount namespace */
#define NSI_ROOT_ENTER_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* file.protect: binds a regular file of the root read-only over itself, or a directory as it is, so that neither can be moved; no symlinks followed; missing is fine */
#define NSI_FILE_PROTECT_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* root.make: makes an empty tmpfs with the options and the MOUNT_ATTR_* attr, attaches it over / with the propagation and makes it the root of all later paths */
#define NSI_ROOT_MAKE_ATTR(op) ((uint64_t)(op)->n[0])
#define NSI_ROOT_MAKE_PROPAGATION(op) ((uint64_t)(op)->n[1])
#define NSI_ROOT_MAKE_OPTIONS(run, op) nsi_blob(&(run)->plan, &(op)->s[0])

/* path.own: gives what is at path inside the root an owner, no symlinks followed */
#define NSI_PATH_OWN_UID(op) ((uint64_t)(op)->n[0])
#define NSI_PATH_OWN_GID(op) ((uint64_t)(op)->n[1])
#define NSI_PATH_OWN_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* file.write: makes a file with the mode and content inside the root, its parents if missing; no symlinks followed, nothing may have the name */
#define NSI_FILE_WRITE_MODE(op) ((uint64_t)(op)->n[0])
#define NSI_FILE_WRITE_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_FILE_WRITE_CONTENT(run, op) nsi_blob(&(run)->plan, &(op)->s[1])

/* tree.set: sets and clears attributes of every mount of the detached tree in slot */
#define NSI_TREE_SET_SLOT(op) ((uint64_t)(op)->n[0])
#define NSI_TREE_SET_SET(op) ((uint64_t)(op)->n[1])
#define NSI_TREE_SET_CLEAR(op) ((uint64_t)(op)->n[2])

/* tree.inside: open_tree(2) clone of the path inside the root, as it is by then, into slot; no symlinks followed; flags bit 0: with its submounts; bit 1: the parent gets it into the same slot */
#define NSI_TREE_INSIDE_SLOT(op) ((uint64_t)(op)->n[0])
#define NSI_TREE_INSIDE_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_TREE_INSIDE_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* mount.change: sets attributes and propagation (0 leaves it) of the mount that is at target already; flags bit 0: attributes also of submounts */
#define NSI_MOUNT_CHANGE_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_MOUNT_CHANGE_SET(op) ((uint64_t)(op)->n[0])
#define NSI_MOUNT_CHANGE_CLEAR(op) ((uint64_t)(op)->n[1])
#define NSI_MOUNT_CHANGE_PROPAGATION(op) ((uint64_t)(op)->n[2])
#define NSI_MOUNT_CHANGE_TARGET(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* tty.open: opens a pty in the root's devpts, sizes it, gives its outer end to the parent and keeps the inner end as stdio; flags bit 0: newlines come out without a carriage return */
#define NSI_TTY_OPEN_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_TTY_OPEN_ROWS(op) ((uint64_t)(op)->n[0])
#define NSI_TTY_OPEN_COLUMNS(op) ((uint64_t)(op)->n[1])
#define NSI_TTY_OPEN_UID(op) ((uint64_t)(op)->n[2])
#define NSI_TTY_OPEN_GID(op) ((uint64_t)(op)->n[3])
#define NSI_TTY_OPEN_MODE(op) ((uint64_t)(op)->n[4])

/* tty.console: binds the pty's inner end over path, e.g. /dev/console */
#define NSI_TTY_CONSOLE_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* tty.control: makes the pty the controlling terminal */

/* stdio.set: puts slots on descriptors 0, 1, 2 (-1 keeps what is there); with flags bit 0 the pty on all three; descriptors open on the host's null device are put on the container's */
#define NSI_STDIO_SET_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_STDIO_SET_STDIN(op) ((int64_t)(op)->n[0])
#define NSI_STDIO_SET_STDOUT(op) ((int64_t)(op)->n[1])
#define NSI_STDIO_SET_STDERR(op) ((int64_t)(op)->n[2])

/* tty.own: gives the pty's inner end to the user that was looked up and to the group gid (-1 leaves it), with the mode */
#define NSI_TTY_OWN_GID(op) ((int64_t)(op)->n[0])
#define NSI_TTY_OWN_MODE(op) ((uint64_t)(op)->n[1])

/* fds.place: puts the slots (u32 array) on descriptors 3, 4, ... of the program, not close-on-exec; what stood there is forgotten */
#define NSI_FDS_PLACE_SLOTS(run, op) nsi_blob(&(run)->plan, &(op)->s[0])

/* stdio.own: gives those of descriptors 0, 1 and 2 that are pipes to the user that was looked up, so that it may open them again by name; where a user namespace does not reach them they stay as they are */

/* rlimit.set: prlimit(2) of itself */
#define NSI_RLIMIT_SET_RESOURCE(op) ((uint64_t)(op)->n[0])
#define NSI_RLIMIT_SET_SOFT(op) ((uint64_t)(op)->n[1])
#define NSI_RLIMIT_SET_HARD(op) ((uint64_t)(op)->n[2])

/* oom.adjust: writes oom_score_adj through the private procfs */
#define NSI_OOM_ADJUST_VALUE(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* label.apparmor: writes the profile change at exec ('exec NAME') to attr/apparmor/exec or attr/exec */
#define NSI_LABEL_APPARMOR_VALUE(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* label.selinux: writes the label at exec to attr/exec */
#define NSI_LABEL_SELINUX_VALUE(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* user.files: opens etc/passwd and etc/group of the root (regular files only) and gives them to the parent; where they are the files known, in the same state, user is the one that was looked up in them and nobody is asked */
#define NSI_USER_FILES_KNOWN(run, op) nsi_blob(&(run)->plan, &(op)->s[0])
#define NSI_USER_FILES_USER(run, op) nsi_blob(&(run)->plan, &(op)->s[1])

/* caps.bound: drops everything outside mask from the bounding set */
#define NSI_CAPS_BOUND_MASK(op) ((uint64_t)(op)->n[0])

/* user.apply: setgroups, setresgid, setresuid from the released user record, keeping capabilities; flags bit 0: no setgroups, as it is denied or the caller's groups are kept */
#define NSI_USER_APPLY_FLAGS(op) ((uint64_t)(op)->flags)

/* caps.set: sets the four process sets; ambient is exactly ambient */
#define NSI_CAPS_SET_EFFECTIVE(op) ((uint64_t)(op)->n[0])
#define NSI_CAPS_SET_PERMITTED(op) ((uint64_t)(op)->n[1])
#define NSI_CAPS_SET_INHERITABLE(op) ((uint64_t)(op)->n[2])
#define NSI_CAPS_SET_AMBIENT(op) ((uint64_t)(op)->n[3])

/* privileges.lock: PR_SET_NO_NEW_PRIVS */

/* seccomp.load: installs the filter (struct sock_filter array) with the SECCOMP_FILTER_FLAG_* flags */
#define NSI_SECCOMP_LOAD_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_SECCOMP_LOAD_PROGRAM(run, op) nsi_blob(&(run)->plan, &(op)->s[0])

/* seccomp.notify: installs the part of the filter (struct sock_filter array) that asks a listener, with the SECCOMP_FILTER_FLAG_* flags, and sends the listener to the parent, by sendmsg(2) or, with send 1, by sendmmsg(2) */
#define NSI_SECCOMP_NOTIFY_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_SECCOMP_NOTIFY_SEND(op) ((uint64_t)(op)->n[0])
#define NSI_SECCOMP_NOTIFY_PROGRAM(run, op) nsi_blob(&(run)->plan, &(op)->s[0])

/* await.listener: waits until the seccomp listener has come from the child */

/* listener.hand: gives the seccomp listener to the caller or, with path, over that unix socket with metadata (by TypeScript) */
#define NSI_LISTENER_HAND_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_LISTENER_HAND_METADATA(run, op) nsi_str(&(run)->plan, &(op)->s[1])

/* death.signal: PR_SET_PDEATHSIG, then checks that the parent still lives */
#define NSI_DEATH_SIGNAL_SIGNAL(op) ((uint64_t)(op)->n[0])

/* fds.close: closes every descriptor above keep but the handshake's, which exec closes */
#define NSI_FDS_CLOSE_KEEP(op) ((uint64_t)(op)->n[0])

/* cwd.enter: chdir(2), then checks with getcwd(2) that it lies below the root; flags bit 0: to be tried again, by one without it that does nothing after a success, if this one may not */
#define NSI_CWD_ENTER_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_CWD_ENTER_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* umask.set: umask(2) */
#define NSI_UMASK_SET_MASK(op) ((uint64_t)(op)->n[0])

/* exec: tries execve(2) on each path in turn; flags bit 0: HOME of the user record is added to the environment */
#define NSI_EXEC_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_EXEC_PATHS(run, op) nsi_blob(&(run)->plan, &(op)->s[0])
#define NSI_EXEC_ARGV(run, op) nsi_blob(&(run)->plan, &(op)->s[1])
#define NSI_EXEC_ENVP(run, op) nsi_blob(&(run)->plan, &(op)->s[2])

/* program.find: looks for the program that exec will execute: the first of paths that is a file which this user may execute; name is what was asked for */
#define NSI_PROGRAM_FIND_PATHS(run, op) nsi_blob(&(run)->plan, &(op)->s[0])
#define NSI_PROGRAM_FIND_NAME(run, op) nsi_str(&(run)->plan, &(op)->s[1])

/* keyring.join: joins the session keyring of that name, made if missing; without a name none is made besides the empty one that the helper starts with */
#define NSI_KEYRING_JOIN_NAME(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* personality.set: personality(2) */
#define NSI_PERSONALITY_SET_DOMAIN(op) ((uint64_t)(op)->n[0])

/* memory.policy: set_mempolicy(2) with the MPOL_* mode and flags; nodes has one bit for each node */
#define NSI_MEMORY_POLICY_MODE(op) ((uint64_t)(op)->n[0])
#define NSI_MEMORY_POLICY_NODES(run, op) nsi_blob(&(run)->plan, &(op)->s[0])

/* affinity.set: sched_setaffinity(2) of the child, by either side; mask has one bit for each CPU */
#define NSI_AFFINITY_SET_MASK(run, op) nsi_blob(&(run)->plan, &(op)->s[0])

/* scheduler.set: sched_setattr(2) of the child; times in nanoseconds, SCHED_FLAG_* flags */
#define NSI_SCHEDULER_SET_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_SCHEDULER_SET_POLICY(op) ((uint64_t)(op)->n[0])
#define NSI_SCHEDULER_SET_NICE(op) ((int64_t)(op)->n[1])
#define NSI_SCHEDULER_SET_PRIORITY(op) ((uint64_t)(op)->n[2])
#define NSI_SCHEDULER_SET_RUNTIME(op) ((uint64_t)(op)->n[3])
#define NSI_SCHEDULER_SET_DEADLINE(op) ((uint64_t)(op)->n[4])
#define NSI_SCHEDULER_SET_PERIOD(op) ((uint64_t)(op)->n[5])

/* ioprio.set: ioprio_set(2) of the child */
#define NSI_IOPRIO_SET_CLASS(op) ((uint64_t)(op)->n[0])
#define NSI_IOPRIO_SET_PRIORITY(op) ((uint64_t)(op)->n[1])

/* monitor: waits for the process of pidfd: relays the terminal or the pipes (-1: none), forwards signals, runs the undo list and exits with the process's status; flags bit 0: descriptor 0 is a terminal to be made raw, bit 1: forward its size; message is printed when the undo list fails, warning when only hooks of it do, notice when undo.unless ends it */
#define NSI_MONITOR_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_MONITOR_PIDFD(op) ((uint64_t)(op)->n[0])
#define NSI_MONITOR_MASTER(op) ((int64_t)(op)->n[1])
#define NSI_MONITOR_STDIN(op) ((int64_t)(op)->n[2])
#define NSI_MONITOR_STDOUT(op) ((int64_t)(op)->n[3])
#define NSI_MONITOR_STDERR(op) ((int64_t)(op)->n[4])
#define NSI_MONITOR_MESSAGE(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_MONITOR_WARNING(run, op) nsi_str(&(run)->plan, &(op)->s[1])
#define NSI_MONITOR_NOTICE(run, op) nsi_str(&(run)->plan, &(op)->s[2])

/* lock.take: takes the lock of the open state directory; if it has been removed, someone else has cleaned up and the list ends */
#define NSI_LOCK_TAKE_FD(op) ((uint64_t)(op)->n[0])

/* cgroup.kill: kills every process of the group and of groups below it, until none is left; version is 1 or 2; freezer is the same group in the v1 freezer hierarchy; a group of another owner is left alone */
#define NSI_CGROUP_KILL_VERSION(op) ((uint64_t)(op)->n[0])
#define NSI_CGROUP_KILL_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_CGROUP_KILL_OWNER(run, op) nsi_str(&(run)->plan, &(op)->s[1])
#define NSI_CGROUP_KILL_FREEZER(run, op) nsi_str(&(run)->plan, &(op)->s[2])

/* cgroup.remove: removes the group with those below it, then parents up to base that are marked as ours and empty; a group of another owner is left alone; flags bit 0: a service manager removes it, which is waited for first */
#define NSI_CGROUP_REMOVE_FLAGS(op) ((uint64_t)(op)->flags)
#define NSI_CGROUP_REMOVE_BASE(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_CGROUP_REMOVE_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[1])
#define NSI_CGROUP_REMOVE_OWNER(run, op) nsi_str(&(run)->plan, &(op)->s[2])

/* link.remove: removes the interface if it carries the alias */
#define NSI_LINK_REMOVE_HOST(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_LINK_REMOVE_ALIAS(run, op) nsi_str(&(run)->plan, &(op)->s[1])

/* file.remove: removes a file of a directory, no links followed; missing is fine; a non-zero inode must match */
#define NSI_FILE_REMOVE_INODE(op) ((uint64_t)(op)->n[0])
#define NSI_FILE_REMOVE_DIR(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_FILE_REMOVE_NAME(run, op) nsi_str(&(run)->plan, &(op)->s[1])

/* place.remove: detaches all that is mounted on the directory, and removes it, which detaches it in other mount namespaces; missing is fine */
#define NSI_PLACE_REMOVE_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* dir.remove: removes an empty directory; missing is fine */
#define NSI_DIR_REMOVE_PATH(run, op) nsi_str(&(run)->plan, &(op)->s[0])

/* undo.unless: if there is a file name in dir, removes it and ends the list: whoever has made it has dealt with everything else */
#define NSI_UNDO_UNLESS_DIR(run, op) nsi_str(&(run)->plan, &(op)->s[0])
#define NSI_UNDO_UNLESS_NAME(run, op) nsi_str(&(run)->plan, &(op)->s[1])

/* undo.check: ends the list if an operation before it failed: what follows is the record of what is left */

/* What the references s[0..4] of an operation hold: s string, o optional string,
 * l list, b bytes, y optional bytes, - nothing. */
#define NSI_OP_REFS(X) \
	X(FD_USE, "-----") \
	X(TREE_OPEN, "s----") \
	X(NS_OPEN, "s----") \
	X(CGROUP_OPEN, "s----") \
	X(FDS_SEND, "b----") \
	X(FDS_RECEIVE, "b----") \
	X(USERNS_MAKE, "ss---") \
	X(TREE_IDMAP, "-----") \
	X(OVERLAY_OPEN, "sooll") \
	X(CGROUP_MAKE, "sss--") \
	X(CGROUP_CPUSET, "ss---") \
	X(CGROUP_ENABLE, "ssl--") \
	X(CGROUP_WRITE, "sss--") \
	X(CGROUP_DEVICES, "sb---") \
	X(CGROUP_JOIN, "ss---") \
	X(CGROUP_ADOPT, "ss---") \
	X(SYSTEMD_SCOPE, "ssssl") \
	X(SPAWN, "-----") \
	X(AWAIT, "-----") \
	X(RELEASE, "y----") \
	X(AWAIT_EXEC, "-----") \
	X(SYNC, "-----") \
	X(NS_ENTER, "-----") \
	X(NS_CLONE, "-----") \
	X(ANCHOR_OPEN, "-----") \
	X(NS_UNSHARE, "-----") \
	X(IDMAP_WRITE, "ss---") \
	X(USER_ROOT, "-----") \
	X(USER_RESOLVE, "sl---") \
	X(IDMAP_RUN, "sl---") \
	X(STATE_SAVE, "-----") \
	X(HOOKS_BEGIN, "-----") \
	X(HOOK_RUN, "llslo") \
	X(PARK, "-----") \
	X(PLAN_SEND, "-----") \
	X(AWAIT_END, "-----") \
	X(PROCESS_USE, "-----") \
	X(PARK_PUBLISH, "ss---") \
	X(PARK_CONNECT, "ss---") \
	X(PROC_OPEN, "-----") \
	X(SESSION_NEW, "-----") \
	X(HOSTNAME_SET, "s----") \
	X(DOMAINNAME_SET, "s----") \
	X(SYSCTL_WRITE, "ss---") \
	X(VETH_MAKE, "ssssy") \
	X(LINK_MOVE, "ss---") \
	X(NET_LOOPBACK, "-----") \
	X(NET_ADDRESS, "sb---") \
	X(NET_UP, "s----") \
	X(NET_ROUTE, "oyyy-") \
	X(TIME_ENTER, "o----") \
	X(MOUNT_PROPAGATION, "-----") \
	X(ROOT_ATTACH, "o----") \
	X(ROOT_PLACE, "s----") \
	X(ROOT_CHANGE, "o----") \
	X(ROOT_CURRENT, "-----") \
	X(MOUNT_FS, "sssl-") \
	X(MOUNT_TREE, "s----") \
	X(COMMAND_RUN, "slls-") \
	X(DIR_MAKE, "s----") \
	X(DEVICE_MAKE, "s----") \
	X(LINK_MAKE, "ss---") \
	X(PATH_MASK, "s----") \
	X(PATH_READONLY, "s----") \
	X(ROOT_PIVOT, "-----") \
	X(ROOT_MOVE, "-----") \
	X(ROOT_READONLY, "-----") \
	X(ROOT_ENTER, "s----") \
	X(FILE_PROTECT, "s----") \
	X(ROOT_MAKE, "l----") \
	X(PATH_OWN, "s----") \
	X(FILE_WRITE, "sb---") \
	X(TREE_SET, "-----") \
	X(TREE_INSIDE, "s----") \
	X(MOUNT_CHANGE, "s----") \
	X(TTY_OPEN, "-----") \
	X(TTY_CONSOLE, "s----") \
	X(TTY_CONTROL, "-----") \
	X(STDIO_SET, "-----") \
	X(TTY_OWN, "-----") \
	X(FDS_PLACE, "b----") \
	X(STDIO_OWN, "-----") \
	X(RLIMIT_SET, "-----") \
	X(OOM_ADJUST, "s----") \
	X(LABEL_APPARMOR, "s----") \
	X(LABEL_SELINUX, "s----") \
	X(USER_FILES, "yy---") \
	X(CAPS_BOUND, "-----") \
	X(USER_APPLY, "-----") \
	X(CAPS_SET, "-----") \
	X(PRIVILEGES_LOCK, "-----") \
	X(SECCOMP_LOAD, "b----") \
	X(SECCOMP_NOTIFY, "b----") \
	X(AWAIT_LISTENER, "-----") \
	X(LISTENER_HAND, "oo---") \
	X(DEATH_SIGNAL, "-----") \
	X(FDS_CLOSE, "-----") \
	X(CWD_ENTER, "s----") \
	X(UMASK_SET, "-----") \
	X(EXEC, "lll--") \
	X(PROGRAM_FIND, "ls---") \
	X(KEYRING_JOIN, "o----") \
	X(PERSONALITY_SET, "-----") \
	X(MEMORY_POLICY, "b----") \
	X(AFFINITY_SET, "b----") \
	X(SCHEDULER_SET, "-----") \
	X(IOPRIO_SET, "-----") \
	X(MONITOR, "soo--") \
	X(LOCK_TAKE, "-----") \
	X(CGROUP_KILL, "sso--") \
	X(CGROUP_REMOVE, "sss--") \
	X(LINK_REMOVE, "ss---") \
	X(FILE_REMOVE, "ss---") \
	X(PLACE_REMOVE, "s----") \
	X(DIR_REMOVE, "s----") \
	X(UNDO_UNLESS, "ss---") \
	X(UNDO_CHECK, "-----")

#define NSI_PARENT_OPS(X) \
	X(FD_USE, fd_use) \
	X(TREE_OPEN, tree_open) \
	X(NS_OPEN, ns_open) \
	X(CGROUP_OPEN, cgroup_open) \
	X(FDS_SEND, fds_send) \
	X(USERNS_MAKE, userns_make) \
	X(TREE_IDMAP, tree_idmap) \
	X(OVERLAY_OPEN, overlay_open) \
	X(CGROUP_MAKE, cgroup_make) \
	X(CGROUP_CPUSET, cgroup_cpuset) \
	X(CGROUP_ENABLE, cgroup_enable) \
	X(CGROUP_WRITE, cgroup_write) \
	X(CGROUP_DEVICES, cgroup_devices) \
	X(CGROUP_ADOPT, cgroup_adopt) \
	X(SPAWN, spawn) \
	X(AWAIT, await) \
	X(RELEASE, release) \
	X(AWAIT_EXEC, await_exec) \
	X(ANCHOR_OPEN, anchor_open) \
	X(IDMAP_WRITE, idmap_write) \
	X(HOOK_RUN, hook_run) \
	X(PLAN_SEND, plan_send) \
	X(AWAIT_END, await_end) \
	X(PROCESS_USE, process_use) \
	X(PARK_PUBLISH, park_publish) \
	X(PARK_CONNECT, park_connect) \
	X(VETH_MAKE, veth_make) \
	X(LINK_MOVE, link_move) \
	X(TREE_SET, tree_set) \
	X(AWAIT_LISTENER, await_listener) \
	X(AFFINITY_SET, affinity_set) \
	X(SCHEDULER_SET, scheduler_set) \
	X(IOPRIO_SET, ioprio_set) \
	X(MONITOR, monitor)

#define NSI_CHILD_OPS(X) \
	X(TREE_OPEN, tree_open) \
	X(FDS_RECEIVE, fds_receive) \
	X(TREE_IDMAP, tree_idmap) \
	X(CGROUP_JOIN, cgroup_join) \
	X(SYNC, sync) \
	X(NS_ENTER, ns_enter) \
	X(NS_CLONE, ns_clone) \
	X(NS_UNSHARE, ns_unshare) \
	X(USER_ROOT, user_root) \
	X(HOOK_RUN, hook_run) \
	X(PARK, park) \
	X(PROC_OPEN, proc_open) \
	X(SESSION_NEW, session_new) \
	X(HOSTNAME_SET, hostname_set) \
	X(DOMAINNAME_SET, domainname_set) \
	X(SYSCTL_WRITE, sysctl_write) \
	X(NET_LOOPBACK, net_loopback) \
	X(NET_ADDRESS, net_address) \
	X(NET_UP, net_up) \
	X(NET_ROUTE, net_route) \
	X(TIME_ENTER, time_enter) \
	X(MOUNT_PROPAGATION, mount_propagation) \
	X(ROOT_ATTACH, root_attach) \
	X(ROOT_PLACE, root_place) \
	X(ROOT_CHANGE, root_change) \
	X(ROOT_CURRENT, root_current) \
	X(MOUNT_FS, mount_fs) \
	X(MOUNT_TREE, mount_tree) \
	X(COMMAND_RUN, command_run) \
	X(DIR_MAKE, dir_make) \
	X(DEVICE_MAKE, device_make) \
	X(LINK_MAKE, link_make) \
	X(PATH_MASK, path_mask) \
	X(PATH_READONLY, path_readonly) \
	X(ROOT_PIVOT, root_pivot) \
	X(ROOT_MOVE, root_move) \
	X(ROOT_READONLY, root_readonly) \
	X(ROOT_ENTER, root_enter) \
	X(FILE_PROTECT, file_protect) \
	X(ROOT_MAKE, root_make) \
	X(PATH_OWN, path_own) \
	X(FILE_WRITE, file_write) \
	X(TREE_SET, tree_set) \
	X(TREE_INSIDE, tree_inside) \
	X(MOUNT_CHANGE, mount_change) \
	X(TTY_OPEN, tty_open) \
	X(TTY_CONSOLE, tty_console) \
	X(TTY_CONTROL, tty_control) \
	X(STDIO_SET, stdio_set) \
	X(TTY_OWN, tty_own) \
	X(FDS_PLACE, fds_place) \
	X(STDIO_OWN, stdio_own) \
	X(RLIMIT_SET, rlimit_set) \
	X(OOM_ADJUST, oom_adjust) \
	X(LABEL_APPARMOR, label_apparmor) \
	X(LABEL_SELINUX, label_selinux) \
	X(USER_FILES, user_files) \
	X(CAPS_BOUND, caps_bound) \
	X(USER_APPLY, user_apply) \
	X(CAPS_SET, caps_set) \
	X(PRIVILEGES_LOCK, privileges_lock) \
	X(SECCOMP_LOAD, seccomp_load) \
	X(SECCOMP_NOTIFY, seccomp_notify) \
	X(DEATH_SIGNAL, death_signal) \
	X(FDS_CLOSE, fds_close) \
	X(CWD_ENTER, cwd_enter) \
	X(UMASK_SET, umask_set) \
	X(EXEC, exec) \
	X(PROGRAM_FIND, program_find) \
	X(KEYRING_JOIN, keyring_join) \
	X(PERSONALITY_SET, personality_set) \
	X(MEMORY_POLICY, memory_policy) \
	X(AFFINITY_SET, affinity_set)

#define NSI_UNDO_OPS(X) \
	X(HOOK_RUN, hook_run) \
	X(LOCK_TAKE, lock_take) \
	X(CGROUP_KILL, cgroup_kill) \
	X(CGROUP_REMOVE, cgroup_remove) \
	X(LINK_REMOVE, link_remove) \
	X(FILE_REMOVE, file_remove) \
	X(PLACE_REMOVE, place_remove) \
	X(DIR_REMOVE, dir_remove) \
	X(UNDO_UNLESS, undo_unless) \
	X(UNDO_CHECK, undo_check)

/* clang-format on */

struct nsi_run;
struct nsi_op;

int nsi_op_fd_use(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_tree_open(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_ns_open(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_cgroup_open(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_fds_send(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_fds_receive(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_userns_make(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_tree_idmap(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_overlay_open(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_cgroup_make(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_cgroup_cpuset(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_cgroup_enable(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_cgroup_write(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_cgroup_devices(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_cgroup_join(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_cgroup_adopt(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_spawn(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_await(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_release(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_await_exec(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_sync(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_ns_enter(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_ns_clone(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_anchor_open(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_ns_unshare(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_idmap_write(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_user_root(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_hook_run(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_park(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_plan_send(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_await_end(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_process_use(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_park_publish(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_park_connect(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_proc_open(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_session_new(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_hostname_set(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_domainname_set(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_sysctl_write(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_veth_make(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_link_move(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_net_loopback(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_net_address(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_net_up(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_net_route(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_time_enter(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_mount_propagation(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_root_attach(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_root_place(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_root_change(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_root_current(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_mount_fs(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_mount_tree(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_command_run(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_dir_make(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_device_make(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_link_make(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_path_mask(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_path_readonly(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_root_pivot(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_root_move(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_root_readonly(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_root_enter(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_file_protect(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_root_make(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_path_own(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_file_write(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_tree_set(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_tree_inside(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_mount_change(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_tty_open(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_tty_console(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_tty_control(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_stdio_set(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_tty_own(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_fds_place(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_stdio_own(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_rlimit_set(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_oom_adjust(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_label_apparmor(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_label_selinux(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_user_files(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_caps_bound(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_user_apply(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_caps_set(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_privileges_lock(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_seccomp_load(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_seccomp_notify(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_await_listener(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_death_signal(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_fds_close(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_cwd_enter(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_umask_set(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_exec(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_program_find(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_keyring_join(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_personality_set(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_memory_policy(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_affinity_set(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_scheduler_set(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_ioprio_set(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_monitor(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_lock_take(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_cgroup_kill(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_cgroup_remove(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_link_remove(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_file_remove(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_place_remove(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_dir_remove(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_undo_unless(struct nsi_run *run, const struct nsi_op *op);
int nsi_op_undo_check(struct nsi_run *run, const struct nsi_op *op);

#endif

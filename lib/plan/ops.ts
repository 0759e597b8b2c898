/**
 * The operations that a Plan is made of: one table, from which the TypeScript
 * types, the encoder, the printed form and the C header `c/ops.h` all come.
 *
 * A field is a number (`u64`: flags, ids, slots; negative values are refused
 * except in `i64`), a string (`str`), a list of strings (`list`) or raw bytes
 * (`bytes`). `opt_*` fields may be absent. Operations hold at most six numbers
 * and five strings, lists or byte arrays.
 *
 * @module
 */

/** Kinds of field that an operation can have. */
export type FieldKind =
  | "u64"
  | "i64"
  | "str"
  | "list"
  | "bytes"
  | "opt_str"
  | "opt_bytes";

/** Which of the Plan's lists an operation may stand in. */
export type OpList = "parent" | "child" | "undo";

/** Declaration of one operation. */
export interface OpSpec {
  /** Number in the packed Plan; never reused. */
  readonly kind: number;
  /** The lists it may stand in. */
  readonly lists: readonly OpList[];
  /** Who executes it: C, or TypeScript between two calls into C. */
  readonly by: "c" | "ts";
  /** What it does, for `c/ops.h` and `explain`. */
  readonly doc: string;
  /** Its fields in encoding order. */
  readonly fields: Readonly<Record<string, FieldKind>>;
}

const PARENT = ["parent"] as const;
const CHILD = ["child"] as const;
const PARENT_AND_CHILD = ["parent", "child"] as const;
const UNDO = ["undo"] as const;
const EVERYWHERE = ["parent", "child", "undo"] as const;

/** The operations, grouped by what they touch. */
export const OPS = {
  // ---- descriptors (slots are indexes into the executor's table) ----
  "fd.use": {
    kind: 1,
    lists: PARENT,
    by: "c",
    doc: "puts a duplicate of the caller's descriptor fd into slot",
    fields: { slot: "u64", fd: "u64" },
  },
  "tree.open": {
    kind: 2,
    lists: PARENT_AND_CHILD,
    by: "c",
    doc:
      "open_tree(2) clone of the host path into slot; flags bit 0: with its submounts",
    fields: { slot: "u64", flags: "u64", path: "str" },
  },
  "ns.open": {
    kind: 3,
    lists: PARENT,
    by: "c",
    doc:
      "opens a namespace file into slot and checks that it is of the CLONE_NEW* type",
    fields: { slot: "u64", type: "u64", path: "str" },
  },
  "cgroup.open": {
    kind: 4,
    lists: PARENT,
    by: "c",
    doc: "opens a cgroup directory into slot",
    fields: { slot: "u64", path: "str" },
  },
  "fds.send": {
    kind: 5,
    lists: PARENT,
    by: "c",
    doc: "sends the slots (list of decimal numbers, u32 array) to the child",
    fields: { slots: "bytes" },
  },
  "fds.receive": {
    kind: 6,
    lists: CHILD,
    by: "c",
    doc: "receives the same slots (u32 array)",
    fields: { slots: "bytes" },
  },
  "userns.make": {
    kind: 8,
    lists: PARENT,
    by: "c",
    doc:
      "makes a user namespace with these uid_map and gid_map lines, for id-mapped mounts, and opens it into slot",
    fields: { slot: "u64", uids: "str", gids: "str" },
  },
  "tree.idmap": {
    kind: 9,
    lists: PARENT_AND_CHILD,
    by: "c",
    doc:
      "shows ids through the detached tree in slot as the user namespace in slot userns maps them; flags bit 0: submounts as well",
    fields: { flags: "u64", slot: "u64", userns: "u64" },
  },

  "overlay.open": {
    kind: 7,
    lists: PARENT,
    by: "c",
    doc:
      "a detached overlay into slot: lower is only read, writes go to the host directories upper and work, made like lower if missing, or without them to a new tmpfs with the options; settings are the overlay's own options (both are key, value pairs; empty value is a flag); flags bit 0: the tmpfs must be attached to be a layer (before Linux 6.15)",
    fields: {
      slot: "u64",
      flags: "u64",
      lower: "str",
      upper: "opt_str",
      work: "opt_str",
      options: "list",
      settings: "list",
    },
  },

  // ---- cgroups ----
  "cgroup.make": {
    kind: 10,
    lists: PARENT,
    by: "c",
    doc:
      "makes path below base with its parents, marking each directory made as ours and path with its owner; flags bit 0: path itself must not exist, bit 1: it may, empty and not frozen; its descriptor goes into slot, unless that is -1",
    fields: {
      flags: "u64",
      slot: "i64",
      base: "str",
      path: "str",
      owner: "str",
    },
  },
  "cgroup.cpuset": {
    kind: 11,
    lists: PARENT,
    by: "c",
    doc:
      "from base down to path, fills empty cpuset.cpus and cpuset.mems from the parent (v1)",
    fields: { base: "str", path: "str" },
  },
  "cgroup.enable": {
    kind: 12,
    lists: PARENT,
    by: "c",
    doc:
      "from base down to path's parent, enables the controllers ('+name' items) in cgroup.subtree_control (v2)",
    fields: { base: "str", path: "str", controllers: "list" },
  },
  "cgroup.write": {
    kind: 13,
    lists: PARENT,
    by: "c",
    doc:
      "writes value to path/file; flags bit 0: read it back, a different number is ERANGE; bit 1: a file that is not there is left out",
    fields: { flags: "u64", path: "str", file: "str", value: "str" },
  },
  "cgroup.devices": {
    kind: 14,
    lists: PARENT,
    by: "c",
    doc:
      "loads the eBPF device program (struct bpf_insn array) and attaches it to the v2 group; flags bit 0: in the place of the one attached before",
    fields: { flags: "u64", path: "str", program: "bytes" },
  },
  "cgroup.join": {
    kind: 15,
    lists: CHILD,
    by: "c",
    doc:
      "moves the calling single-threaded process into the v1 group by its tasks file (or v2 by cgroup.procs); the group stands in slot, which is emptied, or at path where that is -1",
    fields: { slot: "i64", path: "str", file: "str" },
  },
  "cgroup.adopt": {
    kind: 16,
    lists: PARENT,
    by: "c",
    doc:
      "marks a group that a service manager made for us with its owner; one that has another owner's mark is EEXIST",
    fields: { path: "str", owner: "str" },
  },
  "systemd.scope": {
    kind: 17,
    lists: PARENT,
    by: "ts",
    doc:
      "has systemd (bus: system or user) start the transient unit with the child as its process and the properties (Name=value), and checks that its group is group, whose directory path is not frozen",
    fields: {
      bus: "str",
      unit: "str",
      group: "str",
      path: "str",
      properties: "list",
    },
  },

  // ---- processes and handshake ----
  "spawn": {
    kind: 20,
    lists: PARENT,
    by: "c",
    doc:
      "clone3(2) with the CLONE_NEW* flags, into the v2 cgroup of slot cgroup unless it is -1, and execs the helper",
    fields: { flags: "u64", cgroup: "i64" },
  },
  "await": {
    kind: 21,
    lists: PARENT,
    by: "c",
    doc: "waits until the child reaches point",
    fields: { point: "u64" },
  },
  "release": {
    kind: 22,
    lists: PARENT,
    by: "c",
    doc: "lets the child go on from point, with an optional payload",
    fields: { point: "u64", payload: "opt_bytes" },
  },
  "await.exec": {
    kind: 23,
    lists: PARENT,
    by: "c",
    doc: "waits until the child has executed the program or failed to",
    fields: {},
  },
  "sync": {
    kind: 24,
    lists: CHILD,
    by: "c",
    doc: "tells the parent that point is reached and waits for its release",
    fields: { point: "u64" },
  },
  "ns.enter": {
    kind: 25,
    lists: CHILD,
    by: "c",
    doc: "setns(2) to the descriptor (namespace or pidfd) in slot",
    fields: { slot: "u64", flags: "u64" },
  },
  "ns.clone": {
    kind: 26,
    lists: CHILD,
    by: "c",
    doc:
      "clones itself with CLONE_PARENT and the CLONE_NEW* flags, reports the new process and exits; the list goes on in the new process",
    fields: { flags: "u64" },
  },
  "anchor.open": {
    kind: 170,
    lists: PARENT,
    by: "c",
    doc:
      "puts into slot a mount namespace that holds an empty tmpfs and the null device, made once for this process",
    fields: { slot: "u64" },
  },
  "ns.unshare": {
    kind: 171,
    lists: CHILD,
    by: "c",
    doc:
      "makes the CLONE_NEW* namespaces of flags; with a slot, unless that is -1, it enters the mount namespace there first, whose copy its own becomes",
    fields: { flags: "u64", slot: "i64" },
  },
  "idmap.write": {
    kind: 27,
    lists: PARENT,
    by: "c",
    doc:
      "writes setgroups (deny when flags bit 0), uid_map and gid_map of the child; an empty map is left to another",
    fields: { flags: "u64", uids: "str", gids: "str" },
  },
  "user.root": {
    kind: 28,
    lists: CHILD,
    by: "c",
    doc:
      "becomes uid 0 and gid 0 of the user namespace; flags bit 0: setgroups is denied, skip it",
    fields: { flags: "u64" },
  },
  "user.resolve": {
    kind: 29,
    lists: PARENT,
    by: "ts",
    doc:
      "looks user and groups up in the passwd and group files that the child opened, and releases it with the result",
    fields: { user: "str", groups: "list" },
  },
  "idmap.run": {
    kind: 31,
    lists: PARENT,
    by: "ts",
    doc:
      "has newuidmap or newgidmap (kind uid or gid) of the host write that map of the child",
    fields: { kind: "str", map: "list" },
  },
  "state.save": {
    kind: 30,
    lists: PARENT,
    by: "ts",
    doc: "writes state.json and the marker with the first process's pid",
    fields: {},
  },
  "hooks.begin": {
    kind: 34,
    lists: PARENT,
    by: "ts",
    doc: "records that hooks run, so that poststop hooks follow at the end",
    fields: {},
  },
  "hook.run": {
    kind: 35,
    lists: EVERYWHERE,
    by: "c",
    doc:
      "runs the program argv[0] with the arguments argv[1], ... in dir, the state on its stdin, and waits up to timeout milliseconds (0: for ever), then kills its process group; two pieces of the state have the pid between them (the child's, its own in the child's list); flags bit 0: its output goes to the caller's error output; bit 1: it is kept, and the ends of both outputs, each after its length, are the payload of the report of a failure; root is the host path at which a root that is attached, but not entered, is shown to it, mounts on it becoming the container's, and propagation (MS_*) is what the root's mount has afterwards",
    fields: {
      flags: "u64",
      timeout: "u64",
      propagation: "u64",
      argv: "list",
      envp: "list",
      dir: "str",
      state: "list",
      root: "opt_str",
    },
  },

  "park": {
    kind: 36,
    lists: CHILD,
    by: "c",
    doc:
      "tells the parent that point parked is reached and waits: for a release, for the rest of the list as a further Plan, or for a listening socket, whose first caller takes the parent's place; flags bit 0: gives up all descriptors but the hand-shake's first, with the root on 0, 1 and 2",
    fields: { flags: "u64" },
  },
  "plan.send": {
    kind: 37,
    lists: PARENT,
    by: "c",
    doc:
      "gives this Plan to a child that is parked; its child's list takes the place of what is left of the child's own",
    fields: {},
  },
  "await.end": {
    kind: 131,
    lists: PARENT,
    by: "c",
    doc:
      "waits until the child, which executes no program, has done its whole list and ended",
    fields: {},
  },
  "process.use": {
    kind: 132,
    lists: PARENT,
    by: "c",
    doc:
      "what follows is about the process pid, which others have made and wait for",
    fields: { pid: "u64" },
  },
  "park.publish": {
    kind: 38,
    lists: PARENT,
    by: "c",
    doc:
      "makes a listening unix socket dir/name, for its owner alone, and leaves the parked child to whoever connects to it",
    fields: { dir: "str", name: "str" },
  },
  "park.connect": {
    kind: 39,
    lists: PARENT,
    by: "c",
    doc:
      "takes the place of the parent of the parked child pid over the unix socket dir/name",
    fields: { pid: "u64", dir: "str", name: "str" },
  },

  // ---- child: session, namespaces, network ----
  "proc.open": {
    kind: 40,
    lists: CHILD,
    by: "c",
    doc:
      "opens a private procfs instance, or checks that /proc is a real one, for later writes",
    fields: {},
  },
  "session.new": {
    kind: 41,
    lists: CHILD,
    by: "c",
    doc: "setsid(2)",
    fields: {},
  },
  "hostname.set": {
    kind: 42,
    lists: CHILD,
    by: "c",
    doc: "sethostname(2)",
    fields: { name: "str" },
  },
  "domainname.set": {
    kind: 43,
    lists: CHILD,
    by: "c",
    doc: "setdomainname(2)",
    fields: { name: "str" },
  },
  "sysctl.write": {
    kind: 44,
    lists: CHILD,
    by: "c",
    doc: "writes value to the file key below the private procfs's sys",
    fields: { key: "str", value: "str" },
  },
  "veth.make": {
    kind: 45,
    lists: PARENT,
    by: "c",
    doc:
      "makes a veth pair with its inner end in the child's network namespace, its outer end on the bridge and up; flags bit 0: hairpin",
    fields: {
      flags: "u64",
      mtu: "u64",
      txqueuelen: "u64",
      host: "str",
      name: "str",
      bridge: "str",
      alias: "str",
      mac: "opt_bytes",
    },
  },
  "link.move": {
    kind: 163,
    lists: PARENT,
    by: "c",
    doc:
      "moves the interface device into the child's network namespace under the name",
    fields: { device: "str", name: "str" },
  },
  "net.loopback": {
    kind: 46,
    lists: CHILD,
    by: "c",
    doc: "brings lo up; a non-zero mtu is set first",
    fields: { mtu: "u64" },
  },
  "net.address": {
    kind: 47,
    lists: CHILD,
    by: "c",
    doc:
      "adds an address (4 or 16 bytes) with its prefix length in bits to the interface",
    fields: { prefix: "u64", name: "str", address: "bytes" },
  },
  "net.up": {
    kind: 48,
    lists: CHILD,
    by: "c",
    doc: "brings the interface up",
    fields: { name: "str" },
  },
  "net.route": {
    kind: 49,
    lists: CHILD,
    by: "c",
    doc:
      "adds a route to the main table; no destination bytes is the default route; family is AF_INET 2 or AF_INET6 10",
    fields: {
      family: "u64",
      prefix: "u64",
      name: "opt_str",
      destination: "opt_bytes",
      source: "opt_bytes",
      gateway: "opt_bytes",
    },
  },
  "time.enter": {
    kind: 50,
    lists: CHILD,
    by: "c",
    doc:
      "makes a time namespace, writes its offsets (lines of timens_offsets), and enters it; flags bit 0: nobody else is in the user namespace",
    fields: { flags: "u64", offsets: "opt_str" },
  },

  // ---- child: mounts and root ----
  "mount.propagation": {
    kind: 60,
    lists: CHILD,
    by: "c",
    doc:
      "sets the propagation (MS_SLAVE, MS_PRIVATE, ...) of /, with MS_REC of all mounts below it",
    fields: { propagation: "u64" },
  },
  "root.attach": {
    kind: 61,
    lists: CHILD,
    by: "c",
    doc:
      "sets the tree in slot to the propagation, attaches it over /, or on the directory at where that can be reached, and makes it the root of all later paths",
    fields: { slot: "u64", propagation: "u64", at: "opt_str" },
  },
  "root.place": {
    kind: 174,
    lists: CHILD,
    by: "c",
    doc:
      "attaches the tree in slot, made private, on the host's directory at, which is made, and makes it the root of all later paths",
    fields: { slot: "u64", at: "str" },
  },
  "root.change": {
    kind: 175,
    lists: CHILD,
    by: "c",
    doc:
      "chroot(2) into the root of all later paths, or into the host's directory path, which then is that root",
    fields: { path: "opt_str" },
  },
  "root.current": {
    kind: 62,
    lists: CHILD,
    by: "c",
    doc: "makes the current / the root of all later paths",
    fields: {},
  },
  "mount.fs": {
    kind: 63,
    lists: CHILD,
    by: "c",
    doc:
      "makes a new instance of a file system with the options (key, value pairs; empty value is a flag) and the MOUNT_ATTR_* attr, and attaches it at target, made as a directory if missing; flags bit 0: target must be a real directory directly below the root, not reached through a symlink; bit 1: a tmpfs takes the mode and owner of the directory it covers; bit 2: and a copy of what is in it",
    fields: {
      flags: "u64",
      attr: "u64",
      propagation: "u64",
      fstype: "str",
      source: "str",
      target: "str",
      options: "list",
    },
  },
  "mount.tree": {
    kind: 64,
    lists: CHILD,
    by: "c",
    doc:
      "sets attributes and propagation (0 leaves it) of the detached tree in slot and attaches it at target, made as a file or directory if missing; flags bit 0: attributes also to submounts; bit 1: target as in mount.fs bit 0; bit 2: target may lie in procfs (no symlinks followed); bit 3: the tree must be procfs; bit 4: sysfs; bit 5: EPERM when that loses ro, nosuid, nodev or noexec, or changes a setting of times",
    fields: {
      flags: "u64",
      slot: "u64",
      set: "u64",
      clear: "u64",
      propagation: "u64",
      target: "str",
    },
  },
  "command.run": {
    kind: 65,
    lists: CHILD,
    by: "c",
    doc:
      "runs a host program (premount and postmount commands) and waits; a non-zero exit status is ECANCELED",
    fields: { path: "str", argv: "list", envp: "list", dir: "str" },
  },
  "dir.make": {
    kind: 66,
    lists: CHILD,
    by: "c",
    doc: "makes a directory with its parents inside the root",
    fields: { mode: "u64", path: "str" },
  },
  "device.make": {
    kind: 67,
    lists: CHILD,
    by: "c",
    doc:
      "makes a device node (S_IFMT bits in type) inside the root; an existing node must be the same device; flags bit 0: bind the host's node of the same path instead (user namespaces)",
    fields: {
      flags: "u64",
      type: "u64",
      device: "u64",
      mode: "u64",
      uid: "u64",
      gid: "u64",
      path: "str",
    },
  },
  "link.make": {
    kind: 68,
    lists: CHILD,
    by: "c",
    doc:
      "makes a symlink inside the root; an existing name is kept, or with flags bit 0 replaced unless it is a directory",
    fields: { flags: "u64", path: "str", target: "str" },
  },
  "path.mask": {
    kind: 69,
    lists: CHILD,
    by: "c",
    doc:
      "hides a path: the host's null device over a file, an empty read-only tmpfs over a directory; missing is fine",
    fields: { path: "str" },
  },
  "path.readonly": {
    kind: 70,
    lists: CHILD,
    by: "c",
    doc: "makes a path read-only with its submounts; missing is fine",
    fields: { path: "str" },
  },
  "root.pivot": {
    kind: 71,
    lists: CHILD,
    by: "c",
    doc: "pivot_root(2) into the attached root and detaches the old one",
    fields: {},
  },
  "root.move": {
    kind: 72,
    lists: CHILD,
    by: "c",
    doc: "chroot(2) into the attached root, the old one staying below it",
    fields: {},
  },
  "root.readonly": {
    kind: 73,
    lists: CHILD,
    by: "c",
    doc: "makes the root's top mount read-only",
    fields: {},
  },
  "root.enter": {
    kind: 74,
    lists: CHILD,
    by: "c",
    doc: "changes to a host directory, without a new mount namespace",
    fields: { path: "str" },
  },
  "file.protect": {
    kind: 75,
    lists: CHILD,
    by: "c",
    doc:
      "binds a regular file of the root read-only over itself, or a directory as it is, so that neither can be moved; no symlinks followed; missing is fine",
    fields: { path: "str" },
  },

  "root.make": {
    kind: 76,
    lists: CHILD,
    by: "c",
    doc:
      "makes an empty tmpfs with the options and the MOUNT_ATTR_* attr, attaches it over / with the propagation and makes it the root of all later paths",
    fields: { attr: "u64", propagation: "u64", options: "list" },
  },
  "path.own": {
    kind: 77,
    lists: CHILD,
    by: "c",
    doc: "gives what is at path inside the root an owner, no symlinks followed",
    fields: { uid: "u64", gid: "u64", path: "str" },
  },
  "file.write": {
    kind: 78,
    lists: CHILD,
    by: "c",
    doc:
      "makes a file with the mode and content inside the root, its parents if missing; no symlinks followed, nothing may have the name",
    fields: { mode: "u64", path: "str", content: "bytes" },
  },

  "tree.set": {
    kind: 160,
    lists: PARENT_AND_CHILD,
    by: "c",
    doc:
      "sets and clears attributes of every mount of the detached tree in slot",
    fields: { slot: "u64", set: "u64", clear: "u64" },
  },
  "tree.inside": {
    kind: 173,
    lists: CHILD,
    by: "c",
    doc:
      "open_tree(2) clone of the path inside the root, as it is by then, into slot; no symlinks followed; flags bit 0: with its submounts; bit 1: the parent gets it into the same slot",
    fields: { slot: "u64", flags: "u64", path: "str" },
  },
  "mount.change": {
    kind: 161,
    lists: CHILD,
    by: "c",
    doc:
      "sets attributes and propagation (0 leaves it) of the mount that is at target already; flags bit 0: attributes also of submounts",
    fields: {
      flags: "u64",
      set: "u64",
      clear: "u64",
      propagation: "u64",
      target: "str",
    },
  },

  // ---- child: terminal ----
  "tty.open": {
    kind: 80,
    lists: CHILD,
    by: "c",
    doc:
      "opens a pty in the root's devpts, sizes it, gives its outer end to the parent and keeps the inner end as stdio; flags bit 0: newlines come out without a carriage return",
    fields: {
      flags: "u64",
      rows: "u64",
      columns: "u64",
      uid: "u64",
      gid: "u64",
      mode: "u64",
    },
  },
  "tty.console": {
    kind: 81,
    lists: CHILD,
    by: "c",
    doc: "binds the pty's inner end over path, e.g. /dev/console",
    fields: { path: "str" },
  },
  "tty.control": {
    kind: 82,
    lists: CHILD,
    by: "c",
    doc: "makes the pty the controlling terminal",
    fields: {},
  },
  "stdio.set": {
    kind: 83,
    lists: CHILD,
    by: "c",
    doc:
      "puts slots on descriptors 0, 1, 2 (-1 keeps what is there); with flags bit 0 the pty on all three; descriptors open on the host's null device are put on the container's",
    fields: { flags: "u64", stdin: "i64", stdout: "i64", stderr: "i64" },
  },

  "tty.own": {
    kind: 84,
    lists: CHILD,
    by: "c",
    doc:
      "gives the pty's inner end to the user that was looked up and to the group gid (-1 leaves it), with the mode",
    fields: { gid: "i64", mode: "u64" },
  },
  "fds.place": {
    kind: 85,
    lists: CHILD,
    by: "c",
    doc:
      "puts the slots (u32 array) on descriptors 3, 4, ... of the program, not close-on-exec; what stood there is forgotten",
    fields: { slots: "bytes" },
  },

  "stdio.own": {
    kind: 86,
    lists: CHILD,
    by: "c",
    doc:
      "gives those of descriptors 0, 1 and 2 that are pipes to the user that was looked up, so that it may open them again by name; where a user namespace does not reach them they stay as they are",
    fields: {},
  },

  // ---- child: the process ----
  "rlimit.set": {
    kind: 90,
    lists: CHILD,
    by: "c",
    doc: "prlimit(2) of itself",
    fields: { resource: "u64", soft: "u64", hard: "u64" },
  },
  "oom.adjust": {
    kind: 91,
    lists: CHILD,
    by: "c",
    doc: "writes oom_score_adj through the private procfs",
    fields: { value: "str" },
  },
  "label.apparmor": {
    kind: 92,
    lists: CHILD,
    by: "c",
    doc:
      "writes the profile change at exec ('exec NAME') to attr/apparmor/exec or attr/exec",
    fields: { value: "str" },
  },
  "label.selinux": {
    kind: 93,
    lists: CHILD,
    by: "c",
    doc: "writes the label at exec to attr/exec",
    fields: { value: "str" },
  },
  "user.files": {
    kind: 94,
    lists: CHILD,
    by: "c",
    doc:
      "opens etc/passwd and etc/group of the root (regular files only) and gives them to the parent; where they are the files known, in the same state, user is the one that was looked up in them and nobody is asked",
    fields: { known: "opt_bytes", user: "opt_bytes" },
  },
  "caps.bound": {
    kind: 95,
    lists: CHILD,
    by: "c",
    doc: "drops everything outside mask from the bounding set",
    fields: { mask: "u64" },
  },
  "user.apply": {
    kind: 96,
    lists: CHILD,
    by: "c",
    doc:
      "setgroups, setresgid, setresuid from the released user record, keeping capabilities; flags bit 0: no setgroups, as it is denied or the caller's groups are kept",
    fields: { flags: "u64" },
  },
  "caps.set": {
    kind: 97,
    lists: CHILD,
    by: "c",
    doc: "sets the four process sets; ambient is exactly ambient",
    fields: {
      effective: "u64",
      permitted: "u64",
      inheritable: "u64",
      ambient: "u64",
    },
  },
  "privileges.lock": {
    kind: 98,
    lists: CHILD,
    by: "c",
    doc: "PR_SET_NO_NEW_PRIVS",
    fields: {},
  },
  "seccomp.load": {
    kind: 99,
    lists: CHILD,
    by: "c",
    doc:
      "installs the filter (struct sock_filter array) with the SECCOMP_FILTER_FLAG_* flags",
    fields: { flags: "u64", program: "bytes" },
  },
  "seccomp.notify": {
    kind: 150,
    lists: CHILD,
    by: "c",
    doc:
      "installs the part of the filter (struct sock_filter array) that asks a listener, with the SECCOMP_FILTER_FLAG_* flags, and sends the listener to the parent, by sendmsg(2) or, with send 1, by sendmmsg(2)",
    fields: { flags: "u64", send: "u64", program: "bytes" },
  },
  "await.listener": {
    kind: 151,
    lists: PARENT,
    by: "c",
    doc: "waits until the seccomp listener has come from the child",
    fields: {},
  },
  "listener.hand": {
    kind: 152,
    lists: PARENT,
    by: "ts",
    doc:
      "gives the seccomp listener to the caller or, with path, over that unix socket with metadata",
    fields: { path: "opt_str", metadata: "opt_str" },
  },
  "death.signal": {
    kind: 100,
    lists: CHILD,
    by: "c",
    doc: "PR_SET_PDEATHSIG, then checks that the parent still lives",
    fields: { signal: "u64" },
  },
  "fds.close": {
    kind: 101,
    lists: CHILD,
    by: "c",
    doc:
      "closes every descriptor above keep but the handshake's, which exec closes",
    fields: { keep: "u64" },
  },
  "cwd.enter": {
    kind: 102,
    lists: CHILD,
    by: "c",
    doc:
      "chdir(2), then checks with getcwd(2) that it lies below the root; flags bit 0: to be tried again, by one without it that does nothing after a success, if this one may not",
    fields: { flags: "u64", path: "str" },
  },
  "umask.set": {
    kind: 103,
    lists: CHILD,
    by: "c",
    doc: "umask(2)",
    fields: { mask: "u64" },
  },
  "exec": {
    kind: 104,
    lists: CHILD,
    by: "c",
    doc:
      "tries execve(2) on each path in turn; flags bit 0: HOME of the user record is added to the environment",
    fields: { flags: "u64", paths: "list", argv: "list", envp: "list" },
  },
  "program.find": {
    kind: 172,
    lists: CHILD,
    by: "c",
    doc:
      "looks for the program that exec will execute: the first of paths that is a file which this user may execute; name is what was asked for",
    fields: { paths: "list", name: "str" },
  },
  "keyring.join": {
    kind: 105,
    lists: CHILD,
    by: "c",
    doc:
      "joins the session keyring of that name, made if missing; without a name none is made besides the empty one that the helper starts with",
    fields: { name: "opt_str" },
  },
  "personality.set": {
    kind: 106,
    lists: CHILD,
    by: "c",
    doc: "personality(2)",
    fields: { domain: "u64" },
  },
  "memory.policy": {
    kind: 162,
    lists: CHILD,
    by: "c",
    doc:
      "set_mempolicy(2) with the MPOL_* mode and flags; nodes has one bit for each node",
    fields: { mode: "u64", nodes: "bytes" },
  },
  "affinity.set": {
    kind: 107,
    lists: PARENT_AND_CHILD,
    by: "c",
    doc:
      "sched_setaffinity(2) of the child, by either side; mask has one bit for each CPU",
    fields: { mask: "bytes" },
  },
  "scheduler.set": {
    kind: 108,
    lists: PARENT,
    by: "c",
    doc:
      "sched_setattr(2) of the child; times in nanoseconds, SCHED_FLAG_* flags",
    fields: {
      flags: "u64",
      policy: "u64",
      nice: "i64",
      priority: "u64",
      runtime: "u64",
      deadline: "u64",
      period: "u64",
    },
  },
  "ioprio.set": {
    kind: 109,
    lists: PARENT,
    by: "c",
    doc: "ioprio_set(2) of the child",
    fields: { class: "u64", priority: "u64" },
  },

  // ---- the attached command line ----
  "monitor": {
    kind: 110,
    lists: PARENT,
    by: "c",
    doc:
      "waits for the process of pidfd: relays the terminal or the pipes (-1: none), forwards signals, runs the undo list and exits with the process's status; flags bit 0: descriptor 0 is a terminal to be made raw, bit 1: forward its size; message is printed when the undo list fails, warning when only hooks of it do, notice when undo.unless ends it",
    fields: {
      flags: "u64",
      pidfd: "u64",
      master: "i64",
      stdin: "i64",
      stdout: "i64",
      stderr: "i64",
      message: "str",
      warning: "opt_str",
      notice: "opt_str",
    },
  },

  // ---- the end: run by the library or by the monitor ----
  "lock.take": {
    kind: 120,
    lists: UNDO,
    by: "c",
    doc:
      "takes the lock of the open state directory; if it has been removed, someone else has cleaned up and the list ends",
    fields: { fd: "u64" },
  },
  "cgroup.kill": {
    kind: 121,
    lists: UNDO,
    by: "c",
    doc:
      "kills every process of the group and of groups below it, until none is left; version is 1 or 2; freezer is the same group in the v1 freezer hierarchy; a group of another owner is left alone",
    fields: { version: "u64", path: "str", owner: "str", freezer: "opt_str" },
  },
  "cgroup.remove": {
    kind: 122,
    lists: UNDO,
    by: "c",
    doc:
      "removes the group with those below it, then parents up to base that are marked as ours and empty; a group of another owner is left alone; flags bit 0: a service manager removes it, which is waited for first",
    fields: { flags: "u64", base: "str", path: "str", owner: "str" },
  },
  "link.remove": {
    kind: 123,
    lists: UNDO,
    by: "c",
    doc: "removes the interface if it carries the alias",
    fields: { host: "str", alias: "str" },
  },
  "file.remove": {
    kind: 124,
    lists: UNDO,
    by: "c",
    doc:
      "removes a file of a directory, no links followed; missing is fine; a non-zero inode must match",
    fields: { inode: "u64", dir: "str", name: "str" },
  },
  "place.remove": {
    kind: 176,
    lists: UNDO,
    by: "c",
    doc:
      "detaches all that is mounted on the directory, and removes it, which detaches it in other mount namespaces; missing is fine",
    fields: { path: "str" },
  },
  "dir.remove": {
    kind: 125,
    lists: UNDO,
    by: "c",
    doc: "removes an empty directory; missing is fine",
    fields: { path: "str" },
  },
  "undo.unless": {
    kind: 130,
    lists: UNDO,
    by: "c",
    doc:
      "if there is a file name in dir, removes it and ends the list: whoever has made it has dealt with everything else",
    fields: { dir: "str", name: "str" },
  },
  "undo.check": {
    kind: 126,
    lists: UNDO,
    by: "c",
    doc:
      "ends the list if an operation before it failed: what follows is the record of what is left",
    fields: {},
  },
} as const satisfies Readonly<Record<string, OpSpec>>;

/** Name of an operation, e.g. `mount.tree`. */
export type OpName = keyof typeof OPS;

type FieldValue<K extends FieldKind> = K extends "u64" | "i64" ? number | bigint
  : K extends "str" ? string
  : K extends "opt_str" ? string | undefined
  : K extends "list" ? readonly string[]
  : K extends "bytes" ? Uint8Array
  : Uint8Array | undefined;

type OptionalField<F> = {
  [K in keyof F]: F[K] extends "opt_str" | "opt_bytes" ? K : never;
}[keyof F];

type FieldsOf<F extends Readonly<Record<string, FieldKind>>> =
  & { readonly [K in Exclude<keyof F, OptionalField<F>>]: FieldValue<F[K]> }
  & { readonly [K in OptionalField<F>]?: FieldValue<F[K]> };

/** An operation by its name: `op`, its fields, and what it is for. */
export type Op<N extends OpName = OpName> = N extends OpName ?
    & {
      readonly op: N;
      /** For people: what this step is for, when the fields do not say it. */
      readonly note?: string;
    }
    & FieldsOf<typeof OPS[N]["fields"]>
  : never;

/** Names of the operations that may stand in a list. */
export type OpNameOf<L extends OpList> = {
  [N in OpName]: L extends typeof OPS[N]["lists"][number] ? N : never;
}[OpName];

/** An operation of the parent's list. */
export type ParentOp = Op<OpNameOf<"parent">>;
/** An operation of the child's list. */
export type ChildOp = Op<OpNameOf<"child">>;
/** An operation of the undo list. */
export type UndoOp = Op<OpNameOf<"undo">>;

/** A container start or a join, as a program. */
export interface Plan {
  /** Done by the caller's process: cgroups, id maps, network, hand-shake. */
  readonly parent: readonly ParentOp[];
  /** Done by the helper inside: mounts, limits, identity, exec. */
  readonly child: readonly ChildOp[];
  /** Done at the end, or when a step fails; each tolerates what was not made. */
  readonly undo: readonly UndoOp[];
}

/** Points where child and parent meet, for `sync`, `await` and `release`. */
export const POINTS = {
  /** The new process exists (after `ns.clone`). */
  cloned: 1,
  /** The user namespace waits for its id maps. */
  idmap: 2,
  /** The network namespace waits for its interfaces. */
  network: 3,
  /** The passwd and group files are open. */
  user: 4,
  /** All is ready for exec. */
  exec: 5,
  /** The root is furnished but not entered: hooks run. */
  hooks: 6,
  /** The process waits to be put into its group. */
  group: 7,
  /** What is there so far is done; what follows may come later. */
  parked: 8,
  /** The parent has a tree of the container's and changes what the child may not. */
  tree: 9,
} as const;

/** Slots with a fixed meaning; the planner numbers others from `first`. */
export const SLOTS = {
  /** Descriptor that becomes stdin. */
  stdin: 0,
  /** Descriptor that becomes stdout. */
  stdout: 1,
  /** Descriptor that becomes stderr. */
  stderr: 2,
  /** Tree of the root file system. */
  root: 3,
  /** Outer end of the pty, in the parent. */
  master: 4,
  /** passwd file, in the parent. */
  passwd: 5,
  /** group file, in the parent. */
  group: 6,
  /** v2 cgroup directory for clone3. */
  cgroup: 7,
  /** pidfd of the container that is joined. */
  target: 8,
  /** seccomp listener (SECCOMP_FILTER_FLAG_NEW_LISTENER), in the parent. */
  seccomp: 9,
  /** First free one. */
  first: 16,
  /** Number of slots. */
  count: 512,
} as const;

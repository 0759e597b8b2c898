/**
 * Sentences for the operations of the parent's and the undo list.
 *
 * @module
 */
import {
  IO_CLASSES,
  SCHEDULING_FLAGS,
  SCHEDULING_POLICIES,
} from "../config/names/scheduling.ts";
import { CLONE_FLAGS, formatBits, MOUNT_ATTRS } from "./flags.ts";
import { type Op, type OpNameOf, POINTS } from "./ops.ts";
import { decodeSlots } from "./slots.ts";

/** One sentence for each operation of the lists. */
export type Sentences<L extends "parent" | "child" | "undo"> = {
  readonly [N in OpNameOf<L>]: (op: Op<N>) => string;
};

/**
 * Names attributes of mounts, after a comma. Pure.
 *
 * @param word What stands before them, e.g. `without `.
 * @param bits Of mount_setattr(2).
 * @returns The text; empty for none.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { attrText } from "./explain_parent.ts";
 *
 * assertEquals(attrText("", 1), ", MOUNT_ATTR_RDONLY");
 * ```
 */
export function attrText(word: string, bits: number | bigint): string {
  return Number(bits) === 0 ? "" : `, ${word}${formatBits(bits, MOUNT_ATTRS)}`;
}

/**
 * Words the change of attributes of a tree. Pure.
 *
 * @param op The operation.
 * @returns The sentence.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { treeSetText } from "./explain_parent.ts";
 *
 * assertEquals(
 *   treeSetText({ op: "tree.set", slot: 3, set: 1, clear: 0 }),
 *   "set attributes of all mounts of slot 3, MOUNT_ATTR_RDONLY",
 * );
 * ```
 */
export function treeSetText({ slot, set, clear }: Op<"tree.set">): string {
  return `set attributes of all mounts of slot ${slot}${attrText("", set)}${
    attrText("without ", clear)
  }`;
}

/**
 * Names a point of the hand-shake. Pure.
 *
 * @param point Number of the point.
 * @returns Its name in the table.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { pointName } from "./explain_parent.ts";
 *
 * assertEquals(pointName(5), "exec");
 * ```
 */
export function pointName(point: number | bigint): string {
  const found = Object.entries(POINTS).find(([, number]) =>
    number === Number(point)
  );
  return found?.[0] ?? String(point);
}

/**
 * Lists slots. Pure.
 *
 * @param bytes A packed list of slots.
 * @returns Their numbers.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { slotList } from "./explain_parent.ts";
 * import { encodeSlots } from "./slots.ts";
 *
 * assertEquals(slotList(encodeSlots([3, 16])), "3, 16");
 * ```
 */
export function slotList(bytes: Uint8Array): string {
  return decodeSlots(bytes).join(", ");
}

/**
 * Words options as mount(8) writes them. Pure.
 *
 * @param options Key, value pairs.
 * @returns ` (a=b,c)`; empty when there is none.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { optionText } from "./explain_parent.ts";
 *
 * assertEquals(optionText(["size", "1m", "noswap", ""]), " (size=1m,noswap)");
 * ```
 */
export function optionText(options: readonly string[]): string {
  const texts: string[] = [];
  for (let at = 0; at < options.length; at += 2) {
    const value = options[at + 1] ?? "";
    texts.push((options[at] ?? "") + (value === "" ? "" : `=${value}`));
  }
  return texts.length === 0 ? "" : ` (${texts.join(",")})`;
}

function bit(flags: number | bigint, mask: number): boolean {
  return (Number(flags) & mask) !== 0;
}

/**
 * Words the copy of a mount tree, for both lists. Pure.
 *
 * @param op The operation.
 * @returns The sentence.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { treeText } from "./explain_parent.ts";
 *
 * const op = { op: "tree.open", slot: 3, flags: 0, path: "/srv" } as const;
 * assertEquals(treeText(op), "clone the mount tree /srv into slot 3");
 * ```
 */
export function treeText({ path, slot, flags }: Op<"tree.open">): string {
  const depth = bit(flags, 1) ? " with its submounts" : "";
  return `clone the mount tree ${path}${depth} into slot ${slot}`;
}

/**
 * Words the id map of a mount tree, for both lists. Pure.
 *
 * @param op The operation.
 * @returns The sentence.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { idmapText } from "./explain_parent.ts";
 *
 * assertEquals(
 *   idmapText({ op: "tree.idmap", flags: 0, slot: 3, userns: 4 }),
 *   "show ids through the tree of slot 3 as the user namespace of slot 4 maps them",
 * );
 * ```
 */
export function idmapText({ flags, slot, userns }: Op<"tree.idmap">): string {
  return `show ids through the tree of slot ${slot}${
    bit(flags, 1) ? " and its submounts" : ""
  } as the user namespace of slot ${userns} maps them`;
}

/** Id map lines on one line. */
function mapText(lines: string): string {
  return lines.trim().split("\n").join("; ");
}

/** MAC address as usual. */
function macText(bytes: Uint8Array | undefined): string {
  if (!bytes) return "";
  const text = [...bytes].map((byte) => byte.toString(16).padStart(2, "0"));
  return ` with MAC ${text.join(":")}`;
}

/** Name of a number in a table; the number itself when it has none. */
function nameOf(
  number: number | bigint,
  table: Readonly<Record<string, number>>,
): string {
  const found = Object.entries(table).find(([, each]) =>
    each === Number(number)
  );
  return found?.[0] ?? String(number);
}

function schedulerText(op: Op<"scheduler.set">): string {
  const numbers =
    (["nice", "priority", "runtime", "deadline", "period"] as const)
      .filter((key) => BigInt(op[key]) !== 0n)
      .map((key) => `, ${key} ${op[key]}`);
  const flags = Number(op.flags) === 0
    ? ""
    : `, ${formatBits(op.flags, SCHEDULING_FLAGS)}`;
  return `schedule the child by ${nameOf(op.policy, SCHEDULING_POLICIES)}${
    numbers.join("")
  }${flags}`;
}

/**
 * Says what an affinity is for; which CPUs stands in the note. Pure.
 *
 * @param op The operation.
 * @returns The sentence.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { affinityText } from "./explain_parent.ts";
 *
 * assertEquals(affinityText({ op: "affinity.set", mask: new Uint8Array([3]) }), "run on these CPUs only");
 * ```
 */
export function affinityText({ mask }: Op<"affinity.set">): string {
  return mask.every((byte) => byte === 0xff)
    ? "run on all CPUs of the groups"
    : "run on these CPUs only";
}

/**
 * Says which hook is run; its place in the configuration stands in the note. Pure.
 *
 * @param op The operation.
 * @returns The sentence.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { hookText } from "./explain_parent.ts";
 *
 * const op = { op: "hook.run", flags: 1, propagation: 0, dir: "", envp: [], state: [] } as const;
 * assertEquals(
 *   hookText({ ...op, argv: ["/bin/net", "net", "up"], timeout: 1500 }),
 *   "run the hook /bin/net up for at most 1.5 s",
 * );
 * ```
 */
export function hookText({ argv, timeout, dir }: Op<"hook.run">): string {
  const [path = "", , ...args] = argv;
  return `run the hook ${[path, ...args].join(" ")}${
    dir === "" ? "" : ` in ${dir}`
  }${Number(timeout) === 0 ? "" : ` for at most ${Number(timeout) / 1000} s`}`;
}

/** Sentences for the parent's operations. */
export const PARENT_SENTENCES: Sentences<"parent"> = {
  "fd.use": ({ fd, slot }) => `take descriptor ${fd} into slot ${slot}`,
  "tree.open": treeText,
  "tree.set": treeSetText,
  "overlay.open": ({ lower, upper, work, slot, options, settings }) =>
    `lay ${
      upper === undefined
        ? `a tmpfs${optionText(options)}`
        : `${upper} (with ${work})`
    } over ${lower} as an overlay${optionText(settings)} into slot ${slot}`,
  "anchor.open": ({ slot }) =>
    `take a mount namespace with nothing of the host's into slot ${slot}`,
  "ns.open": ({ path, slot, type }) =>
    `open the namespace ${path} (${
      formatBits(type, CLONE_FLAGS)
    }) into slot ${slot}`,
  "cgroup.open": ({ path, slot }) =>
    `open the cgroup ${path} into slot ${slot}`,
  "fds.send": ({ slots }) => `send the child slots ${slotList(slots)}`,
  "userns.make": ({ slot, uids, gids }) =>
    `make a user namespace that maps user ids (${
      mapText(uids)
    }) and group ids (${mapText(gids)}) into slot ${slot}`,
  "tree.idmap": idmapText,
  "cgroup.make": ({ path, flags }) =>
    `make the cgroup ${path}${
      bit(flags, 1)
        ? ", which must not exist yet"
        : bit(flags, 2)
        ? ", or take it where it is empty"
        : ""
    }`,
  "cgroup.cpuset": ({ path }) =>
    `fill empty cpuset.cpus and cpuset.mems down to ${path}`,
  "cgroup.enable": ({ controllers, path }) =>
    `enable the controllers ${controllers.join(" ")} down to ${path}`,
  "cgroup.write": ({ path, file, value, flags }) =>
    `write ${JSON.stringify(value)} to ${path}/${file}${
      bit(flags, 1) ? " and check that it was kept" : ""
    }`,
  "cgroup.devices": ({ path, program, flags }) =>
    `${
      bit(flags, 1) ? "replace the device program of" : "attach to"
    } ${path} a device program of ${program.length / 8} instructions`,
  "cgroup.adopt": ({ path }) => `mark the cgroup ${path} as ours`,
  "systemd.scope": ({ unit, bus, properties }) =>
    `have ${
      bus === "user" ? "systemd of this user" : "systemd"
    } start ${unit} around the child with ${properties.join(", ")}`,
  "spawn": ({ flags, cgroup }) =>
    `start the helper${
      flags === 0 ? "" : ` with ${formatBits(flags, CLONE_FLAGS)}`
    }${Number(cgroup) < 0 ? "" : ` in the cgroup of slot ${cgroup}`}`,
  "await": ({ point }) => `wait until the child reaches ${pointName(point)}`,
  "release": ({ point }) => `let the child go on from ${pointName(point)}`,
  "plan.send": () => "give the parked child this Plan's list to go on with",
  "park.publish": ({ dir, name }) =>
    `leave the parked child to whoever connects to ${dir}/${name}`,
  "park.connect": ({ pid, dir, name }) =>
    `take charge of the parked process ${pid} over ${dir}/${name}`,
  "await.listener": () => "wait for the seccomp listener",
  "listener.hand": ({ path }) =>
    path === undefined
      ? "hand the seccomp listener to the caller"
      : `send the seccomp listener to ${path}`,
  "await.exec": () => "wait until the program runs",
  "idmap.write": ({ uids, gids, flags }) =>
    `map ${
      [
        ...(uids === "" ? [] : [`user ids (${mapText(uids)})`]),
        ...(gids === "" ? [] : [`group ids (${mapText(gids)})`]),
      ].join(" and ")
    }${bit(flags, 1) ? ", denying setgroups" : ""}`,
  "idmap.run": ({ kind, map }) =>
    `have new${kind}map of the host map ${kind}s (${map.join(" ")})`,
  "user.resolve": ({ user, groups }) =>
    `look up ${user === "" ? "root (no user given)" : JSON.stringify(user)}${
      groups.length === 0 ? "" : ` and the groups ${groups.join(", ")}`
    } in the container's passwd and group, and let the child go on`,
  "affinity.set": affinityText,
  "scheduler.set": schedulerText,
  "ioprio.set": ({ class: io, priority }) =>
    `give the child the IO priority ${nameOf(io, IO_CLASSES)} ${priority}`,
  "hooks.begin": () => "note that hooks run",
  "hook.run": hookText,
  "state.save": () => "write state.json and the marker",
  "veth.make": ({ host, name, bridge, mtu, txqueuelen, flags, mac }) =>
    `make a veth pair: ${host} on bridge ${bridge}, ${name} inside${
      macText(mac)
    }${mtu === 0 ? "" : `, MTU ${mtu}`}${
      txqueuelen === 0 ? "" : `, queue ${txqueuelen}`
    }${bit(flags, 1) ? ", hairpin" : ""}`,
  "link.move": ({ device, name }) =>
    `move the interface ${device} inside${
      device === name ? "" : ` as ${name}`
    }`,
  "await.end": () => "wait until the helper has done all of its list",
  "process.use": ({ pid }) => `go on with process ${pid}`,
  "monitor": ({ pidfd }) =>
    `stay as a small monitor of the process of pidfd ${pidfd}`,
};

/** Sentences for the operations of the undo list. */
export const UNDO_SENTENCES: Sentences<"undo"> = {
  "lock.take": () => "take the lock, and stop if someone else has cleaned up",
  "cgroup.kill": ({ path }) => `kill every process in ${path}`,
  "cgroup.remove": ({ path, base }) =>
    `remove the cgroup ${path} and its empty parents that are ours up to ${base}`,
  "link.remove": ({ host, alias }) =>
    `remove the interface ${host} if its alias is ${alias}`,
  "file.remove": ({ dir, name }) => `remove the file ${dir}/${name}`,
  "hook.run": hookText,
  "undo.unless": ({ dir, name }) =>
    `stop if ${dir}/${name} says that someone else has dealt with all of it`,
  "undo.check": () =>
    "stop here if anything above failed: what follows is the record of it",
  "place.remove": ({ path }) =>
    `detach what is mounted on ${path}, and remove it`,
  "dir.remove": ({ path }) => `remove the directory ${path}`,
};

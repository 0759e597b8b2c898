/**
 * Sentences for the operations of the child's list.
 *
 * @module
 */
import { RLIM_INFINITY, RLIMITS } from "../config/names/rlimits.ts";
import {
  MEMORY_POLICIES,
  MEMORY_POLICY_FLAGS,
  PERSONALITIES,
} from "../config/names/scheduling.ts";
import {
  affinityText,
  attrText,
  hookText,
  idmapText,
  optionText,
  pointName,
  type Sentences,
  slotList,
  treeSetText,
  treeText,
} from "./explain_parent.ts";
import {
  CAPABILITY_MASKS,
  CLONE_FLAGS,
  FILE_TYPES,
  formatBits,
  MS,
  SECCOMP_FLAGS,
} from "./flags.ts";
import type { Op } from "./ops.ts";

function bit(flags: number | bigint, mask: number): boolean {
  return (Number(flags) & mask) !== 0;
}

function memoryText({ mode, nodes }: Op<"memory.policy">): string {
  const [policy] = Object.entries(MEMORY_POLICIES)
    .find(([, number]) => number === (Number(mode) & 0xff)) ?? [""];
  const flags = Object.entries(MEMORY_POLICY_FLAGS)
    .filter(([, flag]) => bit(mode, flag)).map(([name]) => `|${name}`);
  const list = [...nodes].flatMap((byte, at) =>
    [0, 1, 2, 3, 4, 5, 6, 7].filter((number) => bit(byte, 1 << number))
      .map((number) => at * 8 + number)
  );
  const where = list.length === 0 ? "" : ` of nodes ${list.join(",")}`;
  return `take the memory policy ${policy}${flags.join("")}${where}`;
}

/** File mode in octal. */
function octal(mode: number | bigint): string {
  return `0${mode.toString(8)}`;
}

function propagationText(bits: number | bigint): string {
  return Number(bits) === 0 ? "" : `, ${formatBits(bits, MS)}`;
}

/** An IP address as text, without shortening IPv6. */
function ipText(bytes: Uint8Array): string {
  if (bytes.length === 4) return [...bytes].join(".");
  const groups: string[] = [];
  for (let at = 0; at < bytes.length; at += 2) {
    groups.push((((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0)).toString(16));
  }
  return groups.join(":");
}

function routeText(op: Op<"net.route">): string {
  const target = op.destination
    ? `${ipText(op.destination)}/${op.prefix}`
    : "default";
  return [
    `add the route ${target}`,
    op.gateway ? `via ${ipText(op.gateway)}` : "",
    op.name === undefined ? "" : `on ${op.name}`,
    op.source ? `from ${ipText(op.source)}` : "",
  ].filter((part) => part !== "").join(" ");
}

/** Both halves of a device number. */
function deviceText(device: number | bigint): string {
  const number = BigInt(device);
  const major = (number >> 8n) & 0xfffn;
  const minor = (number & 0xffn) | ((number >> 12n) & 0xfff00n);
  return `${major}:${minor}`;
}

function nodeText(
  { path, type, device, mode, flags }: Op<"device.make">,
): string {
  if (bit(flags, 1)) return `bind the host's node ${path}`;
  const number = Number(type) === FILE_TYPES.S_IFIFO
    ? ""
    : ` ${deviceText(device)}`;
  return `make the node ${path} (${
    formatBits(type, FILE_TYPES)
  }${number}, mode ${octal(mode)})`;
}

function limitText(value: number | bigint): string {
  return BigInt(value) === RLIM_INFINITY ? "unlimited" : String(value);
}

function streamText(name: string, slot: number | bigint): string {
  return Number(slot) < 0 ? `keep ${name}` : `slot ${slot} as ${name}`;
}

function capsText(mask: number | bigint): string {
  return BigInt(mask) === 0n ? "none" : formatBits(mask, CAPABILITY_MASKS);
}

/** Sentences for the child's operations. */
export const CHILD_SENTENCES: Sentences<"child"> = {
  "tree.open": treeText,
  "fds.receive": ({ slots }) => `receive slots ${slotList(slots)}`,
  "cgroup.join": ({ path, file }) => `join the cgroup ${path} by ${file}`,
  "park": ({ flags }) =>
    `wait with all done so far${
      bit(flags, 1) ? ", without any descriptor but the hand-shake's" : ""
    }, for a release or for the rest of the list`,
  "sync": ({ point }) => `meet the parent at ${pointName(point)}`,
  "ns.enter": ({ slot, flags }) =>
    `enter ${formatBits(flags, CLONE_FLAGS)} of slot ${slot}`,
  "ns.unshare": ({ flags, slot }) =>
    `make ${formatBits(flags, CLONE_FLAGS)}${
      Number(slot) < 0 ? "" : `, the mounts those of slot ${slot}`
    }`,
  "ns.clone": ({ flags }) =>
    `clone into ${
      Number(flags) === 0
        ? "the namespaces entered"
        : `new ${formatBits(flags, CLONE_FLAGS)}`
    }; the list goes on in the clone`,
  "user.root": () => "become root of the user namespace",
  "proc.open": () => "open a private procfs",
  "session.new": () => "lead a new session",
  "hostname.set": ({ name }) => `set the host name ${name}`,
  "domainname.set": ({ name }) => `set the domain name ${name}`,
  "sysctl.write": ({ key, value }) =>
    `set the kernel parameter ${key} to ${JSON.stringify(value)}`,
  "net.loopback": ({ mtu }) =>
    `bring lo up${Number(mtu) === 0 ? "" : ` with MTU ${mtu}`}`,
  "net.address": ({ name, address, prefix }) =>
    `give ${name} the address ${ipText(address)}/${prefix}`,
  "net.up": ({ name }) => `bring ${name} up`,
  "net.route": routeText,
  "mount.propagation": ({ propagation }) =>
    `make all mounts ${formatBits(propagation, MS)}`,
  "root.attach": ({ slot, propagation, at }) =>
    `attach the root of slot ${slot}${propagationText(propagation)}${
      at === undefined ? "" : ` at ${at}`
    }`,
  "root.make": ({ options, attr, propagation }) =>
    `make an empty root${optionText(options)}${attrText("", attr)}${
      propagationText(propagation)
    }`,
  "root.place": ({ slot, at }) => `attach the root of slot ${slot} at ${at}`,
  "root.change": ({ path }) => `change root into ${path ?? "the new root"}`,
  "root.current": () => "take the current / as root",
  "mount.fs": (op) =>
    `mount ${op.fstype}${optionText(op.options)} at ${op.target}${
      attrText("", op.attr)
    }${propagationText(op.propagation)}${
      bit(op.flags, 4) ? ", beginning with what it covers" : ""
    }`,
  "mount.tree": (op) =>
    `attach the tree of slot ${op.slot} at ${op.target}${attrText("", op.set)}${
      attrText("without ", op.clear)
    }${propagationText(op.propagation)}`,
  "tree.set": treeSetText,
  "tree.idmap": idmapText,
  "tree.inside": ({ path, slot, flags }) =>
    `clone the mount tree ${path} inside${
      bit(flags, 1) ? " with its submounts" : ""
    } into slot ${slot}`,
  "mount.change": (op) =>
    `change the mount at ${op.target}${attrText("", op.set)}${
      attrText("without ", op.clear)
    }${propagationText(op.propagation)}${
      bit(op.flags, 1) ? ", submounts too" : ""
    }`,
  "command.run": ({ argv }) => `run ${argv.join(" ")} and wait for it`,
  "dir.make": ({ path, mode }) =>
    `make the directory ${path}, mode ${octal(mode)}`,
  "path.own": ({ path, uid, gid }) => `give ${path} to user ${uid}:${gid}`,
  "file.write": ({ path, mode, content }) =>
    `write ${path}, ${content.length} bytes, mode ${octal(mode)}`,
  "device.make": nodeText,
  "link.make": ({ path, target, flags }) =>
    `link ${path} to ${target}${
      bit(flags, 1) ? ", replacing what is there" : ""
    }`,
  "path.mask": ({ path }) => `hide ${path}`,
  "path.readonly": ({ path }) => `make ${path} read-only`,
  "root.pivot": () => "switch to the new root and detach the old one",
  "root.move": () => "change root into the new root, the old one stays below",
  "root.readonly": () => "make the root read-only",
  "root.enter": ({ path }) => `work in the host's directory ${path}`,
  "file.protect": ({ path }) => `bind ${path} over itself, a file read-only`,
  "tty.open": ({ flags, rows, columns }) =>
    `open a terminal${Number(rows) === 0 ? "" : ` of ${columns} x ${rows}`}${
      bit(flags, 1) ? " that adds no carriage returns" : ""
    } and give its outer end to the parent`,
  "tty.console": ({ path }) => `cover ${path} with the terminal`,
  "tty.control": () => "make the terminal the controlling one",
  "stdio.set": ({ flags, stdin, stdout, stderr }) =>
    bit(flags, 1) ? "put the terminal on stdin, stdout and stderr" : [
      streamText("stdin", stdin),
      streamText("stdout", stdout),
      streamText("stderr", stderr),
    ].join(", "),
  "tty.own": ({ gid, mode }) =>
    `give the terminal to the user that was looked up${
      Number(gid) < 0 ? "" : ` and group ${gid}`
    }, mode ${octal(mode)}`,
  "stdio.own": () => "give stdin, stdout and stderr that are pipes to the user",
  "fds.place": ({ slots }) =>
    `slots ${slotList(slots)} as descriptors 3 and following`,
  "rlimit.set": ({ resource, soft, hard }) =>
    `limit ${RLIMITS[Number(resource)] ?? resource} to ${
      limitText(soft)
    } (at most ${limitText(hard)})`,
  "oom.adjust": ({ value }) => `set the OOM score adjustment ${value}`,
  "label.apparmor": ({ value }) =>
    `change the AppArmor profile at exec: ${value}`,
  "label.selinux": ({ value }) => `change the SELinux label at exec: ${value}`,
  "user.files": () => "give the container's passwd and group to the parent",
  "caps.bound": ({ mask }) => `bound capabilities by ${capsText(mask)}`,
  "user.apply": ({ flags }) =>
    `become the user that was looked up${
      bit(flags, 1) ? ", with the groups that there are" : ""
    }`,
  "caps.set": ({ effective, permitted, inheritable, ambient }) =>
    `set capabilities: effective ${capsText(effective)}; permitted ${
      permitted === effective ? "the same" : capsText(permitted)
    }; inheritable ${capsText(inheritable)}; ambient ${capsText(ambient)}`,
  "privileges.lock": () => "give up new privileges (no_new_privs)",
  "seccomp.load": ({ flags, program }) =>
    `load a seccomp filter of ${program.length / 8} instructions${
      Number(flags) === 0 ? "" : ` with ${formatBits(flags, SECCOMP_FLAGS)}`
    }`,
  "seccomp.notify": ({ flags, program }) =>
    `load the part of the filter that asks a listener, ${
      program.length / 8
    } instructions, with ${
      formatBits(flags, SECCOMP_FLAGS)
    }, and give the listener to the parent`,
  "death.signal": ({ signal }) => `get signal ${signal} when the starter dies`,
  "fds.close": ({ keep }) => `close every descriptor above ${keep}`,
  "cwd.enter": ({ path }) => `enter ${path} and check that it is inside`,
  "program.find": ({ name, paths }) =>
    `make sure that ${name} can be executed: ${paths.join(", ")}`,
  "keyring.join": ({ name }) =>
    name === undefined
      ? "keep an empty session keyring"
      : `share the session keyring ${name} with the container`,
  "personality.set": ({ domain }) =>
    `take the personality ${
      Number(domain) === PERSONALITIES.LINUX32 ? "LINUX32" : "LINUX"
    }`,
  "memory.policy": memoryText,
  "affinity.set": affinityText,
  "hook.run": hookText,
  "time.enter": ({ offsets }) =>
    `enter a new time namespace${
      offsets === undefined ? "" : ` (${offsets.trim().replace("\n", "; ")})`
    }`,
  "umask.set": ({ mask }) => `set the file mode mask ${octal(mask)}`,
  "exec": ({ paths, argv, envp, flags }) =>
    `execute ${argv.join(" ")} as ${
      paths.join(" or ")
    } with ${envp.length} variable${envp.length === 1 ? "" : "s"}${
      bit(flags, 1) ? " and HOME" : ""
    }`,
};

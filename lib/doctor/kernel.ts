/**
 * Judges the kernel: its version, calls and namespaces. Pure.
 *
 * @module
 */
import { userNamespaceAdvice } from "../host/user_namespaces.ts";
import {
  type CallName,
  type Facts,
  type NamespaceName,
  NAMESPACES,
  NEEDED_CALLS,
} from "./facts.ts";
import { fatal, type Finding, limited, missing, ok } from "./findings.ts";

const ENOSYS = 38;
const EPERM = 1;
const OLDEST = [5, 12] as const;
const ARCHITECTURES: readonly string[] = ["x86_64", "aarch64"];

/** Kinds of namespaces that the template of a container has. */
const USUAL: readonly NamespaceName[] = ["mnt", "pid", "uts", "ipc", "net"];

const MEANINGS: Readonly<Record<NamespaceName, string>> = {
  mnt: "containers have mounts of their own",
  pid: "containers have process ids of their own",
  uts: "containers have a host name of their own",
  ipc: "containers have System V IPC and message queues of their own",
  net: "containers have network interfaces of their own",
  user: "root inside need not be root outside",
  cgroup: "containers see their own control groups only",
  time: "containers may have clocks of their own",
};

function versionOf({ release, kernel: [major, minor] }: Facts): Finding {
  const [least, rest] = OLDEST;
  const isOld = major < least || (major === least && minor < rest);
  return isOld
    ? fatal(
      "kernel",
      "version",
      `Linux ${release} is older than ${least}.${rest}`,
      `boot Linux ${least}.${rest} or newer`,
    )
    : ok("kernel", "version", `Linux ${release}`);
}

function architectureOf({ architecture }: Facts): Finding {
  return ARCHITECTURES.includes(architecture)
    ? ok("kernel", "architecture", architecture)
    : fatal(
      "kernel",
      "architecture",
      `${architecture} is not supported`,
      `use a machine with ${ARCHITECTURES.join(" or ")}`,
    );
}

function libraryOf({ libraryProblem }: Facts): Finding {
  return libraryProblem === undefined
    ? ok("nsinit", "library", "libnsinit.so is loaded")
    : fatal("nsinit", "library", libraryProblem, 'run "deno task build"');
}

function callsOf({ calls, libraryProblem }: Facts): Finding[] {
  if (libraryProblem !== undefined) return [];
  const names = Object.keys(NEEDED_CALLS) as CallName[];
  const absent = names.filter((name) => calls[name] === ENOSYS);
  if (absent.length === 0) {
    return [ok("kernel", "system calls", `${names.join(", ")} are there`)];
  }
  return [fatal(
    "kernel",
    "system calls",
    `${absent.join(", ")} ${absent.length === 1 ? "is" : "are"} missing`,
    `boot Linux ${OLDEST.join(".")} or newer; in a container, allow them in ` +
      "its seccomp profile",
  )];
}

/** The sysctl that forbids a kind of namespace, if one does. */
function forbiddenBy(
  name: NamespaceName,
  { sysctls }: Facts,
): string | undefined {
  const setting = `max_${name}_namespaces`;
  return sysctls[`user/${setting}`] === "0" ? `user.${setting}` : undefined;
}

function fixFor(name: NamespaceName, facts: Facts): string {
  const setting = forbiddenBy(name, facts);
  if (setting !== undefined) return `sysctl ${setting}=15000`;
  if (name === "user" || facts.euid !== 0) {
    const [advice] = userNamespaceAdvice(
      facts.euid,
      (path) => facts.sysctls[path.replace("/proc/sys/", "")],
    );
    if (advice !== undefined) return advice;
  }
  return facts.euid === 0
    ? "run as root outside of other containers, or give the surrounding one CAP_SYS_ADMIN"
    : "ask the administrator to allow user namespaces";
}

function namespaceOf(name: NamespaceName, facts: Facts): Finding {
  const isUsual = USUAL.includes(name) || (name === "user" && facts.euid !== 0);
  const bad = isUsual ? fatal : missing;
  const topic = "namespaces";
  if (!facts.namespaces.includes(name)) {
    return bad(
      topic,
      name,
      "this kernel has none",
      "boot a kernel that has them",
    );
  }
  const errno = facts.tried[name];
  if (errno === undefined) {
    return facts.libraryProblem === undefined
      ? ok(topic, name, MEANINGS[name])
      : limited(topic, name, "not tried without the library");
  }
  if (errno === 0) return ok(topic, name, MEANINGS[name]);
  return bad(
    topic,
    name,
    `the kernel refuses to make one (error ${errno})`,
    fixFor(name, facts),
  );
}

/** What only all together shows: the trial that ends like a container's start. */
function startOf(facts: Facts): Finding[] {
  const { start, tried } = facts;
  if (start === undefined || start === 0) return [];
  if (Object.values(tried).some((errno) => errno !== 0)) return [];
  return [fatal(
    "namespaces",
    "together",
    `the kernel refuses what a container begins with (error ${start})`,
    start === EPERM || facts.euid !== 0
      ? fixFor("user", facts)
      : "see the kernel's log",
  )];
}

/** A new /proc would show what a surrounding container hides. */
function procOf({ start, proc }: Facts): Finding[] {
  if (proc === undefined || start !== 0) return [];
  if (proc === 0) {
    return [ok("file systems", "/proc", "containers have one of their own")];
  }
  return [fatal(
    "file systems",
    "/proc",
    `the kernel refuses to mount a new one (error ${proc}): parts of this ` +
      "one are covered, as in most containers",
    "run outside of the surrounding container, or have it leave /proc " +
      "uncovered (podman: --security-opt unmask=ALL)",
  )];
}

/**
 * Judges the kernel.
 *
 * @param facts What was found out.
 * @returns Findings about the version, the library, calls and namespaces.
 *
 * @example
 * ```ts ignore
 * for (const { name, status } of judgeKernel(await examine({ criu: "criu" }))) console.log(name, status);
 * ```
 */
export function judgeKernel(facts: Facts): Finding[] {
  return [
    versionOf(facts),
    architectureOf(facts),
    libraryOf(facts),
    ...callsOf(facts),
    ...NAMESPACES.map((name) => namespaceOf(name, facts)),
    ...startOf(facts),
    ...procOf(facts),
  ];
}

/**
 * Judges security modules, users, systemd and other programs. Pure.
 *
 * @module
 */
import { userNamespaceAdvice } from "../host/user_namespaces.ts";
import type { Facts, NamespaceName } from "./facts.ts";
import { NAMESPACES } from "./facts.ts";
import { type Finding, limited, missing, ok } from "./findings.ts";

/** Actions that filters of containers use. */
const ACTIONS = ["errno", "kill_process", "kill_thread", "trap", "log"];
/** So many ids are needed for the users of usual systems. */
const ENOUGH_IDS = 65_536;

function seccompOf({ seccompActions }: Facts): Finding[] {
  const topic = "security";
  if (!seccompActions) {
    return [missing(
      topic,
      "seccomp",
      "system calls cannot be filtered: configurations with a filter are refused",
      "boot a kernel with CONFIG_SECCOMP_FILTER",
    )];
  }
  const lacking = ACTIONS.filter((each) => !seccompActions.includes(each));
  const filter = lacking.length === 0
    ? ok(topic, "seccomp", `filters may ${seccompActions.join(", ")}`)
    : limited(topic, "seccomp", `filters cannot ${lacking.join(", ")}`);
  const notify = seccompActions.includes("user_notif")
    ? ok(topic, "seccomp listeners", "a program may decide about system calls")
    : missing(
      topic,
      "seccomp listeners",
      "no program can decide about system calls",
      "boot Linux 5.5 or newer",
    );
  return [filter, notify];
}

function modulesOf({ apparmor, selinux }: Facts): Finding[] {
  const topic = "security";
  return [
    apparmor
      ? ok(topic, "AppArmor", "is in force: profiles are applied")
      : missing(
        topic,
        "AppArmor",
        "is not in force: configurations that name a profile are refused",
      ),
    selinux ? ok(topic, "SELinux", "is in force: labels are applied") : missing(
      topic,
      "SELinux",
      "is not in force: configurations that name a label are refused",
    ),
  ];
}

function limitsOf({ sysctls }: Facts): Finding[] {
  const limits = NAMESPACES.flatMap((name: NamespaceName) => {
    const value = sysctls[`user/max_${name}_namespaces`];
    return value === undefined ? [] : [[name, value] as const];
  });
  if (limits.length === 0) return [];
  const low = limits.filter(([, value]) => Number(value) < 16);
  return low.length > 0
    ? [limited(
      "settings",
      "namespace limits",
      low.map(([name, value]) => `user.max_${name}_namespaces is ${value}`)
        .join(", "),
      low.map(([name]) => `sysctl user.max_${name}_namespaces=15000`).join(
        "; ",
      ),
    )]
    : [ok(
      "settings",
      "namespace limits",
      `at least ${
        Math.min(...limits.map(([, value]) => Number(value)))
      } of each kind`,
    )];
}

function settingsOf(facts: Facts): Finding[] {
  const advice = userNamespaceAdvice(
    // What users may do is told to root as well.
    facts.euid === 0 ? 1 : facts.euid,
    (path) => facts.sysctls[path.replace("/proc/sys/", "")],
  );
  const found = advice.map((each) => {
    const [message = "", ...fix] = each.split(": ");
    return limited("settings", "user namespaces", message, fix.join(": "));
  });
  return found.length > 0
    ? found
    : [ok("settings", "user namespaces", "no setting forbids them")];
}

function rangesOf(what: string, ranges: readonly { size: number }[]): Finding {
  const count = ranges.reduce((sum, { size }) => sum + size, 0);
  const file = what === "users" ? "/etc/subuid" : "/etc/subgid";
  const name = file.slice("/etc/".length);
  const fix = `usermod --add-sub${what === "users" ? "u" : "g"}ids ` +
    "100000-165535 USER, as root";
  if (count === 0) {
    return limited(
      "ids",
      name,
      `one of the ${what} inside: ${file} gives no others`,
      fix,
    );
  }
  return count < ENOUGH_IDS
    ? limited("ids", name, `${count} further ${what} inside`, fix)
    : ok("ids", name, `${count} further ${what} inside`);
}

function idsOf({ user, tools }: Facts): Finding[] {
  if (!user) return [];
  const absent = (["newuidmap", "newgidmap"] as const)
    .filter((name) => tools[name] === undefined);
  return [
    absent.length === 0
      ? ok("ids", "newuidmap", "further ids can be mapped")
      : limited(
        "ids",
        "newuidmap",
        `${absent.join(" and ")} missing: one user inside`,
        "install the package uidmap",
      ),
    rangesOf("users", user.subordinateUids),
    rangesOf("groups", user.subordinateGids),
  ];
}

function systemdOf({ systemdProblem }: Facts): Finding {
  return systemdProblem === undefined
    ? ok("systemd", "driver", "--systemd-cgroup can be used")
    : missing("systemd", "driver", systemdProblem);
}

function criuOf({ criu, euid }: Facts): Finding[] {
  const topic = "checkpoint";
  if (!criu) {
    return [missing(
      topic,
      "criu",
      "checkpoint and restore need it",
      "install the package criu, or name the program by --criu",
    )];
  }
  const { path, version, works, tracksMemory, complaint = "" } = criu;
  if (version === undefined) {
    return [missing(
      topic,
      "criu",
      `${path} is not CRIU, or does not run: ${complaint}`,
      "name the program by --criu",
    )];
  }
  const shown = `${path}, version ${version}`;
  if (euid !== 0) {
    const message = `${shown}: checkpoint and restore are for root`;
    return [limited(topic, "criu", message)];
  }
  if (works === false) {
    return [limited(
      topic,
      "criu",
      `${shown}, does not work with this kernel: ${complaint}`,
      "install a newer criu, and a kernel with CONFIG_CHECKPOINT_RESTORE",
    )];
  }
  return [
    ok(topic, "criu", `${shown}, content with this kernel`),
    tracksMemory
      ? ok(
        topic,
        "memory tracking",
        "checkpoints may be taken in steps (--pre-dump)",
      )
      : missing(
        topic,
        "memory tracking",
        "checkpoints cannot be taken in steps (--pre-dump)",
        "boot a kernel with CONFIG_MEM_SOFT_DIRTY",
      ),
  ];
}

function toolsOf({ tools, euid }: Facts): Finding[] {
  if (euid !== 0) return [];
  const of = (
    topic: string,
    name: "iptables" | "ip",
    meaning: string,
    fix: string,
  ): Finding => {
    const path = tools[name];
    return path === undefined
      ? missing(topic, name, meaning, fix)
      : ok(topic, name, path);
  };
  return [
    of(
      "checkpoint",
      "iptables",
      "connections that are open cannot be checkpointed (--tcp-established)",
      "install the package iptables",
    ),
    of(
      "tools",
      "ip",
      "nsinit does without it; it helps to look at networks of containers",
      "install the package iproute2",
    ),
  ];
}

/**
 * Judges what surrounds containers.
 *
 * @param facts What was found out.
 * @returns The findings.
 *
 * @example
 * ```ts ignore
 * console.log(judgeSurroundings(facts).map(({ message }) => message));
 * ```
 */
export function judgeSurroundings(facts: Facts): Finding[] {
  return [
    ...seccompOf(facts),
    ...modulesOf(facts),
    ...limitsOf(facts),
    ...settingsOf(facts),
    ...idsOf(facts),
    systemdOf(facts),
    ...criuOf(facts),
    ...toolsOf(facts),
  ];
}

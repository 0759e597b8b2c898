/**
 * What a test needs of the machine. A test is left out only by a probe with a
 * name, and says so.
 *
 * @module
 */

import { findTestCriu } from "./criu.ts";

/** What a machine may offer. */
export type Capability =
  | "root"
  | "cgroup-v1"
  | "cgroup-v2"
  | "memory-cgroup"
  | "tmux"
  | "bash"
  | "zsh"
  | "fish"
  | "mandoc"
  | "ip"
  | "ping"
  | "loop"
  | "pressure"
  | "apparmor"
  | "no-apparmor"
  | "selinux"
  | "no-selinux"
  | "systemd"
  | "no-systemd"
  | "cgroup-v2-mount"
  | "user-namespaces"
  | "id-mappers"
  | "criu"
  | "podman"
  | "buildah"
  | "catatonit"
  | "containerd"
  | "cni"
  | "runc"
  | "crun"
  | "slirp4netns"
  | "system-python"
  | "full";

/** Where Debian has the programs that make networks for pods. */
export const CNI_PLUGINS = "/usr/lib/cni";

interface Probe {
  readonly doc: string;
  readonly isThere: () => boolean;
}

function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

function hasProgram(name: string): boolean {
  const path = `${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin`;
  return path.split(":").some((dir) => dir !== "" && exists(`${dir}/${name}`));
}

function hasMount(pattern: RegExp): boolean {
  return pattern.test(Deno.readTextFileSync("/proc/self/mountinfo"));
}

const PROBES: Readonly<Record<Capability, Probe>> = {
  "criu": {
    doc:
      "a criu that works on this kernel (in PATH, by NSINIT_CRIU, or fetched by ../shared/tools/get-criu)",
    isThere: () => findTestCriu() !== undefined,
  },
  "podman": {
    doc: "podman, conmon and what they need (deno task setup)",
    isThere: () => ["podman", "conmon", "iptables"].every(hasProgram),
  },
  "buildah": {
    doc: "the program buildah",
    isThere: () => hasProgram("buildah"),
  },
  "runc": {
    doc: "the program runc",
    isThere: () => hasProgram("runc"),
  },
  "crun": {
    doc: "the program crun",
    isThere: () => hasProgram("crun"),
  },
  "catatonit": {
    doc: "the program catatonit",
    isThere: () => hasProgram("catatonit"),
  },
  "system-python": {
    doc: "/usr/bin/python3 (package python3-minimal) and /lib64",
    isThere: () => exists("/usr/bin/python3") && exists("/lib64"),
  },
  "slirp4netns": {
    doc: "the program slirp4netns and a device /dev/net/tun",
    isThere: () => hasProgram("slirp4netns") && exists("/dev/net/tun"),
  },
  "containerd": {
    doc: "containerd and its program ctr",
    isThere: () =>
      ["containerd", "ctr", "containerd-shim-runc-v2"].every(hasProgram),
  },
  "cni": {
    doc: `the plugins of networks in ${CNI_PLUGINS}`,
    isThere: () => exists(`${CNI_PLUGINS}/ptp`),
  },
  "cgroup-v2-mount": {
    doc: "a mount of cgroup v2, with controllers or without",
    isThere: () => hasMount(/ - cgroup2 /),
  },
  "user-namespaces": {
    doc: "user namespaces for users",
    isThere: () => {
      const unshare = new Deno.Command("setpriv", {
        args: [
          "--reuid=61234",
          "--regid=61234",
          "--clear-groups",
          "unshare",
          "--user",
          "--map-root-user",
          "--mount",
          "true",
        ],
        stdout: "null",
        stderr: "null",
      });
      return unshare.outputSync().success;
    },
  },
  "id-mappers": {
    doc: "newuidmap and newgidmap (package uidmap)",
    isThere: () => exists("/usr/bin/newuidmap") && exists("/usr/bin/newgidmap"),
  },
  "root": { doc: "to be root", isThere: () => Deno.uid() === 0 },
  "cgroup-v1": {
    doc: "a cgroup v1 hierarchy",
    isThere: () => hasMount(/ - cgroup .*(memory|cpu|pids|devices)/),
  },
  "cgroup-v2": {
    doc: "cgroup v2 with the controllers cpu, memory and pids",
    isThere: () => {
      const [, point] = /^(?:\S+ ){4}(\S+) .*- cgroup2 /m.exec(
        Deno.readTextFileSync("/proc/self/mountinfo"),
      ) ?? [];
      if (point === undefined) return false;
      const names = Deno.readTextFileSync(`${point}/cgroup.controllers`)
        .trim().split(" ");
      return ["cpu", "memory", "pids"].every((name) => names.includes(name));
    },
  },
  "memory-cgroup": {
    doc: "the memory controller",
    isThere: () =>
      /^memory\t(?!.*\t0$)/m.test(Deno.readTextFileSync("/proc/cgroups")) ||
      hasMount(/ - cgroup2 /),
  },
  "tmux": { doc: "the program tmux", isThere: () => hasProgram("tmux") },
  "bash": { doc: "the program bash", isThere: () => hasProgram("bash") },
  "zsh": { doc: "the program zsh", isThere: () => hasProgram("zsh") },
  "fish": { doc: "the program fish", isThere: () => hasProgram("fish") },
  "mandoc": { doc: "the program mandoc", isThere: () => hasProgram("mandoc") },
  "ip": {
    doc: "the program ip (package iproute2)",
    isThere: () => hasProgram("ip"),
  },
  "ping": { doc: "the program ping", isThere: () => hasProgram("ping") },
  "loop": {
    doc: "loop devices and the program losetup",
    isThere: () => exists("/dev/loop-control") && hasProgram("losetup"),
  },
  "pressure": {
    doc: "a version 2 hierarchy and a kernel that measures pressure (psi=1)",
    isThere: () => {
      try {
        return hasMount(/ - cgroup2 /) &&
          Deno.readTextFileSync("/proc/pressure/memory") !== "";
      } catch {
        return false; // no such file, or not supported
      }
    },
  },
  "apparmor": {
    doc: "a kernel with AppArmor",
    isThere: () => exists("/sys/kernel/security/apparmor/profiles"),
  },
  "no-apparmor": {
    doc: "a kernel without AppArmor",
    isThere: () => !exists("/sys/module/apparmor"),
  },
  "selinux": {
    doc: "a kernel with SELinux",
    isThere: () => exists("/sys/fs/selinux/enforce"),
  },
  "no-selinux": {
    doc: "a kernel without SELinux",
    isThere: () => !exists("/sys/fs/selinux/enforce"),
  },
  "systemd": {
    doc: "to run below systemd",
    isThere: () => exists("/run/systemd/system"),
  },
  "no-systemd": {
    doc: "a machine without systemd",
    isThere: () => !exists("/run/systemd/system"),
  },
  "full": {
    doc: "NSINIT_TEST_FULL=1, for runs that take long",
    isThere: () => Deno.env.get("NSINIT_TEST_FULL") === "1",
  },
};

/** Whether the machine offers something. */
export function has(capability: Capability): boolean {
  return PROBES[capability].isThere();
}

/**
 * Finds what a test lacks here, and says on stderr that it is left out.
 *
 * @param name Name of the test.
 * @param needs What it needs.
 * @returns True when something is missing.
 */
export function mustSkip(name: string, needs: readonly Capability[]): boolean {
  const missing = needs.filter((capability) => !has(capability));
  if (missing.length === 0) return false;
  const reason = missing.map((capability) => PROBES[capability].doc).join(
    ", ",
  );
  Deno.stderr.writeSync(
    new TextEncoder().encode(`SKIPPED: ${name}: needs ${reason}\n`),
  );
  return true;
}

/**
 * Makes sure that the Debian packages a task needs are there.
 *
 * @module
 */
import { run, say } from "./process.ts";

/** What the packages are for. */
export type PackageGroup = "bench" | "build" | "clients" | "demo" | "test";

const PACKAGES: Readonly<Record<PackageGroup, readonly string[]>> = {
  bench: ["conmon", "crun", "hyperfine", "podman", "runc"],
  build: ["gcc", "libc6-dev", "libseccomp-dev", "make", "pkg-config"],
  // What drives OCI runtimes, and what networks and users of it need.
  clients: [
    "buildah",
    "catatonit",
    "conmon",
    "containerd",
    "containernetworking-plugins",
    "iptables",
    "podman",
    "procps",
    "slirp4netns",
    "uidmap",
  ],
  demo: ["busybox-static"],
  test: [
    "busybox-static",
    "clang-format",
    "debootstrap",
    "fish",
    "iproute2",
    "iputils-ping",
    "mandoc",
    "python3-minimal",
    "strace",
    "tmux",
    "uidmap",
    "zsh",
  ],
};

/** The other architecture is only compiled, which needs its compiler. */
const CROSS_PACKAGES = ["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"];

/** Newer releases have the same thing under another name. */
const ALSO_KNOWN_AS: Readonly<Record<string, string>> = {
  "pkg-config": "pkgconf",
};

const ATTEMPTS = 3;

/**
 * Lists the packages of some groups.
 *
 * @param groups What they are for.
 * @returns Names, each once.
 */
export function packagesOf(groups: readonly PackageGroup[]): string[] {
  const names = groups.flatMap((group) => PACKAGES[group]);
  const cross = groups.includes("test") && Deno.build.arch === "x86_64";

  return [...new Set([...names, ...(cross ? CROSS_PACKAGES : [])])];
}

/**
 * Finds which of some packages are not installed.
 *
 * @param wanted Names of packages.
 * @param report What `dpkg-query` printed: a status and a name on each line.
 * @returns The names that are missing.
 */
export function missingOf(wanted: readonly string[], report: string): string[] {
  const installed = new Set(
    report.split("\n")
      .filter((line) => line.startsWith("installed "))
      .map((line) => line.slice("installed ".length)),
  );

  return wanted.filter((name) =>
    !installed.has(name) && !installed.has(ALSO_KNOWN_AS[name] ?? name)
  );
}

/**
 * Makes sure that packages are installed: installs them when run as root, else
 * prints the command that does.
 *
 * @param groups What they are for.
 * @returns Whether all are there now.
 */
export async function setup(groups: readonly PackageGroup[]): Promise<boolean> {
  const wanted = packagesOf(groups);
  const report = await askDpkg(wanted);

  if (report === undefined) {
    say(
      `This is not Debian or Ubuntu. nsinit needs what these packages hold: ${
        wanted.join(" ")
      }`,
    );
    return true;
  }

  const missing = missingOf(wanted, report);
  if (missing.length === 0) return true;

  if (Deno.uid() !== 0) {
    say("Some packages are missing. Install them with:");
    say(`  sudo apt-get install ${missing.join(" ")}`);
    return false;
  }

  say(`Installing ${missing.join(" ")}`);
  return await install(missing);
}

/** Asks once about all packages; `undefined` where there is no dpkg. */
async function askDpkg(names: readonly string[]): Promise<string | undefined> {
  const both = names.flatMap((name) => [name, ALSO_KNOWN_AS[name] ?? name]);

  try {
    const { stdout } = await new Deno.Command("dpkg-query", {
      args: ["-W", "-f", "${db:Status-Status} ${Package}\\n", ...new Set(both)],
      stderr: "null",
    }).output();
    return new TextDecoder().decode(stdout);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

async function install(names: readonly string[]): Promise<boolean> {
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const common = ["-q", "-o", "Acquire::Retries=3"];
  const lock = ["-o", "DPkg::Lock::Timeout=300"];

  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    await run("apt-get", ["update", ...common], { env });
    const code = await run("apt-get", [
      "install",
      "-y",
      "--no-install-recommends",
      ...common,
      ...lock,
      ...names,
    ], { env });
    if (code === 0) return true;
    say(`apt-get ended with status ${code} (attempt ${attempt})`);
  }

  say(`Cannot install packages: try apt-get install ${names.join(" ")}`);
  return false;
}

if (import.meta.main) {
  const ready = await setup(["build", "demo", "test", "clients"]);
  if (ready) say("setup: everything is there");
  Deno.exit(ready ? 0 : 1);
}

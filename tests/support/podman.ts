/**
 * podman on a host of its own, driving the runtime under test.
 *
 * @module
 */
import { type Capability, mustSkip } from "./capability.ts";
import { ClientHost, type Remains } from "./client_host.ts";
import { findTestCriu } from "./criu.ts";
import { findCgroups } from "./host_state.ts";
import {
  mustRun,
  type RunOptions,
  runProgram,
  type RunResult,
} from "./nsinit.ts";
import { type OciRuntime, ociRuntime } from "./oci_runtime.ts";
import { makeTestRootfs, writeProgram } from "./rootfs.ts";

/** The image of all containers. */
export const IMAGE = "localhost/busybox";

/** Settings of containers.conf. Limits above a hard limit need a right that not all machines have. */
function settings(runtime: OciRuntime): string {
  return `[containers]
default_ulimits = ["nofile=1024:4096", "nproc=4096:4096"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
infra_image = "${IMAGE}"
infra_command = "/bin/pause"
runtime = "nsinit-oci"
runtime_supports_json = ["nsinit-oci", "crun", "runc"]
runtime_supports_nocgroup = ["nsinit-oci", "crun"]
[engine.runtimes]
nsinit-oci = ["${runtime.path}"]
`;
}

const STORAGE = `[storage]
driver = "overlay"
graphroot = "/var/lib/containers/storage"
runroot = "/run/containers/storage"
`;

/** Storage that users need no further program for. */
const USER_STORAGE = `[storage]
driver = "vfs"
`;

/** The ordinary user, and its further ids. */
const USER = { id: 61234, name: "nsinittester", ranges: "700000:65536" };
const AS_USER = [
  "setpriv",
  `--reuid=${USER.id}`,
  `--regid=${USER.id}`,
  "--clear-groups",
];
const USER_RUN = `/run/user/${USER.id}`;

/** Makes the user known on a host. */
const ADD_USER = `
cd "$0" || exit
for name in passwd group subuid subgid; do
	[ -e /etc/$name ] || exit
done
cp /etc/passwd /etc/group . && echo ${USER.name}:x:${USER.id}:${USER.id}::$0/home:/bin/sh >> passwd
echo ${USER.name}:x:${USER.id}: >> group
echo ${USER.name}:${USER.ranges} > subuid
echo ${USER.name}:${USER.ranges} > subgid
for name in passwd group subuid subgid; do
	mount --bind $name /etc/$name || exit
done
# Usually everybody's.
if [ -e /dev/net/tun ]; then
	mknod -m 0666 tun c 10 200 && mount --bind tun /dev/net/tun || exit
fi
install -d -m 0700 -o ${USER.id} -g ${USER.id} ${USER_RUN}
chown -R ${USER.id}:${USER.id} home
`;

/** What keeps a pod. */
const PAUSE = `#!/bin/sh
trap 'exit 0' TERM
while :; do sleep 0.1; done
`;

/** Writes the configuration, and gives the variables that name it. */
async function configure(
  dir: string,
  runtime: OciRuntime,
  isUser: boolean,
): Promise<Record<string, string>> {
  const path = Deno.env.get("PATH") ?? "";
  const criu = findTestCriu();
  const first = criu === undefined ? "" : `${criu.replace(/[^/]*$/, "")}:`;
  await Deno.writeTextFile(`${dir}/containers.conf`, settings(runtime));
  await Deno.writeTextFile(
    `${dir}/storage.conf`,
    isUser ? USER_STORAGE : STORAGE,
  );
  await Deno.mkdir(`${dir}/home`);
  return {
    CONTAINERS_CONF: `${dir}/containers.conf`,
    CONTAINERS_STORAGE_CONF: `${dir}/storage.conf`,
    HOME: `${dir}/home`,
    PATH: `${first}${path}:/usr/sbin:/sbin`,
    XDG_RUNTIME_DIR: isUser ? USER_RUN : "",
  };
}

/** A Deno that users can reach. */
async function openDeno(dir: string): Promise<string> {
  const test = await runProgram([...AS_USER, "test", "-x", Deno.execPath()]);
  if (test.code === 0) return Deno.execPath();
  await Deno.copyFile(Deno.execPath(), `${dir}/deno`);
  await Deno.chmod(`${dir}/deno`, 0o755);
  return `${dir}/deno`;
}

/** An archive of a root file system. */
async function makeArchive(dir: string): Promise<string> {
  const rootfs = await makeTestRootfs(`${dir}/rootfs`);
  await writeProgram(`${rootfs}/bin/pause`, PAUSE);
  const archive = `${dir}/rootfs.tar`;
  await mustRun(["tar", "-C", rootfs, "-cf", archive, "."]);
  return archive;
}

/** A host with podman and an image. */
export class Podman implements AsyncDisposable {
  readonly #count = { names: 0 };

  private constructor(
    /** Directory of everything that the test makes. */
    readonly dir: string,
    /** A text in the path of all cgroups. */
    readonly tag: string,
    readonly host: ClientHost,
    readonly runtime: OciRuntime,
    /** Whether podman is an ordinary user's. */
    readonly isUser: boolean,
  ) {}

  /** Makes a host; the image is imported. */
  static async create(topic: string, isUser = false): Promise<Podman> {
    const tag = `nsinit-test-${topic}-${Deno.pid}`;
    const dir = `/tmp/${tag}`;
    await Deno.mkdir(dir);
    const deno = isUser ? await openDeno(dir) : Deno.execPath();
    const runtime = await ociRuntime(dir, deno);
    const env = await configure(dir, runtime, isUser);
    const host = await ClientHost.start(env, !runtime.isOurs);
    const podman = new Podman(dir, tag, host, runtime, isUser);
    try {
      const archive = await makeArchive(dir);
      if (isUser) await host.must(["sh", "-c", ADD_USER, dir]);
      await podman.must(["import", archive, IMAGE]);
    } catch (error) {
      await podman[Symbol.asyncDispose]();
      throw error;
    }
    return podman;
  }

  /** A name that is new. */
  newName(): string {
    return `c${++this.#count.names}`;
  }

  /** Puts the options that all containers have after `run` or `create`. */
  #complete(args: readonly string[]): string[] {
    const [command = "", ...rest] = args;
    if (!["create", "run"].includes(command)) return ["podman", ...args];
    const isPlaced = !this.isUser && !rest.includes("--cgroups=disabled");
    const own = isPlaced ? ["--cgroup-parent", `/${this.tag}`] : [];
    const isNetworked = rest.some((arg) => /^--(network|pod)/.test(arg));
    const network = isNetworked ? [] : ["--network", "none"];
    return ["podman", command, ...own, ...network, ...rest];
  }

  #options(options: RunOptions): RunOptions {
    return this.isUser ? { ...options, prefix: AS_USER } : options;
  }

  /** Runs podman to its end. */
  run(
    args: readonly string[],
    options: RunOptions = {},
  ): Promise<RunResult> {
    return this.host.run(this.#complete(args), this.#options(options));
  }

  /** Runs podman, which must succeed, and gives its output without the last newline. */
  async must(
    args: readonly string[],
    options: RunOptions = {},
  ): Promise<string> {
    const command = this.#complete(args);
    return (await this.host.must(command, this.#options(options))).trimEnd();
  }

  /** The line for a shell that runs podman. */
  line(args: readonly string[]): string {
    const prefix = this.isUser ? AS_USER : [];
    return this.host.shellLine([...prefix, ...this.#complete(args)]);
  }

  /** Runs a script in a new container; gives what it wrote. */
  sh(script: string, ...flags: readonly string[]): Promise<string> {
    return this.must(["run", "--rm", ...flags, IMAGE, "sh", "-c", script]);
  }

  /** Starts a container that lives until it is told to end. */
  async live(...flags: readonly string[]): Promise<string> {
    const name = this.newName();
    const script =
      "trap 'exit 7' TERM; echo ready; while :; do sleep 0.1; done";
    await this.must(
      ["run", "-d", "--name", name, ...flags, IMAGE, "sh", "-c", script],
    );
    return name;
  }

  /** One value of `podman inspect`. */
  inspect(name: string, format: string): Promise<string> {
    return this.must(["inspect", "-f", `{{${format}}}`, name]);
  }

  /** What containers could leave behind. */
  async remains(): Promise<Remains> {
    // podman leaves the parent, and the groups of its monitors and pods.
    for (const path of findCgroups([this.tag]).reverse()) {
      if (!/\/(conmon|nsinit-test-[^/]*|[0-9a-f]{64})$/.test(path)) continue;
      await Deno.remove(path).catch(() => {});
    }
    const run = this.isUser ? USER_RUN : "/run";
    const states = `${run}/${this.runtime.stateName}`;
    const all = await this.host.remains(this.tag, [states]);
    // What it mounts over themselves, once or more often.
    const mounts = all.mounts.filter((line) =>
      !/(storage\/overlay|run\/netns)$/.test(line)
    );
    // It holds the user's namespaces from the first command on.
    const processes = all.processes.filter((line) =>
      !line.endsWith(" catatonit -P")
    );
    return { ...all, mounts, processes };
  }

  /** Removes all pods, containers, networks and volumes. */
  async clear(): Promise<void> {
    await this.run(["pod", "rm", "-fa", "-t", "0"]);
    // One that others depend on is not removed before them.
    for (let round = 0; round < 3; round++) {
      const { code } = await this.run(["rm", "-fa", "-t", "0"]);
      if (code === 0) break;
    }
    await this.run(["network", "prune", "-f"]);
    await this.run(["volume", "prune", "-f"]);
  }

  /** Ends the host and removes what it had. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.host.removeCgroups(this.tag);
    await this.host[Symbol.asyncDispose]();
    await this.host.removeCgroups(this.tag);
    await Deno.remove(this.dir, { recursive: true });
  }
}

/** What a test is given. */
export type PodmanTest = (podman: Podman) => Promise<void>;

/**
 * Opens a test file: one host for all of its tests.
 *
 * @param topic One word; part of all names.
 * @param isUser Whether podman is an ordinary user's.
 * @returns Declares a test, which also fails if a container leaves something.
 */
export function podmanTests(
  topic: string,
  isUser = false,
): (name: string, body: PodmanTest, needs?: readonly Capability[]) => void {
  let podman: Podman | undefined;
  const needs: Capability[] = isUser ? ["user-namespaces", "id-mappers"] : [];
  const isThere = !mustSkip(`all of ${topic}`, ["root", "podman", ...needs]);
  Deno.test.beforeAll(async () => {
    if (isThere) podman = await Podman.create(topic, isUser);
  });
  Deno.test.afterAll(async () => await podman?.[Symbol.asyncDispose]());
  return (name, body, needs = []) => {
    const ignore = !isThere || mustSkip(name, needs);
    Deno.test({ name, ignore, fn: () => runClean(podman, body) });
  };
}

async function runClean(
  podman: Podman | undefined,
  body: PodmanTest,
): Promise<void> {
  if (!podman) throw new Error("no podman");
  const before = await podman.remains();
  try {
    await body(podman);
  } finally {
    await podman.clear();
  }
  await podman.host.assertRemains(before, () => podman.remains());
}

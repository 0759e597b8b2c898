/**
 * A host of its own for the programs that drive OCI runtimes: private mounts,
 * network and process ids, in which whatever they leave behind can be counted.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { findCgroups } from "./host_state.ts";
import {
  delay,
  mustRun,
  PATIENCE,
  Running,
  type RunOptions,
  runProgram,
  type RunResult,
  waitFor,
} from "./nsinit.ts";

/**
 * The first process of the host: directories that clients use without asking
 * are empty, and orphans are reaped.
 */
const HOST = `
for dir in /run /var/lib /etc/cni; do
	[ ! -d $dir ] || mount -t tmpfs -o mode=755 tmpfs $dir || exit
done
mkdir -p /run/lock /run/user
for dir in /var/tmp /dev/shm; do
	mount -t tmpfs -o mode=1777 tmpfs $dir || exit
done
[ -z "$HIDDEN" ] || umount $HIDDEN || exit
# A tree that holds nothing but hierarchies: podman takes every directory in it
# for one, and leaves its files there.
if [ "$(stat -f -c %T /sys/fs/cgroup)" = tmpfs ]; then
	mkdir /run/cgroup && mount --rbind /sys/fs/cgroup /run/cgroup || exit
	mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup || exit
	for dir in /run/cgroup/*; do
		new=/sys/fs/cgroup/\${dir##*/}
		if [ -L $dir ]; then
			cp -P $dir $new || exit
		elif mountpoint -q $dir; then
			mkdir $new && mount --bind $dir $new || exit
		fi
	done
	umount -R /run/cgroup && rmdir /run/cgroup || exit
fi
ip link set lo up || exit
echo ready
while :; do sleep 1000 & wait $!; done
`;

/** How long a command of a client may take: the machine may be busy. */
const TIMEOUT_MS = 90_000;
const SETTLE_MS = 60_000;

/** The hybrid hierarchy, which some runtimes refuse. */
const UNIFIED = "/sys/fs/cgroup/unified";

/** What containers could leave behind, in lists that tell it. */
export interface Remains {
  /** Lines of ps. */
  readonly processes: readonly string[];
  /** Root and point of each. */
  readonly mounts: readonly string[];
  /** Paths of cgroups. */
  readonly cgroups: readonly string[];
  /** Paths of states. */
  readonly states: readonly string[];
}

/** A host for clients. */
export class ClientHost implements AsyncDisposable {
  readonly #holder: Running;
  readonly #pid: number;
  readonly #env: Readonly<Record<string, string>>;

  private constructor(
    holder: Running,
    pid: number,
    env: Readonly<Record<string, string>>,
  ) {
    this.#holder = holder;
    this.#pid = pid;
    this.#env = env;
  }

  /**
   * Starts a host.
   *
   * @param env Variables of all commands.
   * @param isUnifiedHidden Whether the version 2 hierarchy beside version 1 is taken away.
   */
  static async start(
    env: Readonly<Record<string, string>>,
    isUnifiedHidden = false,
  ): Promise<ClientHost> {
    const flags = ["--mount", "--net", "--pid", "--fork", "--kill-child"];
    const holder = new Running(
      [
        "unshare",
        ...flags,
        "--mount-proc",
        "--propagation",
        "private",
        "bash",
        "-c",
        HOST,
      ],
      { env: { HIDDEN: isUnifiedHidden && isMounted(UNIFIED) ? UNIFIED : "" } },
    );
    try {
      await holder.waitForOutput("ready\n");
      const path = `/proc/${holder.pid}/task/${holder.pid}/children`;
      const pid = Number((await Deno.readTextFile(path)).trim());
      return new ClientHost(holder, pid, env);
    } catch (error) {
      await holder[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** What comes before a command that runs on this host. */
  get prefix(): string[] {
    return ["nsenter", "-t", `${this.#pid}`, "-m", "-n", "-p"];
  }

  /** Its files, as paths from outside. */
  get root(): string {
    return `/proc/${this.#pid}/root`;
  }

  /** The same as a line for a shell, with the host's variables. */
  shellLine(command: readonly string[]): string {
    const env = Object.entries(this.#env).map(([name, value]) =>
      `${name}=${value}`
    );
    return [...this.prefix, "env", ...env, ...command]
      .map((word) => `'${word}'`).join(" ");
  }

  #options(options: RunOptions): RunOptions {
    return {
      timeoutMs: TIMEOUT_MS,
      ...options,
      env: { ...this.#env, ...options.env },
      prefix: [...this.prefix, ...options.prefix ?? []],
    };
  }

  /** Runs a command to its end. */
  run(
    command: readonly string[],
    options: RunOptions = {},
  ): Promise<RunResult> {
    return runProgram(command, this.#options(options));
  }

  /** Runs a command that must succeed, and gives its output. */
  must(command: readonly string[], options: RunOptions = {}): Promise<string> {
    return mustRun(command, this.#options(options));
  }

  /** Starts a command. */
  start(command: readonly string[], options: RunOptions = {}): Running {
    return new Running(command, this.#options(options));
  }

  /** Runs a script that must succeed, and gives its output without the last newline. */
  async sh(script: string, options: RunOptions = {}): Promise<string> {
    return (await this.must(["sh", "-c", script], options)).trimEnd();
  }

  /** Its processes but for its first, its sleep, a daemon and the one that asks. */
  async processes(): Promise<string[]> {
    const list = await this.must(["ps", "-e", "-o", "pid=,ppid=,args="]);
    return list.split("\n").map((line) => line.trim().replace(/\s+/g, " "))
      .filter((line) => line !== "" && !/^1 0 /.test(line))
      .filter((line) => !/^\d+ 1 sleep 1000$/.test(line))
      .filter((line) => !/^\d+ 0 (ps -e|containerd) /.test(line));
  }

  /** Its mounts, but for those of other programs, which go when they like. */
  async mounts(): Promise<string[]> {
    const text = await this.must(["cat", "/proc/self/mountinfo"]);
    return text.split("\n").map((line) => line.split(" ").slice(3, 5).join(" "))
      .filter((line) => / \/(?!tmp\/)/.test(line)).sort();
  }

  /**
   * What of a container could be here now.
   *
   * @param name A text in the paths of all cgroups.
   * @param directories Where runtimes keep their states.
   */
  async remains(
    name: string,
    directories: readonly string[],
  ): Promise<Remains> {
    const find = ["find", ...directories, "-mindepth", "1", "-maxdepth", "1"];
    const states = await this.run(find);
    return {
      processes: await this.processes(),
      mounts: await this.mounts(),
      cgroups: findCgroups([name]),
      states: states.stdout.split("\n").filter((line) => line !== "").sort(),
    };
  }

  /** Fails unless what is there becomes what was there before. */
  async assertRemains(
    before: Remains,
    ask: () => Promise<Remains>,
  ): Promise<void> {
    const end = Date.now() + SETTLE_MS * PATIENCE;
    for (;;) {
      const now = await ask();
      if (JSON.stringify(now) === JSON.stringify(before)) return;
      if (Date.now() > end) return assertEquals(now, before);
      await delay(50);
    }
  }

  /**
   * Removes cgroups that are empty, whoever has made them.
   *
   * @param name A text in the paths.
   */
  async removeCgroups(name: string): Promise<void> {
    for (const path of findCgroups([name]).reverse()) {
      // Neither what is frozen nor what is in use is to be waited for here.
      await Deno.writeTextFile(`${path}/freezer.state`, "THAWED", {
        create: false,
      }).catch(() => {});
      await Deno.remove(path).catch(() => {});
    }
  }

  /** Ends it with all of its processes; mounts and interfaces go with them. */
  async [Symbol.asyncDispose](): Promise<void> {
    await runProgram(["kill", "-KILL", `${this.#pid}`]);
    await waitFor("the host's end", () => this.#holder.hasEnded);
    await this.#holder[Symbol.asyncDispose]();
  }
}

function isMounted(path: string): boolean {
  return Deno.readTextFileSync("/proc/self/mountinfo").split("\n")
    .some((line) => line.split(" ")[4] === path);
}

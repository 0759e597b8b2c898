/**
 * containerd on a host of its own, with the runtime under test behind its shim.
 *
 * @module
 */
import { type Capability, mustSkip } from "./capability.ts";
import { ClientHost, type Remains } from "./client_host.ts";
import { findTestCriu } from "./criu.ts";
import { findCgroups } from "./host_state.ts";
import {
  mustRun,
  type Running,
  type RunOptions,
  type RunResult,
  waitFor,
} from "./nsinit.ts";
import { type OciRuntime, ociRuntime } from "./oci_runtime.ts";
import { makeTestRootfs } from "./rootfs.ts";

const STATE = "/run/containerd";
/** Where the shim has runtimes keep the states of a namespace. */
const STATES = `${STATE}/runc`;
const CONFIG = `version = 2
root = "/var/lib/containerd"
state = "${STATE}"
[grpc]
  address = "${STATE}/containerd.sock"
`;

/** What is served to Kubernetes: nothing, unless a test says more. */
const NO_CRI = `disabled_plugins = ["io.containerd.grpc.v1.cri"]
`;

/** What of an image is not its files. */
export interface ImageSettings {
  /** Name and tag. */
  readonly name: string;
  /** The namespace of containerd that gets it. */
  readonly namespace?: string;
  /** `config` of the image. */
  readonly config?: Readonly<Record<string, unknown>>;
}

/** A host with containerd. */
export class Containerd implements AsyncDisposable {
  #count = 0;
  #daemon: Running | undefined;

  private constructor(
    /** Directory of everything that the test makes. */
    readonly dir: string,
    /** A text in the path of all cgroups. */
    readonly tag: string,
    readonly host: ClientHost,
    readonly runtime: OciRuntime,
    private readonly settings: string,
  ) {}

  /**
   * Makes a host and starts containerd there.
   *
   * @param topic One word; part of all names.
   * @param settings What its configuration says of the runtime.
   */
  static async create(
    topic: string,
    settings: (runtime: OciRuntime) => string = () => NO_CRI,
  ): Promise<Containerd> {
    const tag = `nsinit-test-${topic}-${Deno.pid}`;
    const dir = `/tmp/${tag}`;
    await Deno.mkdir(dir);
    const runtime = await ociRuntime(dir);
    await makeTestRootfs(`${dir}/rootfs`);
    const criu = findTestCriu();
    const first = criu === undefined ? "" : `${criu.replace(/[^/]*$/, "")}:`;
    const path = `${first}${Deno.env.get("PATH") ?? ""}:/usr/sbin:/sbin`;
    // containerd forgets the images of a checkpoint that it has restored.
    const host = await ClientHost.start(
      { PATH: path, TMPDIR: dir },
      !runtime.isOurs,
    );
    const containerd = new Containerd(
      dir,
      tag,
      host,
      runtime,
      settings(runtime),
    );
    try {
      await containerd.#startDaemon();
    } catch (error) {
      await containerd[Symbol.asyncDispose]();
      throw error;
    }
    return containerd;
  }

  async #startDaemon(): Promise<void> {
    const config = `${CONFIG}${this.settings}`;
    await Deno.writeTextFile(`${this.dir}/config.toml`, config);
    this.#daemon = this.host.start(
      ["containerd", "--config", `${this.dir}/config.toml`],
    );
    await waitFor(
      "containerd",
      async () => (await this.ctr(["version"])).code === 0,
      30_000,
    );
  }

  /** Ends the daemon, though not the containers, and starts it again. */
  async restart(): Promise<void> {
    await this.host.must(["pkill", "-TERM", "-x", "containerd"]);
    await this.#daemon?.result();
    await this.#startDaemon();
  }

  /** A name that is new. */
  newName(): string {
    return `c${++this.#count}`;
  }

  #complete(args: readonly string[]): string[] {
    const [command = "", ...rest] = args;
    if (command !== "run") return ["ctr", ...args];
    const binary = ["--runc-binary", this.runtime.path];
    const group = ["--cgroup", `${this.tag}/${this.newName()}`];
    return ["ctr", "run", ...binary, ...group, "--rootfs", ...rest];
  }

  /** Runs ctr to its end; `run` means the root file system of the test. */
  ctr(args: readonly string[], options: RunOptions = {}): Promise<RunResult> {
    return this.host.run(this.#complete(args), options);
  }

  /** Runs ctr, which must succeed, and gives its output. */
  must(args: readonly string[], options: RunOptions = {}): Promise<string> {
    return this.host.must(this.#complete(args), options);
  }

  /** Imports the root file system of the test as an image, and gives its name. */
  async importImage(
    { name, namespace = "default", config: settings = {} }: ImageSettings = {
      name: "docker.io/library/nsinit-test:1",
    },
  ): Promise<string> {
    const dir = await Deno.makeTempDir({ dir: this.dir });
    await mustRun(["tar", "-C", this.rootfs, "-cf", `${dir}/layer.tar`, "."]);
    const layer = await Deno.readFile(`${dir}/layer.tar`);
    const digest = await crypto.subtle.digest("SHA-256", layer);
    const config = {
      architecture: Deno.build.arch === "aarch64" ? "arm64" : "amd64",
      os: "linux",
      config: settings,
      rootfs: {
        type: "layers",
        diff_ids: [`sha256:${new Uint8Array(digest).toHex()}`],
      },
    };
    const manifest = [{
      Config: "config.json",
      RepoTags: [name],
      Layers: ["layer.tar"],
    }];
    const write = (name: string, value: unknown): Promise<void> =>
      Deno.writeTextFile(`${dir}/${name}`, JSON.stringify(value));
    await write("config.json", config);
    await write("manifest.json", manifest);
    await mustRun(["tar", "-C", dir, "-cf", `${this.dir}/image.tar`, "."]);
    const place = ["--namespace", namespace];
    await this.must([...place, "image", "import", `${this.dir}/image.tar`]);
    return name;
  }

  /** The line for a shell that runs ctr. */
  line(args: readonly string[]): string {
    return this.host.shellLine(this.#complete(args));
  }

  /** Where the root file system is. */
  get rootfs(): string {
    return `${this.dir}/rootfs`;
  }

  /** Starts a container that lives until it is told to end. */
  async live(...flags: readonly string[]): Promise<string> {
    const name = this.newName();
    const script = "trap 'exit 7' TERM; while :; do sleep 0.1; done";
    await this.must(
      ["run", "-d", ...flags, this.rootfs, name, "/bin/sh", "-c", script],
    );
    return name;
  }

  /** What containerd says that a task is doing: `RUNNING`, `PAUSED`, ... */
  async status(name: string): Promise<string | undefined> {
    const list = await this.must(["task", "ls"]);
    return list.split("\n").map((line) => line.split(/\s+/))
      .find(([id]) => id === name)?.[2];
  }

  /** Waits until a task has ended, and removes it and its container. */
  async remove(name: string): Promise<void> {
    await waitFor(
      "the end",
      async () => await this.status(name) === "STOPPED",
      30_000,
    );
    await this.ctr(["task", "delete", name]);
    await this.must(["container", "rm", name]);
  }

  /** What containers could leave behind. */
  async remains(): Promise<Remains> {
    for (const path of findCgroups([this.tag]).reverse()) {
      if (path.endsWith(this.tag)) await Deno.remove(path).catch(() => {});
    }
    const states = ["default", "k8s.io"].map((name) => `${STATES}/${name}`);
    return await this.host.remains(this.tag, [...states, `${STATE}/fifo`]);
  }

  /** Removes all tasks and containers. */
  async clear(): Promise<void> {
    const tasks = await this.must(["task", "ls", "-q"]);
    for (const name of tasks.split("\n").filter((each) => each !== "")) {
      await this.ctr(["task", "resume", name]);
      await this.ctr(["task", "delete", "--force", name]);
    }
    const containers = await this.must(["container", "ls", "-q"]);
    for (const name of containers.split("\n").filter((each) => each !== "")) {
      await this.ctr(["container", "rm", name]);
    }
  }

  /** Ends the host and removes what it had. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.host.removeCgroups(this.tag);
    await this.host[Symbol.asyncDispose]();
    await this.#daemon?.[Symbol.asyncDispose]();
    await this.host.removeCgroups(this.tag);
    await mustRun(["rm", "-rf", "--one-file-system", this.dir]);
  }
}

/** What a test is given. */
export type ContainerdTest = (containerd: Containerd) => Promise<void>;

/**
 * Opens a test file: one host for all of its tests.
 *
 * @param topic One word; part of all names.
 * @returns Declares a test, which also fails if a container leaves something.
 */
export function containerdTests(
  topic: string,
): (
  name: string,
  body: ContainerdTest,
  needs?: readonly Capability[],
) => void {
  let containerd: Containerd | undefined;
  const isThere = !mustSkip(`all of ${topic}`, ["root", "containerd"]);
  Deno.test.beforeAll(async () => {
    if (isThere) containerd = await Containerd.create(topic);
  });
  Deno.test.afterAll(async () => await containerd?.[Symbol.asyncDispose]());
  return (name, body, needs = []) => {
    const ignore = !isThere || mustSkip(name, needs);
    Deno.test({ name, ignore, fn: () => runClean(containerd, body) });
  };
}

async function runClean(
  containerd: Containerd | undefined,
  body: ContainerdTest,
): Promise<void> {
  if (!containerd) throw new Error("no containerd");
  const before = await containerd.remains();
  try {
    await body(containerd);
  } finally {
    await containerd.clear();
  }
  await containerd.host.assertRemains(before, () => containerd.remains());
}

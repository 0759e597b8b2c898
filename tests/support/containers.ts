/**
 * A place for the containers of one test file, and containers in it.
 *
 * @module
 */
import { deriveId } from "../../lib/container/identity.ts";
import type { StoredState } from "../../lib/container/store_types.ts";
import { type Capability, mustSkip } from "./capability.ts";
import {
  assertNothingLeft,
  captureHostState,
  findCgroups,
  type Ownership,
} from "./host_state.ts";
import {
  nsinit,
  type Running,
  type RunOptions,
  type RunResult,
  startNsinit,
  waitFor,
} from "./nsinit.ts";
import { makeTestRootfs } from "./rootfs.ts";

/** JSON of a container.json. */
export type ConfigJson = Record<string, unknown>;

/** The template's capabilities. */
export const DEFAULT_CAPABILITIES: readonly string[] = [
  "CHOWN",
  "DAC_OVERRIDE",
  "FSETID",
  "FOWNER",
  "MKNOD",
  "NET_RAW",
  "SETGID",
  "SETUID",
  "SETFCAP",
  "SETPCAP",
  "NET_BIND_SERVICE",
  "SYS_CHROOT",
  "KILL",
  "AUDIT_WRITE",
];

/** The template's six mounts, in dialect D. */
export const SYSTEM_MOUNTS: readonly ConfigJson[] = [
  mount("proc", "proc", "/proc", 14),
  mount("tmpfs", "tmpfs", "/dev", 0x1000002, "mode=755"),
  mount(
    "devpts",
    "devpts",
    "/dev/pts",
    10,
    "newinstance,ptmxmode=0666,mode=0620,gid=5",
  ),
  mount("tmpfs", "shm", "/dev/shm", 14, "mode=1777,size=65536k"),
  mount("mqueue", "mqueue", "/dev/mqueue", 14),
  mount("sysfs", "sysfs", "/sys", 15),
];

/** A device node of dialect D, for all to use. */
export function device(
  path: string,
  major: number,
  minor: number,
  type: "b" | "c" | "p" = "c",
): ConfigJson {
  return {
    type: type.charCodeAt(0),
    path,
    major,
    minor,
    permissions: "rwm",
    file_mode: 0o666,
    uid: 0,
    gid: 0,
  };
}

/** The template's nodes. */
export const DEFAULT_DEVICES: readonly ConfigJson[] = [
  device("/dev/null", 1, 3),
  device("/dev/zero", 1, 5),
  device("/dev/full", 1, 7),
  device("/dev/tty", 5, 0),
  device("/dev/urandom", 1, 9),
  device("/dev/random", 1, 8),
];

/** `MS_BIND | MS_REC`. */
export const BIND = 4096 | 16384;
/** `MS_BIND | MS_REC | MS_RDONLY`. */
export const BIND_READONLY = BIND | 1;

/** A mount of dialect D. */
export function mount(
  device: string,
  source: string,
  destination: string,
  flags: number,
  data = "",
): ConfigJson {
  return { device, source, destination, flags, data, relabel: "" };
}

/** `namespaces` of dialect D: new ones of these types. */
export function newNamespaces(...types: readonly string[]): ConfigJson[] {
  return types.map((type) => ({ type }));
}

/** How long a start may take where there is no hardware acceleration, in milliseconds. */
const HOLD_MS = 60_000;

/** Namespaces of the template. */
export const DEFAULT_NAMESPACES: readonly string[] = [
  "NEWNS",
  "NEWUTS",
  "NEWIPC",
  "NEWPID",
  "NEWNET",
];

/** Where the containers of one test file are. */
export class Workspace {
  /** A text that is in the name of everything that the file makes. */
  readonly tag: string;
  /** Directory of everything. */
  readonly dir: string;
  /** State root. */
  readonly stateRoot: string;
  /** Root file system that containers share unless they ask for their own. */
  readonly rootfs: string;
  #count = 0;

  private constructor(tag: string) {
    this.tag = tag;
    this.dir = `/tmp/${tag}`;
    this.stateRoot = `${this.dir}/state`;
    this.rootfs = `${this.dir}/rootfs`;
  }

  /** Makes a workspace for a topic. */
  static async create(topic: string): Promise<Workspace> {
    const workspace = new Workspace(`nsinit-test-${topic}-${Deno.pid}`);
    await Deno.mkdir(workspace.dir, { mode: 0o755 });
    await Deno.chmod(workspace.dir, 0o755);
    await makeTestRootfs(workspace.rootfs);
    return workspace;
  }

  /** What is ours. */
  get owner(): Ownership {
    return { names: [this.tag], directories: [this.dir] };
  }

  /** Removes all files. */
  async remove(): Promise<void> {
    await Deno.remove(this.dir, { recursive: true });
  }

  /** A new name within the workspace. */
  newName(): string {
    return `${this.tag}-${++this.#count}`;
  }

  /** A new empty directory. */
  async newDirectory(): Promise<string> {
    const dir = `${this.dir}/${this.newName()}`;
    await Deno.mkdir(dir);
    await Deno.chmod(dir, 0o755);
    return dir;
  }

  /** A configuration of dialect D like the template, with changes. */
  config(changes: ConfigJson = {}): ConfigJson {
    return {
      rootfs: this.rootfs,
      hostname: "testing",
      parent_death_signal: 9,
      namespaces: newNamespaces(...DEFAULT_NAMESPACES),
      mounts: SYSTEM_MOUNTS,
      capabilities: DEFAULT_CAPABILITIES,
      networks: [{
        type: "loopback",
        name: "lo",
        address: "127.0.0.1/0",
        gateway: "localhost",
      }],
      devices: DEFAULT_DEVICES,
      readonlyfs: false,
      mask_paths: ["/proc/kcore"],
      readonly_paths: ["/proc/sys", "/proc/sysrq-trigger"],
      ...changes,
      cgroups: {
        name: this.newName(),
        parent: this.tag,
        ...changes["cgroups"] as ConfigJson | undefined,
      },
    };
  }

  /** A container in its own directory, with a configuration like the template. */
  async container(changes: ConfigJson = {}): Promise<TestContainer> {
    const dir = await this.newDirectory();
    return await this.containerIn(dir, this.config(changes));
  }

  /** A container in a directory, with a configuration as it is. */
  async containerIn(
    dir: string,
    config: ConfigJson | string | undefined,
  ): Promise<TestContainer> {
    if (config !== undefined) {
      const text = typeof config === "string" ? config : JSON.stringify(config);
      await Deno.writeTextFile(`${dir}/container.json`, text);
    }
    return new TestContainer(this, dir);
  }

  /** Runs a command of nsinit on this state root. */
  nsinit(
    args: readonly string[],
    options: RunOptions = {},
  ): Promise<RunResult> {
    return nsinit(["--root", this.stateRoot, ...args], options);
  }
}

/** The container of a directory. */
export class TestContainer {
  readonly workspace: Workspace;
  /** Its directory. */
  readonly dir: string;

  /** Names the container; nothing is done. */
  constructor(workspace: Workspace, dir: string) {
    this.workspace = workspace;
    this.dir = dir;
  }

  #args(args: readonly string[]): string[] {
    return ["--root", this.workspace.stateRoot, "exec", ...args];
  }

  /** `nsinit exec` with flags and command, to the end. */
  exec(
    args: readonly string[],
    options: RunOptions = {},
  ): Promise<RunResult> {
    return nsinit(this.#args(args), { cwd: this.dir, ...options });
  }

  /** `nsinit exec /bin/sh -c SCRIPT`, to the end. */
  sh(script: string, options: RunOptions = {}): Promise<RunResult> {
    return this.exec(["/bin/sh", "-c", script], options);
  }

  /** As {@linkcode TestContainer.sh}, for a script that must succeed; gives its output. */
  async output(script: string, options: RunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.sh(script, options);
    if (code === 0) return stdout;
    throw new Error(`${script}: status ${code}\n${stdout}\n${stderr}`);
  }

  /** Starts `nsinit exec` and does not wait for anything. */
  start(args: readonly string[], options: RunOptions = {}): Running {
    return startNsinit(this.#args(args), { cwd: this.dir, ...options });
  }

  /** Starts a container that lives until its input is closed, and waits for it. */
  async hold(
    options: RunOptions & { readonly flags?: readonly string[] } = {},
  ): Promise<Running> {
    const { flags = [], ...rest } = options;
    const script = "echo ready; exec cat > /dev/null";
    const running = this.start([...flags, "/bin/sh", "-c", script], rest);
    try {
      await running.waitForOutput("ready\n", HOLD_MS);
    } catch (error) {
      await running[Symbol.asyncDispose]();
      throw error;
    }
    return running;
  }

  /** `nsinit exec --detach`; its program keeps the error output open, a file. */
  async detach(args: readonly string[]): Promise<RunResult> {
    const log = `${this.dir}/stderr`;
    const prefix = ["sh", "-c", `exec "$@" > /dev/null 2> ${log}`, "sh"];
    const result = await this.exec(["--detach", ...args], { prefix });
    return { ...result, stderr: await Deno.readTextFile(log) };
  }

  /** Waits until nsinit has become the monitor of its program. */
  async waitForMonitor(running: Running): Promise<void> {
    await waitFor("the monitor", async () => {
      // It waits for signals, all of them blocked.
      const path = `/proc/${running.pid}/status`;
      return /^SigBlk:\t[^0]/m.test(await Deno.readTextFile(path));
    });
  }

  /** Its id. */
  id(): Promise<string> {
    return deriveId(this.dir);
  }

  /** Its state directory. */
  async stateDir(): Promise<string> {
    return `${this.workspace.stateRoot}/${await this.id()}`;
  }

  /** Its recorded state; undefined when there is none. */
  async state(): Promise<StoredState | undefined> {
    try {
      const text = await Deno.readTextFile(
        `${await this.stateDir()}/state.json`,
      );
      return JSON.parse(text);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return undefined;
      throw error;
    }
  }

  /** Host pid of its first process, once that runs. */
  async pid(): Promise<number> {
    const found = await waitFor("the container's pid", async () => {
      const state = await this.state();
      return state?.phase === "running" ? state : undefined;
    });
    return found.pid;
  }

  /** Whether there is no state of it. */
  async isGone(): Promise<boolean> {
    try {
      await Deno.lstat(await this.stateDir());
      return false;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return true;
      throw error;
    }
  }
}

/** What a test is given. */
export type TestBody = (workspace: Workspace) => void | Promise<void>;

/** Conditions of a test. */
export interface TestConditions {
  /** What the machine must offer besides root. */
  readonly needs?: readonly Capability[];
  /** Further texts that are in the paths of its cgroups. */
  readonly names?: readonly string[];
}

/**
 * Opens a test file about a topic: makes the workspace before its tests, and
 * removes it after them.
 *
 * @param topic One word; part of all names.
 * @returns Declares a test, which also fails if the host is not as before.
 */
export function containerTests(
  topic: string,
): (name: string, body: TestBody, conditions?: TestConditions) => void {
  let workspace: Workspace | undefined;
  const isRoot = Deno.uid() === 0;
  Deno.test.beforeAll(async () => {
    if (isRoot) workspace = await Workspace.create(topic);
  });
  Deno.test.afterAll(async () => await workspace?.remove());
  return (name, body, conditions = {}) => {
    const ignore = mustSkip(name, ["root", ...conditions.needs ?? []]);
    Deno.test({
      name,
      ignore,
      fn: async () => {
        if (!workspace) throw new Error("no workspace");
        await runLeavingNothing(workspace, body, conditions.names ?? []);
      },
    });
  };
}

async function runLeavingNothing(
  workspace: Workspace,
  body: TestBody,
  names: readonly string[],
): Promise<void> {
  const own = {
    ...workspace.owner,
    names: [...workspace.owner.names, ...names],
  };
  // The test may make files of its own; containers leave none elsewhere.
  const owner = {
    names: own.names,
    directories: [workspace.rootfs, workspace.stateRoot],
  };
  await Deno.mkdir(workspace.stateRoot, { recursive: true, mode: 0o700 });
  const before = captureHostState(owner);
  let failure: unknown;
  try {
    await body(workspace);
  } catch (error) {
    failure = error;
  }
  try {
    await assertNothingLeft(before, owner);
  } catch (error) {
    await removeLeftovers(workspace, owner);
    if (failure === undefined) throw error;
    throw new AggregateError([failure, error], `${failure}\n${error}`);
  }
  if (failure !== undefined) throw failure;
}

/** So that one failure does not become that of all later tests. */
async function removeLeftovers(
  workspace: Workspace,
  owner: Ownership,
): Promise<void> {
  for await (const { name } of Deno.readDir(workspace.stateRoot)) {
    await workspace.nsinit(["delete", "--force", name]);
    const dir = `${workspace.stateRoot}/${name}`;
    await Deno.remove(dir, { recursive: true }).catch(() => {});
  }
  for (const group of findCgroups(owner.names).reverse()) {
    await Deno.remove(group).catch(() => {});
  }
}

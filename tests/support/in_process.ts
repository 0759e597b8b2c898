/**
 * Containers that a test starts in its own process: the same road as
 * `nsinit exec`, without a new program for each start.
 *
 * @module
 */
import type { Fault } from "../../ffi/encode_plan.ts";
import { closeFd, replaceFile, waitPidfd } from "../../ffi/native.ts";
import { parseConfig } from "../../lib/config/parse.ts";
import type { Config } from "../../lib/config/types.ts";
import type { Attachment } from "../../lib/container/attach.ts";
import { removeRemains } from "../../lib/container/recover.ts";
import type { ProcessRequest } from "../../lib/container/request.ts";
import { startContainer, type Started } from "../../lib/container/start.ts";
import type { CgroupDriver } from "../../lib/container/store_types.ts";
import { type LockedState, lockState } from "../../lib/container/store.ts";
import { unlockState } from "../../lib/container/store.ts";
import type { ConfigJson, Workspace } from "./containers.ts";
import { waitFor } from "./nsinit.ts";
import { readKernelFile } from "./process_status.ts";

/** What is started. */
export interface InProcessRequest {
  /** Id; a new one when absent. */
  readonly id?: string;
  /** The configuration. */
  readonly config: Config;
  /** The container's directory; a new one when absent. */
  readonly directory?: string;
  /** File of the configuration. */
  readonly configPath?: string;
  /** Program and arguments; `sh -c` of a text. */
  readonly args: readonly string[] | string;
  /** Further settings of the process. */
  readonly process?: Partial<ProcessRequest>;
  /** Who makes the cgroups. */
  readonly cgroupDriver?: CgroupDriver;
  /** An operation that fails. */
  readonly fault?: Fault;
  /** Whether all of it is done by the calling thread, whose namespaces may be others. */
  readonly blocking?: boolean;
}

/** Text of a program's output files. */
interface OutputFiles {
  readonly out: string;
  readonly err: string;
}

const EMPTY = new Uint8Array();

function openOutput(dir: string, name: string): { readonly fd: number } {
  return { fd: replaceFile(dir, name, EMPTY, { mode: 0o600, keep: true }) };
}

/** Output into files; an attachment is used up by one start. */
export function attachToFiles(dir: string): Attachment {
  return {
    stdio: {
      stdin: openOutput(dir, "in"),
      stdout: openOutput(dir, "out"),
      stderr: openOutput(dir, "err"),
    },
    relay: { stdin: -1, stdout: -1, stderr: -1 },
  };
}

/** The process settings of a request. */
export function processRequest(
  args: readonly string[] | string,
  process: Partial<ProcessRequest> = {},
): ProcessRequest {
  const list = typeof args === "string" ? ["/bin/sh", "-c", args] : args;
  return { args: list, env: [], ...process };
}

/**
 * Reads a configuration of the workspace; containers of the test's own process
 * do not die with the thread that starts them.
 */
export function readConfig(
  workspace: Workspace,
  changes: ConfigJson = {},
): Promise<Config> {
  const json = workspace.config({ parent_death_signal: 0, ...changes });
  return parseConfig(JSON.stringify(json));
}

/** How a program ended. */
export interface Ended {
  /** Exit status; 128 + N for a death by signal N. */
  readonly code: number;
  /** Its output. */
  readonly stdout: string;
  /** Its error output. */
  readonly stderr: string;
}

/** A container that was started by this process, until it is disposed of. */
export class InProcess implements AsyncDisposable {
  readonly #locked: LockedState;
  readonly #started: Started;
  readonly #files: OutputFiles;
  readonly #blocking: boolean;
  #pidfd: number;
  #isLocked = true;

  private constructor(
    locked: LockedState,
    started: Started,
    files: OutputFiles,
    blocking: boolean,
  ) {
    this.#blocking = blocking;
    this.#locked = locked;
    this.#started = started;
    this.#files = files;
    this.#pidfd = started.run.takePidfd();
  }

  /** Starts one. On failure nothing of it is left, the lock included. */
  static async start(
    workspace: Workspace,
    request: InProcessRequest,
  ): Promise<InProcess> {
    const { config, configPath, fault, blocking = false } = request;
    const id = request.id ?? workspace.newName();
    const outputs = await workspace.newDirectory();
    const directory = request.directory ?? await workspace.newDirectory();
    const locked = await lockState(workspace.stateRoot, id, { make: true });
    if (!locked) throw new Error("no state directory");
    try {
      const started = await startContainer(locked, {
        id,
        config,
        directory,
        process: processRequest(request.args, request.process),
        attachment: attachToFiles(outputs),
        blocking,
        ...(configPath === undefined ? {} : { configPath }),
        ...(request.cgroupDriver && { cgroupDriver: request.cgroupDriver }),
        ...(fault === undefined ? {} : { fault }),
      });
      const files = { out: `${outputs}/out`, err: `${outputs}/err` };
      return new InProcess(locked, started, files, blocking);
    } catch (error) {
      unlockState(locked);
      throw error;
    }
  }

  /** What is recorded of it. */
  get state(): Started["state"] {
    return this.#started.state;
  }

  /** Its locked state directory. */
  get locked(): LockedState {
    return this.#locked;
  }

  /** Pid of its first process. */
  get pid(): number {
    return this.#started.state.pid;
  }

  /** Directory of its group in the hierarchy of a controller; the version 2 one if no other has it. */
  group(controller: string): string {
    const groups = this.state.resources.cgroups;
    const group =
      groups.find((each) =>
        each.version === 1 && each.controllers.includes(controller)
      ) ?? groups.find(({ version }) => version === 2);
    if (!group) throw new Error(`no group of ${controller}`);
    return group.path;
  }

  /** Text of a file of its group. */
  read(controller: string, file: string): string {
    return readKernelFile(`${this.group(controller)}/${file}`);
  }

  /** What it has written so far. */
  get stdout(): string {
    return Deno.readTextFileSync(this.#files.out);
  }

  /** What it has written to its error output so far. */
  get stderr(): string {
    return Deno.readTextFileSync(this.#files.err);
  }

  /** Waits until its output holds a text. */
  async waitForOutput(text: string, timeoutMs = 20_000): Promise<void> {
    await waitFor(`"${text}"`, () => this.stdout.includes(text), timeoutMs);
  }

  /** Waits for its end, without blocking the thread before it has come. */
  async ended(timeoutMs = 30_000): Promise<Ended> {
    await waitFor("the program's end", () => {
      const stat = Deno.readTextFileSync(`/proc/${this.pid}/stat`);
      return stat.slice(stat.lastIndexOf(")")).startsWith(") Z");
    }, timeoutMs);
    const { code } = waitPidfd(this.#pidfd);
    closeFd(this.#pidfd);
    this.#pidfd = -1;
    return { code, stdout: this.stdout, stderr: this.stderr };
  }

  /** Gives the lock up, so that a command may be used on the container. */
  unlock(): void {
    if (this.#isLocked) unlockState(this.#locked);
    this.#isLocked = false;
  }

  /** Kills what lives and removes everything, unless the lock was given up. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      // Kills the first process too, which stays ours to wait for.
      if (this.#isLocked) {
        await removeRemains(this.#locked, this.state, {
          blocking: this.#blocking,
        });
      }
      if (this.#pidfd >= 0) await this.ended();
    } finally {
      if (this.#pidfd >= 0) closeFd(this.#pidfd);
      this.#pidfd = -1;
      this.#started.run.close();
      this.unlock();
    }
  }
}

/** Starts a container, waits for its end and removes it. */
export async function runInProcess(
  workspace: Workspace,
  request: InProcessRequest,
): Promise<Ended> {
  await using container = await InProcess.start(workspace, request);
  return await container.ended();
}

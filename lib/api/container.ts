/**
 * One container, as libcontainer's `Container`.
 *
 * @module
 */
import { completeResources } from "../config/input/complete.ts";
import type { Resources } from "../config/input/types.ts";
import { parseSignal } from "../config/names/signals.ts";
import type { Config } from "../config/types.ts";
import { shareConfig } from "../container/configs.ts";
import type { CheckpointOptions } from "../container/checkpoint.ts";
import type { RestoreOptions } from "../container/restore_kept.ts";
import { deleteContainer } from "../container/delete.ts";
import type { EventStream } from "../container/event_stream.ts";
import {
  type ContainerEvent,
  type EventOptions,
  watchEvents,
} from "../container/events.ts";
import { identityOf } from "../container/finish.ts";
import { pause, resume } from "../container/freezer.ts";
import { loadState, notThere, processesOf } from "../container/inspect.ts";
import { killContainer } from "../container/kill.ts";
import { launchProcess } from "../container/launch.ts";
import { type ContainerStatus, statusOf } from "../container/list.ts";
import {
  type OomEvent,
  type PressureEvent,
  type PressureLevel,
  watchOom,
  watchPressure,
} from "../container/memory_events.ts";
import { collectStats } from "../container/stats.ts";
import type { StoredState } from "../container/store_types.ts";
import { updateContainer } from "../container/update.ts";
import { waitForContainer } from "../container/wait.ts";
import { UsageError } from "../errors.ts";
import type { Stats } from "../stats/types.ts";
import {
  type ContainerKey,
  ownedRun,
  ownProcess,
  releaseProcesses,
} from "./owned.ts";
import {
  type PreparedProcess,
  prepareProcess,
  Process,
  statusOfEnd,
} from "./process.ts";
import type { ProcessStatus } from "./process.ts";
import type { ProcessOptions } from "./process_options.ts";
import { type ContainerState, describeState } from "./state.ts";

// Rare, so loaded when needed.
const CHECKPOINT_MODULE = "../container/checkpoint.ts";
const RESTORE_MODULE = "../container/restore_kept.ts";

/** How a container is destroyed. */
export interface DestroyOptions {
  /** Kill it if it runs. */
  readonly force?: boolean;
}

/** The streams of a restored container: as those of a new process. */
export type RestoreStreams = Pick<
  ProcessOptions,
  "stdin" | "stdout" | "stderr" | "signal"
>;

let open: (root: string, state: StoredState, criu?: string) => Container;

/**
 * A container: an id and a configuration, in which processes are started.
 *
 * It is made by {@linkcode Factory.create} or found by {@linkcode Factory.load}.
 * Whatever it does is recorded below the factory's root, so that other programs
 * can load it, join it, signal it and destroy it; only the program that started
 * its first process owns that: it is its parent, finishes the container when
 * the process has ended, and knows its status best.
 *
 * A container stays, `stopped`, when its first process has ended. Everything
 * else inside is killed then, and all that it made on the host is taken away;
 * it may be started again. Only {@linkcode Container.destroy} makes its id free.
 *
 * When the program that owns it is killed, a container that is just being
 * started dies with it; one that runs dies if its configuration has a
 * `parentDeathSignal`, else it lives on for others to load. `parentDeathSignal`
 * means the thread that started it: in a worker, the end of that worker.
 *
 * @example A shell, and no trace of it afterwards
 * ```ts
 * import { defaultConfig, Factory } from "../../mod.ts";
 *
 * async function runShell(rootfs: string): Promise<number> {
 *   const config = defaultConfig(rootfs);
 *   await using container = await new Factory().create("demo", config);
 *   const process = await container.start({
 *     args: ["/bin/sh"],
 *     stdin: "inherit",
 *     stdout: "inherit",
 *   });
 *   return (await process.status).code;
 * }
 * ```
 */
export class Container implements AsyncDisposable {
  /** Its id. */
  readonly id: string;
  readonly #key: ContainerKey;
  readonly #criu: string | undefined;
  #config: Config;

  static {
    open = (root, state, criu) => new Container(root, state, criu);
  }

  private constructor(
    root: string,
    { id, created, config }: StoredState,
    criu: string | undefined,
  ) {
    this.id = id;
    this.#criu = criu;
    this.#key = { root, id, created };
    this.#config = shareConfig(config).config;
  }

  /** Its configuration: a copy that cannot be changed. */
  get config(): Config {
    return this.#config;
  }

  /**
   * Tells what it is doing.
   *
   * @returns Its status.
   * @throws {StateError} `ContainerNotExists` once it is destroyed.
   */
  async status(): Promise<ContainerStatus> {
    return statusOf(await this.#load());
  }

  /**
   * Tells what is recorded of it: first process, cgroups, namespaces,
   * configuration.
   *
   * @returns Its state.
   * @throws {StateError} `ContainerNotExists` once it is destroyed.
   */
  async state(): Promise<ContainerState> {
    return describeState(await this.#load());
  }

  /**
   * Lists all its processes, those in cgroups below its own included.
   *
   * @returns Pids as the host sees them, sorted.
   * @throws {StateError} `ContainerNotExists`; `ContainerNotRunning`.
   */
  async processes(): Promise<number[]> {
    await this.#load();
    return await processesOf(this.#key.root, this.id);
  }

  /**
   * Starts a process: the first one, or when that lives a further one beside
   * it. Of several starts at once on a container that does not run one is the
   * first and the others join it.
   *
   * Returns when the program runs; an error of any step on the way is thrown
   * here, and then nothing of the process is left and the container is as it
   * was before.
   *
   * @param process What to run, or a process made of that which was not started yet.
   * @returns The process that runs.
   * @throws {StateError} `ContainerNotExists`; `ContainerPaused` for a join of a paused one.
   * @throws {ConfigError} `ConfigInvalid` for a user or group that is not known inside, and configurations that cannot be carried out.
   * @throws {HostError} `HostUnsupported` if this machine lacks something, or root is needed.
   * @throws {ProgramError} `ProgramNotFound`, `ProgramNotExecutable`.
   * @throws {KernelError} `SystemError` if the kernel refuses a step.
   * @throws {UsageError} `UsageInvalid` for wrong options, and a process that was started before.
   *
   * @example A service, and a look at it
   * ```ts
   * import type { Container } from "../../mod.ts";
   *
   * async function serveAndLook(container: Container): Promise<string> {
   *   await container.start({ args: ["httpd", "-f"] });
   *   const ps = await container.start({ args: ["ps"], stdout: "piped" });
   *   return new TextDecoder().decode((await ps.output()).stdout);
   * }
   * ```
   */
  async start(process: ProcessOptions | Process): Promise<Process> {
    const target = process instanceof Process ? process : new Process(process);
    const prepared = prepareProcess(target, this.#config);
    const { request, attachment } = prepared;
    const { root, id, created } = this.#key;
    let launched;
    try {
      launched = await launchProcess(root, id, {
        process: request,
        attachment,
        created,
      });
    } catch (error) {
      prepared.failed();
      throw error;
    }
    const { pid, pidfd, master, isFirst, state } = launched;
    prepared.started({ pid, pidfd, master });
    ownProcess(this.#key, target, isFirst ? identityOf(state) : undefined);
    return target;
  }

  /**
   * Waits until its first process has ended. That of another program is waited
   * for just as well; its status is known from the kernel (Linux 6.15 and
   * later), else from the record of its owner.
   *
   * @returns How it ended; `code` is -1 where nobody can know.
   * @throws {StateError} `ContainerNotExists`; `ContainerNotRunning` if it has never been started.
   */
  async wait(): Promise<ProcessStatus> {
    const own = ownedRun(this.#key);
    if (own) return await own.process.status;
    await this.#load();
    return statusOfEnd(await waitForContainer(this.#key.root, this.id));
  }

  /**
   * Sends a signal to its first process. Inside a pid namespace only those
   * arrive that the process handles, and SIGKILL and SIGSTOP; see
   * pid_namespaces(7).
   *
   * @param signal Name or number, e.g. `"SIGTERM"`, `"RTMIN+1"`, 9.
   * @throws {StateError} `ContainerNotExists`; `ContainerNotRunning`.
   * @throws {UsageError} `UsageInvalid` for an unknown signal.
   * @throws {KernelError} `SystemError` if the kernel refuses.
   */
  async signal(signal: string | number): Promise<void> {
    const number = parseSignal(String(signal));
    if (number === undefined) {
      throw new UsageError(
        `Cannot signal container ${this.id}: there is no signal ${
          JSON.stringify(signal)
        }; use a name such as SIGTERM or a number from 1 to 64`,
      );
    }
    await this.#load();
    await killContainer(this.#key.root, this.id, number, { all: false });
  }

  /**
   * Reads what it uses of the machine now.
   *
   * @returns Statistics; units stand with each member.
   * @throws {StateError} `ContainerNotExists`; `ContainerNotRunning`.
   * @throws {KernelError} `SystemError` if a file of the kernel cannot be read.
   */
  async stats(): Promise<Stats> {
    return collectStats(await this.#load());
  }

  /**
   * Freezes all its processes, and returns when they are frozen.
   *
   * @throws {StateError} `ContainerNotExists`; `ContainerNotRunning`.
   * @throws {KernelError} `SystemError` if the kernel does not freeze them.
   */
  async pause(): Promise<void> {
    await pause(await this.#load());
  }

  /**
   * Lets its processes go on.
   *
   * @throws {StateError} `ContainerNotExists`; `ContainerNotRunning`; `ContainerNotPaused`.
   * @throws {KernelError} `SystemError` if the kernel does not thaw them.
   */
  async resume(): Promise<void> {
    await resume(await this.#load());
  }

  /**
   * Follows it until its first process has ended: its start (told at once when
   * it runs already), each want and shortage of memory, its exit with the
   * status. One that was not started yet is waited for. Any number of programs
   * and loops may follow a container.
   *
   * @param options From which level on a shortage of memory is told.
   * @returns The events, as an async iterable that ends after the exit; it fails with `ContainerNotExists` once the container is destroyed.
   *
   * @example
   * ```ts
   * import type { Container } from "../../mod.ts";
   *
   * async function follow(container: Container): Promise<void> {
   *   for await (const { type, time } of container.events()) {
   *     console.log(type, time);
   *   }
   * }
   * ```
   */
  events(
    options: EventOptions = {},
  ): EventStream<ContainerEvent<ProcessStatus>> {
    const { root: stateRoot, id } = this.#key;
    const load = (): Promise<StoredState> => this.#load();
    return watchEvents({ stateRoot, id, load }, statusOfEnd, options);
  }

  /**
   * Tells each time that it runs out of memory.
   *
   * @returns The events from when the promise has settled, as an async iterable that ends with the container.
   * @throws {StateError} `ContainerNotExists`; `ContainerNotRunning`.
   * @throws {HostError} `HostUnsupported` if it has no memory control group.
   * @throws {KernelError} `SystemError` if the kernel refuses.
   *
   * @example
   * ```ts
   * import type { Container } from "../../mod.ts";
   *
   * async function countShortages(container: Container): Promise<void> {
   *   for await (const { count } of await container.notifyOOM()) {
   *     console.log(count);
   *   }
   * }
   * ```
   */
  async notifyOOM(): Promise<EventStream<OomEvent>> {
    return watchOom(await this.#load());
  }

  /**
   * Tells when its memory gets short.
   *
   * @param level How short: `low` when memory is reclaimed, `medium` when that costs, `critical` when it is about to run out. See {@linkcode PRESSURE_TRIGGERS} for version 2.
   * @returns The events from when the promise has settled, as an async iterable that ends with the container.
   * @throws {StateError} `ContainerNotExists`; `ContainerNotRunning`.
   * @throws {HostError} `HostUnsupported` if it has no memory control group, or the kernel does not measure pressure.
   * @throws {KernelError} `SystemError` if the kernel refuses.
   */
  async notifyMemoryPressure(
    level: PressureLevel,
  ): Promise<EventStream<PressureEvent>> {
    return watchPressure(await this.#load(), level);
  }

  /**
   * Changes its limits: those named take the place of what was, at once where
   * it runs, and are recorded. When one cannot be set none is changed.
   *
   * @param resources The limits to change.
   * @throws {StateError} `ContainerNotExists`.
   * @throws {ConfigError} `ConfigInvalid` for limits that cannot be.
   * @throws {HostError} `HostUnsupported` for limits that this machine does not have.
   * @throws {KernelError} `SystemError` if the kernel refuses one.
   */
  async set(resources: Resources): Promise<void> {
    await this.#load();
    const { root, id } = this.#key;
    const { config } = await updateContainer(
      root,
      id,
      completeResources(resources),
    );
    this.#config = shareConfig(config).config;
  }

  /**
   * Writes its processes into images, by CRIU. Unless it is to go on it has none
   * then, and is `checkpointed`; a {@linkcode Process} of it ends by SIGKILL.
   *
   * What fails leaves it as it was, and no images.
   *
   * @param options Where to, and what to take along.
   * @throws {StateError} `ContainerNotExists`; `ContainerNotRunning`.
   * @throws {HostError} `HostUnsupported` if CRIU is missing or too old, or cannot do here what is asked for.
   * @throws {CriuError} `CriuFailed` if CRIU fails.
   *
   * @example Gone and back again
   * ```ts
   * import type { Container, Process } from "../../mod.ts";
   *
   * async function moveAside(container: Container): Promise<Process> {
   *   await container.checkpoint({ imagePath: "/var/lib/demo.images" });
   *   return await container.restore({ stdout: "inherit" });
   * }
   * ```
   */
  async checkpoint(options: CheckpointOptions): Promise<void> {
    const { root, id, created } = this.#key;
    const { checkpointContainer }: typeof import("../container/checkpoint.ts") =
      await import(CHECKPOINT_MODULE);
    await checkpointContainer(root, id, {
      ...options,
      ...(this.#criu !== undefined && { criu: this.#criu }),
    }, created);
  }

  /**
   * Brings its processes back from images, by CRIU. It must not run; one that
   * was only created can be the image of another.
   *
   * Pipes and files that were its standard streams are replaced by those given;
   * its terminal becomes that of the process.
   *
   * @param streams Where its standard streams lead now.
   * @param options From where; its last checkpoint unless given.
   * @returns Its first process.
   * @throws {StateError} `ContainerNotExists`, also for images that are not there or that others could have changed; `ContainerNotStopped` if it runs.
   * @throws {HostError} `HostUnsupported` if CRIU is missing or too old, and without root.
   * @throws {CriuError} `CriuFailed` if CRIU fails; it is as it was before.
   * @throws {UsageError} `UsageInvalid` for wrong options.
   */
  async restore(
    streams: RestoreStreams = {},
    options: RestoreOptions = {},
  ): Promise<Process> {
    const { root, id, created } = this.#key;
    const { restoreKept }: typeof import("../container/restore_kept.ts") =
      await import(RESTORE_MODULE);
    let target: Process | undefined;
    let prepared: PreparedProcess | undefined;
    let restored;
    try {
      restored = await restoreKept(root, id, {
        created,
        options,
        ...(this.#criu !== undefined && { criu: this.#criu }),
        attach: ({ hasTerminal }) => {
          target = new Process({ ...streams, args: [], tty: hasTerminal });
          prepared = prepareProcess(target, this.#config);
          return prepared.attachment;
        },
      });
    } catch (error) {
      prepared?.failed();
      throw error;
    }
    if (!target || !prepared) throw new Error("unreachable: no streams");
    const { state, pidfd, master } = restored;
    prepared.started({ pid: state.pid, pidfd, master });
    ownProcess(this.#key, target, identityOf(state));
    return target;
  }

  /**
   * Takes it away with everything that it made, and makes its id free. A second
   * call does nothing.
   *
   * @param options `force` to kill it if it runs.
   * @throws {StateError} `ContainerNotStopped` if it runs and `force` is not set.
   * @throws {KernelError} `SystemError` if something cannot be removed; it stays recorded, and another call tries again.
   */
  async destroy(options: DestroyOptions = {}): Promise<void> {
    const { root, id, created } = this.#key;
    await deleteContainer(root, id, {
      force: options.force ?? false,
      created,
      missingIsFine: true,
    });
    releaseProcesses(this.#key);
    const own = ownedRun(this.#key);
    if (!own) return;
    own.process.ref();
    await own.finished;
  }

  /** Destroys it, killing it if it runs. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy({ force: true });
  }

  /** Its record, unless the id means another container by now. */
  async #load(): Promise<StoredState> {
    const state = await loadState(this.#key.root, this.id);
    if (state.created !== this.#key.created) throw notThere(this.id);
    return state;
  }
}

/**
 * Makes the handle of a recorded container.
 *
 * @param root State root.
 * @param state Its state.
 * @param criu Program that checkpoints and restores it; that of PATH when absent.
 * @returns The handle.
 */
export function openContainer(
  root: string,
  state: StoredState,
  criu?: string,
): Container {
  return open(root, state, criu);
}

/**
 * Containers that are prepared before they are asked for.
 *
 * @module
 */
import type { Config } from "../config/input/types.ts";
import { createContainer, type CreateOptions } from "../container/create.ts";
import {
  discardPrepared,
  isReady,
  prepareContainer,
} from "../container/prepare.ts";
import type { StoredState } from "../container/store_types.ts";
import { UsageError } from "../errors.ts";
import { type Container, openContainer } from "./container.ts";

/** Options of {@linkcode Factory.warm}. */
export interface WarmOptions {
  /**
   * Beginning of the ids, to which a dash and sixteen hexadecimal digits are
   * added; `warm` when absent.
   */
  readonly prefix?: string;
}

/** What a pool makes its containers of: one configuration, or one for each id. */
export type WarmConfig = Config | ((id: string) => Config);

/** Where a pool's containers are. */
export interface PoolPlace {
  /** State root. */
  readonly root: string;
  /** Who makes their cgroups. */
  readonly options: CreateOptions;
}

let open: (
  size: number,
  config: WarmConfig,
  options: WarmOptions,
  place: PoolPlace,
) => Promise<WarmPool>;

/**
 * How long after a container was taken another is made, in milliseconds: not
 * beside the start of the one, which would have to share the machine with it.
 */
const REFILL_MS = 10;
/** Most containers of one pool: each has a process that waits. */
const MOST = 1024;

function randomName(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

/**
 * A number of containers whose sandboxes are made: namespaces, control groups,
 * mounts, devices and interfaces are there, and a small process in each waits
 * for what to run. {@linkcode WarmPool.take} hands one out, and another is made
 * in its place. What is left of a start is the program itself.
 *
 * It is made by {@linkcode Factory.warm}. Each container is used once and is
 * from then on like any other: the pool takes no interest in it any more, and
 * whoever took it destroys it. Until then it is `created` to everyone, and
 * `nsinit list` shows it.
 *
 * Those that wait belong to this program. They end with it, also when it is
 * killed; what they made on the host is swept away by the next
 * {@linkcode Factory.list}. They do not keep this program running.
 *
 * @example A job in a container that is there already
 * ```ts
 * import { defaultConfig, Factory } from "../../mod.ts";
 *
 * async function runJobs(rootfs: string, jobs: string[][]): Promise<void> {
 *   await using pool = await new Factory().warm(4, defaultConfig(rootfs));
 *   for (const args of jobs) {
 *     await using container = await pool.take();
 *     const process = await container.start({ args, stdout: "inherit" });
 *     await process.status;
 *   }
 * }
 * ```
 */
export class WarmPool implements AsyncDisposable {
  /** How many containers it keeps ready. */
  readonly size: number;
  readonly #config: WarmConfig;
  readonly #prefix: string;
  readonly #place: PoolPlace;
  readonly #ready: StoredState[] = [];
  readonly #waiting: PromiseWithResolvers<Container>[] = [];
  readonly #making = new Set<Promise<void>>();
  #isOpen = true;
  #refill: ReturnType<typeof setTimeout> | undefined;

  static {
    open = async (size, config, options, place) => {
      const pool = new WarmPool(size, config, options, place);
      await pool.#warmUp();
      return pool;
    };
  }

  private constructor(
    size: number,
    config: WarmConfig,
    { prefix = "warm" }: WarmOptions,
    place: PoolPlace,
  ) {
    if (!Number.isSafeInteger(size) || size < 1 || size > MOST) {
      throw new UsageError(
        `Cannot keep ${size} containers ready: wanted a number from 1 to ${MOST}`,
      );
    }
    this.size = size;
    this.#config = config;
    this.#prefix = prefix;
    this.#place = place;
  }

  /** How many containers can be taken at once. */
  get ready(): number {
    return this.#ready.length;
  }

  /**
   * Hands out a container, and has another one made. When none is ready it waits
   * for one; those who wait are served in the order of asking.
   *
   * The first process that is started in it runs in the sandbox that is there.
   * For some that cannot serve, and the container is started as any other: a
   * user of a host root other than the configuration's, an `oomScoreAdj` of the
   * process where the configuration joins a user namespace by path, and a
   * terminal where the root is read-only without a mount on `/dev`.
   *
   * @returns A container, `created`, which is the caller's to destroy.
   * @throws {UsageError} `UsageInvalid` when the pool is closed.
   * @throws {NsinitError} Any failure to make one, when none is ready.
   */
  async take(): Promise<Container> {
    if (!this.#isOpen) throw closed();
    for (;;) {
      const state = this.#ready.shift();
      if (!state) break;
      if (isReady(this.#place.root, state)) {
        this.#fillLater();
        return openContainer(this.#place.root, state);
      }
      this.#discard(state);
    }
    const asked = Promise.withResolvers<Container>();
    this.#waiting.push(asked);
    this.#fill();
    return await asked.promise;
  }

  /**
   * Removes all containers that were not taken; who waits for one is refused. A
   * second call does nothing.
   *
   * @throws {KernelError} `SystemError` if something cannot be removed; it stays recorded, and {@linkcode Factory.list} tries again when this program has ended.
   */
  async close(): Promise<void> {
    this.#isOpen = false;
    clearTimeout(this.#refill);
    for (const { reject } of this.#waiting.splice(0)) reject(closed());
    await Promise.all(this.#making);
    const rest = this.#ready.splice(0);
    const failed = (await Promise.allSettled(
      rest.map((state) => discardPrepared(this.#place.root, state)),
    )).find((each) => each.status === "rejected");
    if (failed) throw failed.reason;
  }

  /** Closes it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** Makes the first ones; when one fails none stays. */
  async #warmUp(): Promise<void> {
    const first = Array.from({ length: this.size }, () => this.#make());
    const failed = (await Promise.allSettled(first))
      .find((each) => each.status === "rejected");
    if (!failed) return;
    await this.close();
    throw failed.reason;
  }

  /** Has others made in a moment; whether they come does not keep this program running. */
  #fillLater(): void {
    if (this.#refill !== undefined) return;
    this.#refill = setTimeout(() => {
      this.#refill = undefined;
      this.#fill();
    }, REFILL_MS);
    Deno.unrefTimer(this.#refill);
  }

  /** Has as many made as are wanted. */
  #fill(): void {
    const wanted = this.size + this.#waiting.length;
    while (this.#isOpen && this.#ready.length + this.#making.size < wanted) {
      const making: Promise<void> = this.#make().catch((error) => {
        // Nobody else is told: the next who takes one tries again.
        this.#waiting.shift()?.reject(error);
      }).finally(() => this.#making.delete(making));
      this.#making.add(making);
    }
  }

  /** Makes one and gives it to who waits, or keeps it. */
  async #make(): Promise<void> {
    const { root, options } = this.#place;
    const id = `${this.#prefix}-${randomName()}`;
    const config = this.#config;
    const created = await createContainer(
      root,
      id,
      typeof config === "function" ? config(id) : config,
      { ...options, forPool: true },
    );
    let state: StoredState;
    try {
      state = await prepareContainer(root, created, {
        onLost: () => this.#lose(created),
      });
    } catch (error) {
      await discardPrepared(root, created);
      throw error;
    }
    const asked = this.#waiting.shift();
    if (asked) asked.resolve(openContainer(root, state));
    else this.#ready.push(state);
  }

  /** Somebody killed its process, or removed it: one that was not taken goes. */
  #lose({ id, created }: StoredState): void {
    const at = this.#ready.findIndex((state) => state.id === id);
    const [lost] = at < 0 ? [] : this.#ready.splice(at, 1);
    if (lost?.created === created) this.#discard(lost);
  }

  /** Removes one that was lost; what cannot be removed stays recorded for the next command. */
  #discard(state: StoredState): void {
    discardPrepared(this.#place.root, state).catch(() => {});
  }
}

function closed(): UsageError {
  return new UsageError(
    "Cannot take a container: the pool is closed; make another with Factory.warm()",
  );
}

/**
 * Makes a pool and its first containers.
 *
 * @param size How many are kept ready.
 * @param config Their configuration.
 * @param options Their ids.
 * @param place Where they are.
 * @returns The pool, full.
 * @throws {UsageError} `UsageInvalid` for a number that cannot be.
 * @throws {NsinitError} Any failure to make one; then none stays.
 *
 * @example
 * ```ts
 * import type { Config } from "../config/types.ts";
 * import { openPool, type WarmPool } from "./warm_pool.ts";
 *
 * async function onePool(root: string, config: Config): Promise<WarmPool> {
 *   return await openPool(1, config, {}, { root, options: {} });
 * }
 * ```
 */
export function openPool(
  size: number,
  config: WarmConfig,
  options: WarmOptions,
  place: PoolPlace,
): Promise<WarmPool> {
  return open(size, config, options, place);
}

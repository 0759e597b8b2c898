/**
 * Makes and finds containers, as libcontainer's `Factory`.
 *
 * @module
 */
import { resolvePath } from "../config/host_paths.ts";
import type { Config } from "../config/input/types.ts";
import { createContainer, type CreateOptions } from "../container/create.ts";
import { loadState, notThere } from "../container/inspect.ts";
import {
  type ContainerSummary,
  listContainers,
  stays,
  sweep,
} from "../container/list.ts";
import { defaultStateRoot } from "../container/state_root.ts";
import { UsageError } from "../errors.ts";
import { type Container, openContainer } from "./container.ts";
import {
  openPool,
  type WarmConfig,
  type WarmOptions,
  type WarmPool,
} from "./warm_pool.ts";

/** Options of a {@linkcode Factory}. */
export interface FactoryOptions {
  /** Who makes cgroups: this program in the file system, or systemd over D-Bus. */
  readonly cgroupDriver?: "cgroupfs" | "systemd";
  /** Program that checkpoints and restores; `criu` of PATH when absent. */
  readonly criu?: string;
}

/**
 * The containers below one directory.
 *
 * Nothing is done before a method is called; the directory is made by the first
 * {@linkcode Factory.create}, for its owner alone. It is the one of the command
 * line's `--root`: what one makes the other sees.
 *
 * Deno asks for `--allow-ffi` (to load the library), `--allow-read` and
 * `--allow-write` (state, `/proc`, `/sys`), and `--allow-sys`; without one a
 * method throws `Deno.errors.NotCapable`, which names it.
 *
 * @example
 * ```ts
 * import { type Container, defaultConfig, Factory } from "../../mod.ts";
 *
 * const factory = new Factory("/run/nsinit");
 *
 * async function make(id: string): Promise<Container> {
 *   return await factory.create(id, defaultConfig("/srv/root"));
 * }
 * ```
 */
export class Factory {
  /** Directory of all state, absolute. */
  readonly root: string;
  /** What it was made with. */
  readonly options: FactoryOptions;

  /**
   * Names the directory; nothing is done.
   *
   * @param root Directory of all state; a relative one counts from the current
   * directory. `/run/nsinit` when absent, for other users than root
   * `$XDG_RUNTIME_DIR/nsinit`.
   * @param options Who makes cgroups, and what checkpoints.
   * @throws {UsageError} `UsageInvalid` for an empty root.
   */
  constructor(root: string = defaultStateRoot(), options: FactoryOptions = {}) {
    if (root === "" || root.includes("\0")) {
      throw new UsageError(
        `Cannot keep states in ${JSON.stringify(root)}: name a directory`,
      );
    }
    this.root = root.startsWith("/")
      ? resolvePath("/", root)
      : resolvePath(Deno.cwd(), root);
    this.options = Object.freeze({ ...options });
  }

  /**
   * Creates a container: checks its configuration, and reserves its id with it.
   * Nothing else is made before the first {@linkcode Container.start}.
   *
   * @param id Letters, digits and `_ + - .`, 1 to 1024 of them.
   * @param config Its configuration, which is copied.
   * @returns The container, `created`.
   * @throws {StateError} `InvalidIdFormat`; `IdInUse` if there is one of that id.
   * @throws {ConfigError} `ConfigInvalid` with everything that is wrong, and for a rootfs that is missing.
   */
  async create(id: string, config: Config): Promise<Container> {
    return openContainer(
      this.root,
      await createContainer(this.root, id, config, this.#createOptions()),
      this.options.criu,
    );
  }

  #createOptions(): CreateOptions {
    const { cgroupDriver } = this.options;
    return cgroupDriver === undefined ? {} : { cgroupDriver };
  }

  /**
   * Keeps containers ready: their sandboxes are made before they are asked for,
   * and a start has only the program left to run.
   *
   * Each costs what a container costs that does nothing: its namespaces, groups
   * and mounts, and a process of about 100 kB. Where the configuration names a
   * cgroup, each container gets that name followed by its id.
   *
   * @param size How many, 1 to 1024.
   * @param config Their configuration, or what makes one for an id, for what is to differ among them: a hostname, an address.
   * @param options How their ids begin.
   * @returns The pool, when all are there.
   * @throws {UsageError} `UsageInvalid` for a number that cannot be.
   * @throws {StateError} `InvalidIdFormat` for a prefix that no id can begin with.
   * @throws {ConfigError} `ConfigInvalid` with everything that is wrong, and for a configuration that joins a pid namespace.
   * @throws {HostError} `HostUnsupported` if this machine lacks something, or root is needed.
   * @throws {KernelError} `SystemError` if the kernel refuses a step; then none stays.
   *
   * @example
   * ```ts
   * import { defaultConfig, Factory } from "../../mod.ts";
   *
   * async function greet(rootfs: string): Promise<string> {
   *   const config = (id: string) => ({ ...defaultConfig(rootfs), hostname: id });
   *   await using pool = await new Factory().warm(2, config);
   *   await using container = await pool.take();
   *   const process = await container.start({ args: ["hostname"], stdout: "piped" });
   *   return new TextDecoder().decode((await process.output()).stdout);
   * }
   * ```
   */
  async warm(
    size: number,
    config: WarmConfig,
    options: WarmOptions = {},
  ): Promise<WarmPool> {
    return await openPool(size, config, options, {
      root: this.root,
      options: this.#createOptions(),
    });
  }

  /**
   * Finds a container, whoever created it: another program, or `nsinit exec`.
   * What a killed program left is swept away and does not count.
   *
   * @param id Its id.
   * @returns The container.
   * @throws {StateError} `InvalidIdFormat`; `ContainerNotExists`.
   */
  async load(id: string): Promise<Container> {
    const state = await loadState(this.root, id);
    const found = stays(state) ? state : await sweep(this.root, id);
    if (!found) throw notThere(id);
    return openContainer(this.root, found, this.options.criu);
  }

  /**
   * Lists all containers, and sweeps away what killed programs left.
   *
   * @returns One summary each, sorted by id.
   * @throws {KernelError} `SystemError` if remains cannot be removed.
   */
  async list(): Promise<ContainerSummary[]> {
    return await listContainers(this.root);
  }
}

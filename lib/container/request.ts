/**
 * What the command line asks of a container, before anything is decided.
 *
 * @module
 */
import type { Config } from "../config/types.ts";

/** Process settings given by the caller; absent ones come from the configuration. */
export interface ProcessRequest {
  /** Program and arguments; empty takes the configuration's. */
  readonly args: readonly string[];
  /** `K=V`, added to the configuration's; a later one wins. */
  readonly env: readonly string[];
  /** `user`, `uid`, `user:group`, `uid:gid`. */
  readonly user?: string;
  /** Working directory inside. */
  readonly cwd?: string;
  /** Whether a terminal is made inside. */
  readonly tty?: boolean;
}

/** A request to run a program in the container of a directory. */
export interface ExecRequest {
  /** Root of all state, e.g. `/run/nsinit`. */
  readonly stateRoot: string;
  /** Id; derived from the canonical directory when absent. */
  readonly id?: string;
  /** The container's directory, absolute: markers stand in it. */
  readonly directory: string;
  /**
   * Reads the configuration; called only when the container has to be started.
   * `recorded` is that of a container made before, which holds unless the
   * caller names another.
   */
  readonly loadConfig: (recorded?: Config) => Promise<Config>;
  /** File that the configuration is read from, if one is: protected inside when it lies in the root. */
  readonly configPath?: string;
  /** What to run. */
  readonly process: ProcessRequest;
  /** Return as soon as the program runs. */
  readonly detach: boolean;
  /** File to write the pid to, as seen here. */
  readonly pidFile?: string;
  /** Receives one line per step with `--debug`. */
  readonly onDebug?: (message: string) => void;
}

/**
 * What the command line asks of a container, before anything is decided.
 *
 * @module
 */
import type { CapabilityName } from "../config/names/capabilities.ts";
import type { CapabilitySets, Config, Rlimit } from "../config/types.ts";
import type { SeccompHandler } from "./seccomp_types.ts";
import type { CgroupDriver } from "./store_types.ts";

/** Attributes that a process may have instead of the configuration's. */
export type ProcessAttributes = Pick<
  Config,
  | "umask"
  | "oomScoreAdj"
  | "scheduler"
  | "ioPriority"
  | "cpuAffinity"
  | "personality"
>;

/** Process settings given by the caller; absent ones come from the configuration. */
export interface ProcessRequest extends ProcessAttributes {
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
  /** `env` is the whole environment, but for HOME. */
  readonly clearEnv?: boolean;
  /** Instead of the configuration's. */
  readonly capabilities?: readonly CapabilityName[] | CapabilitySets;
  /** Take the place of the configuration's of the same type. */
  readonly rlimits?: readonly Rlimit[];
  /** Instead of the configuration's. */
  readonly noNewPrivileges?: boolean;
  /** Besides the configuration's: supplementary groups by name or number. */
  readonly additionalGroups?: readonly string[];
  /** Instead of the configuration's; empty for none. */
  readonly apparmorProfile?: string;
  /** SELinux label instead of the configuration's; empty for none. */
  readonly processLabel?: string;
  /** Answers calls of `SCMP_ACT_NOTIFY`, instead of who listens at `listenerPath`. */
  readonly seccompNotify?: SeccompHandler;
  /** Descriptors that become 3 and those after it; borrowed. */
  readonly extraFiles?: readonly number[];
}

/** A wish to keep what is decided for a command line, for its next use. */
export interface KeepRequest {
  /** Hash of the command line, as the launcher finds it. */
  readonly hash: string;
  /** The command line without the program's name. */
  readonly args: readonly string[];
  /** Current directory. */
  readonly cwd: string;
  /** Whether something was said that would not be said again. */
  readonly hasWarned: () => boolean;
}

/** A request to run a program in the container of a directory. */
export interface ExecRequest {
  /** Root of all state, e.g. `/run/nsinit`. */
  readonly stateRoot: string;
  /** Id; derived from the canonical directory when absent. */
  readonly id?: string;
  /** The container's directory, absolute: markers stand in it. */
  readonly directory: string;
  /** Whether the container has a host root: it is another than the directory's own. */
  readonly hostRoot?: boolean;
  /**
   * Reads the configuration; called only when the container has to be started.
   * `recorded` is that of a container made before, which holds unless the
   * caller names another.
   */
  readonly loadConfig: (recorded?: Config) => Promise<Config>;
  /** Told before a container that runs is joined, with its record. */
  readonly onJoin?: (
    running: { readonly id: string; readonly config: Config },
  ) => Promise<void>;
  /** File that the configuration is read from, if one is: protected inside when it lies in the root. */
  readonly configPath?: string;
  /** Who makes the cgroups of a container that is started; we when absent. */
  readonly cgroupDriver?: CgroupDriver;
  /** What to run. */
  readonly process: ProcessRequest;
  /** Return as soon as the program runs. */
  readonly detach: boolean;
  /** File to write the pid to, as seen here. */
  readonly pidFile?: string;
  /** The launcher waits for this start to be kept. */
  readonly keep?: KeepRequest;
  /** Receives one line per step with `--debug`. */
  readonly onDebug?: (message: string) => void;
}

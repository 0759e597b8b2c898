/**
 * From the options of `exec` to a request.
 *
 * @module
 */
import { resolvePath } from "../config/host_paths.ts";
import type { Cgroup, Config, Dialect } from "../config/types.ts";
import { CONFIG_FILE, keepsPlace } from "../container/config_place.ts";
import type { ExecRequest, ProcessRequest } from "../container/request.ts";
import { ConfigError, describeCause, UsageError } from "../errors.ts";
import type { Invocation } from "./command.ts";
import { DIALECTS } from "../config/dialect_names.ts";
import { GENERATOR_OPTIONS } from "./generator_options.ts";
import {
  checkDirectory,
  currentDirectory,
  directoryOf,
  stateRootOf,
} from "./globals.ts";
import type { Output } from "./output.ts";
import type { Values } from "./values.ts";

const RLIMIT_NPROC = 6;

/** A configuration that is yet to be made. */
export interface ConfigSource {
  /** The file it is read from; absent for the built-in template. */
  readonly path?: string;
  /** Whether it is the built-in template as it stands. */
  readonly isTemplate: boolean;
  /** Whether options change it. */
  readonly isChanged: boolean;
  /** Reads the file or takes the template. */
  readonly read: () => Promise<Config>;
  /** Reads the file or takes the template, and applies the options; what is `recorded` takes the place of all but `--config`. */
  readonly load: (recorded?: Config) => Promise<Config>;
}

/** What an empty `container.json` means. */
export interface ConfigSourceOptions {
  /** For `config`: the shell has emptied the file that it redirects into. */
  readonly expectsEmptyFile: boolean;
}

/** Whether there is a file of that name, be it a link that leads nowhere. */
function exists(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Finds `container.json`; `undefined` when there is none to be read. */
function findConfigFile(
  directory: string,
  { expectsEmptyFile }: ConfigSourceOptions,
): string | undefined {
  const path = resolvePath(directory, CONFIG_FILE);
  let info: Deno.FileInfo;
  try {
    if (!exists(path)) return undefined;
    info = Deno.statSync(path);
  } catch (cause) {
    throw new ConfigError(`Cannot read ${path}: ${describeCause(cause)}`, [], {
      cause,
    });
  }
  if (!info.isFile) {
    // The root file system may be the directory: a pipe in it would hold us up.
    throw new ConfigError(
      `Cannot read ${path}: it is no regular file; ` +
        "remove it, or name a configuration by --config",
    );
  }
  const isNone = keepsPlace(info) || (expectsEmptyFile && info.size === 0);
  return isNone ? undefined : path;
}

/**
 * Ordinary users seldom have a cgroup to limit tasks by; in a user namespace of
 * their own an rlimit counts the tasks of that namespace alone (Linux 5.14).
 */
function withoutGroups(config: Config & { readonly cgroups: Cgroup }): Config {
  const { pidsLimit, ...cgroups } = config.cgroups;
  if (pidsLimit === undefined) return config;
  const tasks = { type: RLIMIT_NPROC, hard: pidsLimit, soft: pidsLimit };
  return { ...config, cgroups, rlimits: [...config.rlimits ?? [], tasks] };
}

async function makeTemplate(
  rootfs: string,
  isHostRoot: boolean,
): Promise<Config> {
  if (isHostRoot) {
    const { hostRootConfig } = await import("../config/host_root.ts");
    const isRoot = (Deno.uid() ?? 0) === 0;
    return isRoot ? hostRootConfig() : withoutGroups(hostRootConfig());
  }
  const { defaultConfig } = await import("../config/defaults.ts");
  return defaultConfig(rootfs);
}

async function readConfig(
  path: string,
  values: Values,
  output: Output,
): Promise<Config> {
  const { formatProblems } = await import("../config/problems.ts");
  const { loadConfig } = await import("../config/parse.ts");
  const dialect: Dialect | undefined = DIALECTS.find((name) =>
    name === values.text("dialect")
  );
  return await loadConfig(path, {
    permissive: values.flag("permissive"),
    directory: directoryOf(values),
    onWarning: (problem) => output.warn(formatProblems(path, [problem])),
    ...(dialect && { dialect }),
  });
}

/**
 * Decides where the configuration comes from: `--config`, else `container.json`
 * in the container's directory unless it gets a host root, else the template.
 *
 * Looks at the file system; reads nothing before `load` is called.
 *
 * @param values The options.
 * @param output Receives warnings about the file.
 * @param options Whether an empty file counts as none.
 * @returns The source.
 * @throws {NsinitError} If the directory cannot be used.
 */
export function findConfig(
  values: Values,
  output: Output,
  options: ConfigSourceOptions,
): ConfigSource {
  const directory = directoryOf(values);
  const cwd = currentDirectory();
  checkDirectory(directory);
  const given = values.text("config");
  if (given === "") throw new UsageError("--config needs the name of a file");
  // A host root is for code of strangers, who may have written container.json.
  const isHostRoot = values.has("host-root");
  const found = given === undefined && !isHostRoot
    ? findConfigFile(directory, options)
    : undefined;
  const path = given === undefined ? found : resolvePath(cwd, given);
  if (path === undefined && values.has("dialect")) {
    throw new UsageError(
      `--dialect is about a configuration file, and there is no ${CONFIG_FILE} ` +
        `in ${directory}: name one by --config`,
    );
  }
  const read = (): Promise<Config> =>
    path === undefined
      ? makeTemplate(cwd, isHostRoot)
      : readConfig(path, values, output);
  const isChanged = GENERATOR_OPTIONS.some(({ name }) => values.has(name));
  const load = async (recorded?: Config): Promise<Config> => {
    const config = given === undefined && recorded ? recorded : await read();
    if (!isChanged) return config;
    const { applyGenerator } = await import("./generator.ts");
    return applyGenerator(config, values, cwd);
  };
  return path === undefined
    ? { isTemplate: !isChanged, isChanged, read, load }
    : { path, isTemplate: false, isChanged, read, load };
}

/** `NAME` alone passes on the caller's variable, as in docker and podman. */
function environmentOf(values: Values): string[] {
  return values.list("env").flatMap((entry) => {
    const equals = entry.indexOf("=");
    if (equals === 0 || entry === "") {
      throw new UsageError(
        `--env cannot be ${JSON.stringify(entry)}: it is NAME=VALUE, or NAME ` +
          "for the caller's own value",
      );
    }
    if (equals > 0) return [entry];
    const value = Deno.env.get(entry);
    return value === undefined ? [] : [`${entry}=${value}`];
  });
}

function processOf(
  values: Values,
  args: readonly string[],
): ProcessRequest {
  const user = values.text("user");
  const cwd = values.text("cwd");
  const isDetached = values.flag("detach");
  if (isDetached && values.flag("tty")) {
    throw new UsageError(
      "--tty needs this terminal, and --detach lets go of it: leave one of " +
        "them out",
    );
  }
  const tty = isDetached ? false : values.flag("tty");
  return {
    args,
    env: environmentOf(values),
    ...(user && { user }),
    ...(cwd && { cwd }),
    ...((isDetached || values.has("tty")) && { tty }),
  };
}

function refuseNul(args: readonly string[]): void {
  if (args.some((arg) => arg.includes("\0"))) {
    throw new UsageError("An argument holds a NUL character");
  }
}

/** Tells of flags that a container was not started with, when it is joined. */
function joinWarner(
  { values, output }: Invocation,
  source: ConfigSource,
): Pick<ExecRequest, "onJoin"> {
  if (!source.isChanged) return {};
  const cwd = currentDirectory();
  return {
    onJoin: async ({ id, config }): Promise<void> => {
      const { formatStrayFlags, strayFlags } = await import("./join_flags.ts");
      const stray = strayFlags(await source.read(), config, values, cwd);
      if (stray.length > 0) output.warn(formatStrayFlags(id, stray));
    },
  };
}

/**
 * Makes the request of a use of `exec` or `explain`.
 *
 * Looks at the file system; the configuration is read when the request is
 * carried out.
 *
 * @param invocation The options and the program with its arguments.
 * @returns The request.
 * @throws {NsinitError} For wrong usage, and directories that cannot be used.
 */
export function makeExecRequest(
  invocation: Invocation,
): ExecRequest {
  const { values, args, output } = invocation;
  refuseNul(args);
  const source = findConfig(values, output, { expectsEmptyFile: false });
  if (args.length === 0 && source.path === undefined) {
    throw new UsageError(
      "Nothing to run: name a program, e.g. nsinit exec /bin/sh",
    );
  }
  const directory = directoryOf(values);
  const id = values.text("id");
  const pidFile = values.text("pid-file");
  return {
    stateRoot: stateRootOf(values),
    directory,
    loadConfig: detachedLoader(source.load, values.flag("detach")),
    process: processOf(values, args),
    detach: values.flag("detach"),
    ...(wantsSystemd(values) && { cgroupDriver: "systemd" }),
    ...(values.flag("debug") && {
      onDebug: (message: string) => output.debug(message),
    }),
    ...keepRequest(invocation),
    ...joinWarner(invocation, source),
    ...(values.has("host-root") && { hostRoot: true }),
    ...(id !== undefined && { id }),
    ...(source.path !== undefined && { configPath: source.path }),
    ...(pidFile && { pidFile: resolvePath(currentDirectory(), pidFile) }),
  };
}

/** Variable by which the launcher asks for a start to be kept. */
const KEEP = "NSINIT_KEEP";
/** Options whose effect is not in the start itself, or that may hold secrets. */
const NOT_KEPT = ["debug", "log", "pid-file", "tty", "env", "host-root"];

/** What the launcher asks for, where that can be had. */
function keepRequest(
  { values, line, output }: Invocation,
): Pick<ExecRequest, "keep"> {
  const hash = Deno.env.get(KEEP) ?? "";
  if (!/^[0-9a-f]{16}$/.test(hash)) return {};
  const streams = [Deno.stdin, Deno.stdout, Deno.stderr];
  if (streams.some((stream) => stream.isTerminal())) return {};
  if (NOT_KEPT.some((name) => values.has(name)) || wantsSystemd(values)) {
    return {};
  }
  return {
    keep: {
      hash,
      args: line,
      cwd: currentDirectory(),
      hasWarned: () => output.hasWarned,
    },
  };
}

/** Whether systemd is to make the cgroups; nsinit 2 had an option of `exec` for it. */
function wantsSystemd(values: Values): boolean {
  return values.flag("systemd-cgroup") || values.flag("systemd");
}

/** The starter of a detached program ends at once, which must not kill it. */
function detachedLoader(
  load: (recorded?: Config) => Promise<Config>,
  isDetached: boolean,
): (recorded?: Config) => Promise<Config> {
  if (!isDetached) return load;
  return async (recorded) => ({
    ...await load(recorded),
    parentDeathSignal: 0,
  });
}

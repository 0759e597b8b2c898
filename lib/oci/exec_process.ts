/**
 * What `exec` runs: a process file, or the container's own process with what
 * the options change.
 *
 * @module
 */
import type { Option } from "../cli/command.ts";
import type { Values } from "../cli/values.ts";
import { parseCapability } from "../config/names/capabilities.ts";
import { parseProcessFile } from "../config/process_file.ts";
import type {
  CapabilitySets,
  Config,
  ProcessDefaults,
} from "../config/types.ts";
import { ConfigError, UsageError } from "../errors.ts";
import { absolutePath } from "./globals.ts";
import type { Log } from "./log.ts";

/** Options that describe the process. */
export const PROCESS_OPTIONS: readonly Option[] = [
  {
    name: "process",
    short: "p",
    type: "text",
    metavar: "FILE",
    doc: "take the process from FILE, which holds process of a config.json",
  },
  { name: "tty", short: "t", type: "boolean", doc: "give it a terminal" },
  {
    name: "cwd",
    type: "text",
    metavar: "DIR",
    doc: "working directory inside",
  },
  {
    name: "env",
    short: "e",
    type: "text",
    metavar: "K=V",
    repeatable: true,
    doc: "add to the environment",
  },
  {
    name: "user",
    short: "u",
    type: "text",
    metavar: "UID[:GID]",
    doc: "user, and group, that it runs as",
  },
  {
    name: "additional-gids",
    short: "g",
    type: "integer",
    metavar: "GID",
    repeatable: true,
    doc: "further group",
  },
  {
    name: "cap",
    short: "c",
    type: "text",
    metavar: "CAP",
    repeatable: true,
    doc: "further capability",
  },
  {
    name: "apparmor",
    type: "text",
    metavar: "PROFILE",
    doc: "AppArmor profile",
  },
  {
    name: "process-label",
    type: "text",
    metavar: "LABEL",
    doc: "SELinux label",
  },
  {
    name: "no-new-privs",
    type: "boolean",
    doc: "set no_new_privs",
  },
];

/** A configuration whose process, and all that concerns it, is the one to run. */
export type ProcessConfig = Config & { readonly process: ProcessDefaults };

async function readText(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new ConfigError(`process file ${path} not found`, [], { cause });
  }
}

/** Members of a process that are its own: those of the container's do not stand in for them. */
const OWN = ["additionalGroups", "umask", "noNewPrivileges"] as const;

async function fromFile(
  config: Config,
  file: string,
  log: Log,
): Promise<ProcessConfig> {
  const path = absolutePath(file);
  const read = await parseProcessFile(await readText(path), {
    path,
    onWarning: ({ message }) => log.warn(message),
  });
  const { process } = read;
  if (process === undefined || (process.args ?? []).length === 0) {
    throw new ConfigError("args must not be empty");
  }
  const rest = Object.fromEntries(
    Object.entries(config).filter(([key]) => !OWN.some((own) => own === key)),
  ) as unknown as Config;
  const { rlimits = [], ...members } = read;
  return {
    ...rest,
    ...members,
    ...rlimits.length > 0 && { rlimits },
    process,
  };
}

/** `UID[:GID]`; the group stays where none is named. */
function userOf(given: string, own: string | undefined): string {
  if (given.includes(":") || !/^\d+$/.test(given)) return given;
  return `${given}:${own?.split(":")[1] ?? "0"}`;
}

function withCapabilities(
  sets: Config["capabilities"],
  names: readonly string[],
  log: Log,
): CapabilitySets {
  const more = names.flatMap((text) => {
    const name = parseCapability(text);
    if (name !== undefined) return [name];
    log.warn(`ignoring unknown capability ${JSON.stringify(text)}`);
    return [];
  });
  const old: CapabilitySets = sets === undefined || !("bounding" in sets)
    ? {
      bounding: sets ?? [],
      effective: sets ?? [],
      permitted: sets ?? [],
      inheritable: [],
      ambient: [],
    }
    : sets;
  const add = (set: CapabilitySets["bounding"]): typeof more => [
    ...new Set([...set, ...more]),
  ];
  // Not the inheritable one, with which any file capability would be had (CVE-2022-29162).
  return {
    ...old,
    bounding: add(old.bounding),
    effective: add(old.effective),
    permitted: add(old.permitted),
    // What may be inherited keeps it over the program's own exec, as root's does.
    ambient: [
      ...old.ambient,
      ...more.filter((name) =>
        old.inheritable.includes(name) && !old.ambient.includes(name)
      ),
    ],
  };
}

/** The container's own process with what the options say. */
function fromOptions(
  config: Config,
  values: Values,
  args: readonly string[],
  log: Log,
): ProcessConfig {
  const own: ProcessDefaults = config.process ?? {};
  const user = values.text("user");
  const cwd = values.text("cwd");
  const groups = values.list("additional-gids");
  const caps = values.list("cap");
  const apparmorProfile = values.text("apparmor");
  const processLabel = values.text("process-label");
  return {
    ...config,
    process: {
      ...own,
      args: [...args],
      env: [...own.env ?? [], ...values.list("env")],
      tty: values.flag("tty"),
      ...user !== undefined && { user: userOf(user, own.user) },
      ...cwd !== undefined && { cwd },
    },
    ...groups.length > 0 && {
      additionalGroups: [...config.additionalGroups ?? [], ...groups],
    },
    ...caps.length > 0 && {
      capabilities: withCapabilities(config.capabilities, caps, log),
    },
    ...apparmorProfile !== undefined && { apparmorProfile },
    ...processLabel !== undefined && { processLabel },
    ...values.flag("no-new-privs") && { noNewPrivileges: true },
  };
}

/**
 * Settles what `exec` runs.
 *
 * @param config The container's configuration.
 * @param values The options.
 * @param args Program and arguments of the command line.
 * @param log Takes warnings.
 * @returns The configuration of the process.
 * @throws {UsageError} `UsageInvalid` if there is nothing to run.
 * @throws {ConfigError} `ConfigInvalid` for a file that cannot be used.
 */
export async function execConfig(
  config: Config,
  values: Values,
  args: readonly string[],
  log: Log,
): Promise<ProcessConfig> {
  const file = values.text("process") ?? "";
  const label = values.text("process-label");
  if (file === "") {
    if (args.length === 0) {
      throw new UsageError(
        'nsinit-oci: "exec" requires a minimum of 2 argument(s), or --process',
      );
    }
    return fromOptions(config, values, args, log);
  }
  const read = await fromFile(config, file, log);
  const tty = (read.process.tty ?? false) || values.flag("tty");
  return {
    ...read,
    process: { ...read.process, tty },
    ...label !== undefined && { processLabel: label },
  };
}

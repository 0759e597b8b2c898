/**
 * Bundles: a directory with a config.json, read as engines expect it.
 *
 * @module
 */
import { parseJson } from "../config/json.ts";
import { parseConfig } from "../config/parse.ts";
import type { Config, Hook, Hooks } from "../config/types.ts";
import { ConfigError } from "../errors.ts";
import { absolutePath } from "./globals.ts";

const SPEC_ALLOW = "SECCOMP_FILTER_FLAG_SPEC_ALLOW";
const CONFIG_FILE = "config.json";

/** What a bundle says. */
export interface Bundle {
  /** Its canonical path. */
  readonly path: string;
  /** The file that was read, which may lie in the root. */
  readonly configPath: string;
  /** Its configuration; the root is canonical. */
  readonly config: Config;
  /** `ociVersion`, as written. */
  readonly version: string;
  /** `linux.cgroupsPath`, as written. */
  readonly cgroupsPath: string;
}

/** How a bundle is read. */
export interface BundleOptions {
  /** Its directory, as given. */
  readonly directory: string;
  /** File that is read instead of its config.json. */
  readonly file?: string;
  /** Takes what is worth telling but no fault. */
  readonly onWarning: (message: string) => void;
}

/** As `Deno.realPath`, in the words of the field. */
async function realPath(path: string, what: string): Promise<string> {
  try {
    return await Deno.realPath(path);
  } catch (cause) {
    const reason = cause instanceof Deno.errors.NotFound
      ? "does not exist"
      : String(cause instanceof Error ? cause.message : cause);
    throw new ConfigError(`${what} ${path}: ${reason}`, [], { cause });
  }
}

async function readConfigFile(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound)) throw cause;
    throw new ConfigError(
      `JSON specification file ${path.replace(/^.*\//, "")} not found`,
      [],
      { cause },
    );
  }
}

/** Hooks of the host run in the bundle, in the container's namespaces in its root, as with other runtimes. */
function withDirectory(hooks: Hooks, bundle: string, rootfs: string): Hooks {
  const placed = (
    list: readonly Hook[] | undefined,
    dir: string = bundle,
  ): Hook[] => (list ?? []).map((hook) => ({ ...hook, dir: hook.dir ?? dir }));
  const { prestart, createRuntime, createContainer, poststart, poststop } =
    hooks;
  return {
    ...hooks,
    ...prestart && { prestart: placed(prestart) },
    ...createRuntime && { createRuntime: placed(createRuntime) },
    ...createContainer && { createContainer: placed(createContainer, rootfs) },
    ...poststart && { poststart: placed(poststart) },
    ...poststop && { poststop: placed(poststop) },
  };
}

/** The kernel raises a capability as ambient only where it is inheritable and permitted. */
function warnOfAmbient(
  { capabilities }: Config,
  onWarning: (message: string) => void,
): void {
  if (capabilities === undefined || !("ambient" in capabilities)) return;
  const { ambient, inheritable, permitted } = capabilities;
  // Engines copy their list into each set but that one: nobody asked for it.
  if (inheritable.length === 0) return;
  for (const name of ambient) {
    if (inheritable.includes(name) && permitted.includes(name)) continue;
    onWarning(
      `can't raise ambient capability CAP_${name}: operation not permitted`,
    );
  }
}

/** What an engine's runtime wants of a file beyond its schema. */
function checkProcess({ process }: Config): void {
  if (process === undefined) {
    throw new ConfigError("process property must not be empty");
  }
  if ((process.args ?? []).length === 0) {
    throw new ConfigError("args must not be empty");
  }
}

/** A listener that would be asked of each write could not even be sent its descriptor. */
function checkSeccomp({ seccomp }: Config): void {
  const isAsked = seccomp?.syscalls.some(({ name, action }) =>
    name === "write" && action === "SCMP_ACT_NOTIFY"
  );
  if (isAsked) {
    throw new ConfigError(
      "SCMP_ACT_NOTIFY cannot be used for the write syscall",
    );
  }
}

/** What the model has in another form. */
interface RawMembers {
  readonly version: string;
  readonly cgroupsPath: string;
}

function member(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null
    ? Reflect.get(value, key)
    : undefined;
}

/** Reads members as they are written, of a text that has been read in full before. */
async function rawMembers(text: string, path: string): Promise<RawMembers> {
  const json: unknown = await parseJson(text, path);
  const version = member(json, "ociVersion");
  const cgroupsPath = member(member(json, "linux"), "cgroupsPath");
  return {
    version: typeof version === "string" ? version : "",
    cgroupsPath: typeof cgroupsPath === "string" ? cgroupsPath : "",
  };
}

/**
 * Reads a bundle.
 *
 * Members that nobody knows are passed over, and so is the version: whoever
 * drives a runtime has checked it, and all runtimes take it as it is.
 *
 * @param options Which one.
 * @returns What it says.
 * @throws {ConfigError} `ConfigInvalid` if it cannot be used.
 */
export async function loadBundle(options: BundleOptions): Promise<Bundle> {
  const { directory, file, onWarning } = options;
  const path = await realPath(absolutePath(directory || "."), "bundle");
  const source = file === undefined
    ? `${path}/${CONFIG_FILE}`
    : absolutePath(file);
  const text = await readConfigFile(source);
  const config = await parseConfig(text, {
    dialect: "OCI",
    // Relative paths count from the bundle, wherever the file is.
    path: `${path}/${CONFIG_FILE}`,
    anyOciVersion: true,
    rootIds: { uid: Deno.uid() ?? 0, gid: Deno.gid() ?? 0 },
    onWarning: ({ path: key, message }) => onWarning(`${key}: ${message}`),
  });
  checkProcess(config);
  warnOfAmbient(config, onWarning);
  checkSeccomp(config);
  const rootfs = await realPath(config.rootfs, "rootfs");
  const { hooks, seccomp } = config;
  return {
    path,
    configPath: await realPath(source, "JSON specification file"),
    ...await rawMembers(text, source),
    config: {
      ...config,
      rootfs,
      // As runc, whose containers do not pay for what no program of theirs asked for.
      ...seccomp && seccomp.flags === undefined &&
        { seccomp: { ...seccomp, flags: [SPEC_ALLOW] } },
      ...hooks && { hooks: withDirectory(hooks, path, rootfs) },
    },
  };
}

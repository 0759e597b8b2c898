/**
 * Text of any dialect to a checked configuration.
 *
 * @module
 */
import { ConfigError, type ConfigProblem } from "../errors.ts";
import { detectDialect } from "./detect.ts";
import { DIALECTS } from "./dialect_names.ts";
import { resolvePath } from "./host_paths.ts";
import { isJsonObject, MAX_TEXT_LENGTH, parseJson } from "./json.ts";
import type { JsonPath } from "./json_scan.ts";
import { ObjectReader } from "./object_reader.ts";
import { Findings, formatProblems, locateFindings, quote } from "./problems.ts";
import type { EraReader, RootIds } from "./reading.ts";
import type { Config, Dialect } from "./types.ts";
import { findFaults } from "./validate.ts";

/** How a configuration is read. */
export interface ParseConfigOptions {
  /** Whose rules hold; found by the shape of the text when absent. */
  readonly dialect?: Dialect;
  /** Path of the file, for messages and as the place of relative paths. */
  readonly path?: string;
  /** The container's directory; the one of `path` or the current one when absent. */
  readonly directory?: string;
  /** Turns unknown keys and unknown names into warnings. */
  readonly permissive?: boolean;
  /** Whether any `ociVersion` will do, as engines expect. */
  readonly anyOciVersion?: boolean;
  /**
   * Host ids of root in the user namespace of a config.json without mappings,
   * which is a fault when these are absent.
   */
  readonly rootIds?: RootIds;
  /** Takes what is worth telling but no fault. */
  readonly onWarning?: (warning: ConfigProblem) => void;
}

/** Model names that are not the text's name in camel case. */
const RENAMED: Readonly<Record<string, string>> = {
  rootPropagation: "rootPropagation",
  cwd: "working_dir",
  env: "environment",
  // Keys that only the OCI spelling of a filter has.
  errnoRet: "errnoRet",
  defaultErrnoRet: "defaultErrnoRet",
  listenerPath: "listenerPath",
  listenerMetadata: "listenerMetadata",
};

/** Old eras are loaded only for old files: most programs never see one. */
async function loadReader(dialect: Dialect): Promise<EraReader> {
  if (dialect === "D" || dialect === "E") {
    return (await import("./dialects/era_d.ts")).readEraD;
  }
  if (dialect === "OCI") return (await import("./dialects/oci.ts")).readOci;
  if (dialect.startsWith("A")) {
    return (await import("./dialects/era_a.ts")).readEraA;
  }
  return dialect.startsWith("B")
    ? (await import("./dialects/era_b.ts")).readEraB
    : (await import("./dialects/era_c.ts")).readEraC;
}

function directoryOf(options: ParseConfigOptions): string {
  const { directory, path } = options;
  const place = directory ?? path?.replace(/[^/]*$/, "") ?? "";
  return place.startsWith("/")
    ? resolvePath("/", place)
    : resolvePath(Deno.cwd(), place);
}

/** An OCI bundle: paths of its file count from there, wherever it is run. */
function bundleOf(options: ParseConfigOptions): string {
  const { path } = options;
  const isStream = path === undefined || /^\/(dev|proc)\//.test(path);
  return isStream
    ? directoryOf(options)
    : resolvePath(Deno.cwd(), path.replace(/[^/]*$/, "") || ".");
}

function toTextKey(key: string): string {
  return RENAMED[key] ??
    key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

/** Path in the text: of the object that was read, and from there in the model. */
type ToText = (base: JsonPath, rest: JsonPath) => JsonPath;

function toContainerPath(base: JsonPath, rest: JsonPath): JsonPath {
  const path = base.length === 0 && rest[0] === "process"
    ? rest.slice(1)
    : rest;
  return [
    ...base,
    ...path.map((key) => typeof key === "string" ? toTextKey(key) : key),
  ];
}

async function loadToText(dialect: Dialect): Promise<ToText> {
  return dialect === "OCI"
    ? (await import("./dialects/oci_paths.ts")).toOciPath
    : toContainerPath;
}

/** Where the part of the model at a path was read from. */
function toTextPath(
  config: Config,
  path: JsonPath,
  findings: Findings,
  toText: ToText,
): JsonPath {
  let base: JsonPath = [];
  let rest = path;
  let part: unknown = config;
  for (const [index, key] of path.entries()) {
    if (typeof part !== "object" || part === null) break;
    part = Reflect.get(part, key);
    if (typeof part !== "object" || part === null) continue;
    const origin = findings.getOrigin(part);
    if (origin !== undefined) [base, rest] = [origin, path.slice(index + 1)];
  }
  return toText(base, rest);
}

function fail(name: string, problems: readonly ConfigProblem[]): never {
  const context = { path: name };
  throw new ConfigError(formatProblems(name, problems), problems, { context });
}

function nameDialect(
  json: Parameters<typeof detectDialect>[0],
  name: string,
): Dialect {
  try {
    return detectDialect(json);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const problems = error.problems.map((problem) => ({
      ...problem,
      line: 1,
      column: 1,
    }));
    return fail(name, problems);
  }
}

/**
 * Parses a container.json of any dialect, or an OCI config.json.
 *
 * Comments and trailing commas are accepted, unknown keys and names are not,
 * unless `permissive`; a config.json may have keys that nobody knows. All faults
 * are told at once, with line and column. Relative paths of a config.json count
 * from the directory of its file.
 *
 * @param text The text.
 * @param options Dialect, path, and how strict to be.
 * @returns The checked configuration.
 * @throws {ConfigError} `ConfigInvalid` with every fault found.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseConfig } from "./parse.ts";
 *
 * const config = await parseConfig(`{
 *   "rootfs": "/srv/root", // any directory
 *   "namespaces": [{ "type": "NEWNS" }],
 * }`);
 * assertEquals([config.dialect, config.rootfs], ["D", "/srv/root"]);
 * ```
 */
export async function parseConfig(
  text: string,
  options: ParseConfigOptions = {},
): Promise<Config> {
  const name = options.path ?? "config";
  const { dialect: forced, onWarning } = options;
  if (forced !== undefined && !DIALECTS.includes(forced)) {
    const message = `unknown dialect ${quote(String(forced))}; wanted one of ` +
      DIALECTS.join(", ");
    fail(name, [{ path: "", message }]);
  }
  const json = await parseJson(text, name);
  const dialect = forced ?? nameDialect(json, name);
  if (!isJsonObject(json)) {
    return fail(name, [{ path: "", message: "wanted a JSON object" }]);
  }
  const { permissive = false } = options;
  const isOci = dialect === "OCI";
  const findings = new Findings({ permissive, ignoresUnknownKeys: isOci });
  const root = new ObjectReader(findings, json, []);
  const read = await loadReader(dialect);
  const config = read(root, {
    findings,
    dialect,
    isForced: forced !== undefined,
    anyVersion: options.anyOciVersion ?? false,
    ...options.rootIds && { rootIds: options.rootIds },
    directory: () => directoryOf(options),
    bundle: () => bundleOf(options),
  });
  root.finish();
  const toText = await loadToText(dialect);
  for (const { path, message } of findFaults(config)) {
    findings.problem(toTextPath(config, path, findings, toText), message);
  }
  const body = text.replace(/^\uFEFF/, "");
  if (findings.problems.length > 0) {
    fail(name, locateFindings(body, findings.problems));
  }
  if (onWarning !== undefined && findings.warnings.length > 0) {
    locateFindings(body, findings.warnings).forEach(onWarning);
  }
  return config;
}

const READ_LENGTH = 65536;

async function readBytes(path: string): Promise<Uint8Array> {
  using file = await Deno.open(path);
  const { isFile, size } = await file.stat();
  if (isFile && size > MAX_TEXT_LENGTH) {
    throw new RangeError(`longer than ${MAX_TEXT_LENGTH} bytes`);
  }
  // Pipes and /proc files have no size, so the bound is kept while reading. Not
  // through a stream: the first one of a program costs milliseconds.
  const chunks: Uint8Array[] = [];
  const buffer = new Uint8Array(READ_LENGTH);
  let length = 0;
  for (;;) {
    const count = await file.read(buffer);
    if (count === null) break;
    chunks.push(buffer.slice(0, count));
    length += count;
    if (length > MAX_TEXT_LENGTH) {
      throw new RangeError(`longer than ${MAX_TEXT_LENGTH} bytes`);
    }
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/**
 * Reads a container.json of any dialect, or an OCI config.json, from a file.
 *
 * @param path Path of the file.
 * @param options Dialect, directory, and how strict to be.
 * @returns The checked configuration.
 * @throws {ConfigError} `ConfigInvalid` when the file cannot be read, is not
 * UTF-8, or has faults.
 *
 * @example A file that is not there
 * ```ts
 * import { assertRejects } from "@std/assert";
 * import { ConfigError } from "../errors.ts";
 * import { loadConfig } from "./parse.ts";
 *
 * await assertRejects(() => loadConfig("/nowhere/container.json"), ConfigError);
 * ```
 */
export async function loadConfig(
  path: string,
  options: Omit<ParseConfigOptions, "path"> = {},
): Promise<Config> {
  let text: string;
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true });
    text = decoder.decode(await readBytes(path));
  } catch (cause) {
    const reason = cause instanceof TypeError
      ? "not valid UTF-8"
      : cause instanceof Error
      ? cause.message.replace(/ \(os error \d+\).*$/s, "")
      : String(cause);
    const message = `cannot read the configuration: ${reason}`;
    throw new ConfigError(`${path}: ${message}`, [{ path: "", message }], {
      cause,
      context: { path },
    });
  }
  return await parseConfig(text, { ...options, path });
}

/**
 * Reads `process` of an OCI config.json.
 *
 * @module
 */
import {
  CAPABILITIES,
  type CapabilityName,
  parseCapability,
} from "../names/capabilities.ts";
import { nearestName } from "../names/nearest.ts";
import { parseRlimitType, RLIMITS } from "../names/rlimits.ts";
import {
  INT32,
  type IntegerBounds,
  type ObjectReader,
  UINT64,
} from "../object_reader.ts";
import { quote } from "../problems.ts";
import { compact, nonEmpty } from "../reading.ts";
import {
  readAffinity,
  readIoPriority,
  readScheduler,
} from "../sections/attributes.ts";
import type {
  CapabilitySets,
  Config,
  ConsoleSize,
  ProcessDefaults,
  Rlimit,
} from "../types.ts";
import { requireKeys } from "./oci_mappings.ts";

/** 4294967295 means "no change" to the kernel. */
const IDS: IntegerBounds = { min: 0, max: 0xfffffffe };
const UMASKS: IntegerBounds = { min: 0, max: 0o777 };
/** Sides of a terminal, as TIOCSWINSZ takes them. */
const SIDES: IntegerBounds = { min: 0, max: 0xffff };
/** Members that mean something on other systems only. */
const FOREIGN = ["commandLine"] as const;

/** Kernels have more than a runtime knows, so the specification wants a warning. */
function readNames(item: ObjectReader, key: string): CapabilityName[] {
  const names = item.list(key, (value, path) => {
    if (typeof value !== "string") {
      return item.findings.problem(path, "wanted the name of a capability");
    }
    const name = parseCapability(value);
    if (name !== undefined) return name;
    const nearest = nearestName(value.replace(/^CAP_/, ""), CAPABILITIES);
    const hint = nearest === undefined ? "" : `; did you mean CAP_${nearest}?`;
    const message = `unknown capability ${quote(value)} is left out${hint}`;
    return item.findings.warn(path, message);
  });
  return [...new Set(names)];
}

function readCapabilities(item: ObjectReader): CapabilitySets | undefined {
  return item.object("capabilities", (sets) => ({
    bounding: readNames(sets, "bounding"),
    effective: readNames(sets, "effective"),
    inheritable: readNames(sets, "inheritable"),
    permitted: readNames(sets, "permitted"),
    ambient: readNames(sets, "ambient"),
  }));
}

function readRlimit(item: ObjectReader): Rlimit | undefined {
  requireKeys(item, ["type", "soft", "hard"]);
  const name = item.string("type");
  const type = name.startsWith("RLIMIT_") ? parseRlimitType(name) : undefined;
  const hard = item.int64("hard", UINT64) ?? 0;
  const soft = item.int64("soft", UINT64) ?? 0;
  if (type !== undefined) return { type, hard, soft };
  const known = RLIMITS.map((limit) => `RLIMIT_${limit}`);
  if (!item.has("type")) return undefined;
  return item.findings.unknown(item.at("type"), "limit", name, known);
}

function readRlimits(item: ObjectReader): Rlimit[] | undefined {
  const seen = new Set<number>();
  return item.objects("rlimits", (limit) => {
    const read = readRlimit(limit);
    if (read !== undefined && seen.has(read.type)) {
      limit.findings.problem(limit.at("type"), "listed twice; keep one");
    }
    if (read !== undefined) seen.add(read.type);
    return read;
  });
}

/** User and groups are numbers; they are never looked up as names. */
function readUser(
  item: ObjectReader,
): { readonly user: string; readonly rest: Partial<Config> } {
  const read = item.object("user", (user) => {
    const uid = user.integer("uid", IDS);
    const gid = user.integer("gid", IDS);
    const groups = user.list("additionalGids", (id, path) => {
      const isId = typeof id === "number" && Number.isInteger(id) && id >= 0 &&
        id <= IDS.max;
      if (isId) return String(id);
      const wanted = `wanted a number from 0 to ${IDS.max}`;
      return user.findings.problem(path, wanted);
    });
    const umask = user.has("umask") ? user.integer("umask", UMASKS) : undefined;
    if (user.has("username")) {
      const message = "names are for Windows; uid and gid count";
      user.findings.warn(user.at("username"), message);
    }
    const rest = compact<Partial<Config>>({
      umask,
      additionalGroups: groups?.length === 0 ? undefined : groups,
    });
    return { user: `${uid}:${gid}`, rest };
  });
  return read ?? { user: "0:0", rest: {} };
}

function readConsoleSize(item: ObjectReader): ConsoleSize | undefined {
  return item.object("consoleSize", (size) => {
    requireKeys(size, ["height", "width"]);
    return {
      height: size.integer("height", SIDES),
      width: size.integer("width", SIDES),
    };
  });
}

function readCwd(item: ObjectReader): string {
  const cwd = item.string("cwd");
  if (cwd.startsWith("/")) return cwd;
  const message = cwd === ""
    ? "missing; wanted an absolute path"
    : `found ${quote(cwd)}, wanted an absolute path`;
  return item.findings.problem(item.at("cwd"), message) ?? "/";
}

function readDefaults(item: ObjectReader, user: string): ProcessDefaults {
  return compact<ProcessDefaults>({
    args: item.strings("args"),
    env: item.strings("env") ?? [],
    user,
    cwd: readCwd(item),
    tty: item.boolean("terminal"),
    consoleSize: readConsoleSize(item),
    makeCwd: true,
  });
}

function readProcess(item: ObjectReader): Partial<Config> {
  const { user, rest } = readUser(item);
  const process = readDefaults(item, user);
  item.findings.setOrigin(process, item.path);
  for (const key of FOREIGN) {
    if (!item.has(key)) continue;
    item.findings.warn(item.at(key), `${key} is for Windows; args count`);
  }
  return compact<Partial<Config>>({
    process,
    ...rest,
    capabilities: readCapabilities(item),
    rlimits: readRlimits(item),
    // Told apart from "not said": a filter alone brings it elsewhere, not here.
    noNewPrivileges: item.boolean("noNewPrivileges"),
    apparmorProfile: nonEmpty(item.string("apparmorProfile")),
    processLabel: nonEmpty(item.string("selinuxLabel")),
    oomScoreAdj: item.has("oomScoreAdj")
      ? item.integer("oomScoreAdj", INT32)
      : undefined,
    scheduler: readScheduler(item, "scheduler"),
    ioPriority: readIoPriority(item, "ioPriority"),
    execCpuAffinity: readAffinity(item, "execCPUAffinity"),
  });
}

/**
 * Reads `process` of an OCI config.json.
 *
 * @param root The root object.
 * @returns The members that concern the process; none when there is no process.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readOciProcess } from "./oci_process.ts";
 *
 * const text = { process: { cwd: "/", args: ["sh"], user: { uid: 5, gid: 6 } } };
 * const root = new ObjectReader(new Findings(), text, []);
 * assertEquals(readOciProcess(root).process?.user, "5:6");
 * ```
 */
export function readOciProcess(root: ObjectReader): Partial<Config> {
  return root.object("process", readProcess) ?? {};
}

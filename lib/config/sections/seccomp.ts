/**
 * Reads `seccomp` in its three spellings: numbers and a deny list (the original),
 * names and the number of a default action (early runc), and that of OCI, which
 * says everything.
 *
 * The original's faults are not copied: all conditions of a rule must hold,
 * "greater" does not accept equal, every architecture is checked.
 *
 * @module
 */
import {
  ACTIONS_E,
  OPERATORS_D,
  OPERATORS_E,
  SECCOMP_ACTIONS,
  SECCOMP_ARCHITECTURES,
  SECCOMP_ARCHITECTURES_RUNC,
  SECCOMP_FILTER_FLAGS,
  SECCOMP_OPERATORS,
} from "../names/seccomp.ts";
import { INT32, type ObjectReader, UINT64 } from "../object_reader.ts";
import { compact, nonEmpty } from "../reading.ts";
import type {
  Seccomp,
  SeccompAction,
  SeccompArg,
  SeccompSyscall,
} from "../types.ts";

const MAX_ERRNO = 4094;

function readArg(item: ObjectReader, isNamed: boolean): SeccompArg | undefined {
  const number = item.integer("op");
  const op = isNamed ? OPERATORS_E[number - 1] : OPERATORS_D[number];
  const value = item.int64("value", UINT64) ?? 0;
  const second = item.int64("value_two", UINT64) ?? 0;
  const index = item.integer("index", { min: 0, max: 5 });
  if (op === undefined) {
    const range = isNamed ? "1 to 7" : "0 to 4";
    return item.refuse("op", number, `the number of an operator, ${range}`);
  }
  // D compared the masked argument with the mask itself.
  const isMask = op === "SCMP_CMP_MASKED_EQ" && !isNamed;
  return { index, value, valueTwo: isMask ? value : second, op };
}

/** D: -3 kill, -2 trap, -1 allow, anything else is an errno. */
function readActionD(
  item: ObjectReader,
): { action: SeccompAction; errnoRet?: number } {
  const number = item.integer("action", { min: -3, max: MAX_ERRNO });
  if (number === -3) return { action: "SCMP_ACT_KILL" };
  if (number === -2) return { action: "SCMP_ACT_TRAP" };
  if (number === -1) return { action: "SCMP_ACT_ALLOW" };
  return { action: "SCMP_ACT_ERRNO", errnoRet: number };
}

function readActionE(item: ObjectReader, key: string): SeccompAction {
  const number = item.integer(key);
  const action = ACTIONS_E[number - 1];
  if (action !== undefined) return action;
  const wanted = `the number of an action, 1 to ${ACTIONS_E.length}`;
  return item.refuse(key, number, wanted) ?? "SCMP_ACT_KILL";
}

function readSyscall(
  item: ObjectReader,
  isNamed: boolean,
): SeccompSyscall {
  const name = isNamed
    ? item.string("name")
    : item.integer("value", { min: 0, max: INT32.max });
  const action = isNamed
    ? { action: readActionE(item, "action") }
    : readActionD(item);
  const args = item.objects("args", (arg) => readArg(arg, isNamed)) ?? [];
  return { name, ...action, args };
}

/** A name out of a table, or a fault. */
function readName<T extends string>(
  item: ObjectReader,
  key: string,
  kind: string,
  table: Readonly<Record<T, unknown>>,
): T | undefined {
  const name = item.string(key);
  if (Object.hasOwn(table, name)) return name as T;
  return item.findings.unknown(item.at(key), kind, name, Object.keys(table));
}

function readNames(
  item: ObjectReader,
  key: string,
  kind: string,
  table: Readonly<Record<string, unknown>>,
): string[] | undefined {
  return item.list(key, (value, path) => {
    const name = typeof value === "string" ? value : "";
    if (Object.hasOwn(table, name)) return name;
    return item.findings.unknown(path, kind, name, Object.keys(table));
  });
}

function readArchitectures(item: ObjectReader): string[] {
  const known = { ...SECCOMP_ARCHITECTURES_RUNC, ...SECCOMP_ARCHITECTURES };
  const names = readNames(item, "architectures", "architecture", known);
  return (names ?? []).map((name) => SECCOMP_ARCHITECTURES_RUNC[name] ?? name);
}

function readErrno(item: ObjectReader, key: string): number | undefined {
  return item.has(key) ? item.integer(key, { min: 0, max: 0xffff }) : undefined;
}

function readArgOci(item: ObjectReader): SeccompArg | undefined {
  const op = readName(item, "op", "operator", SECCOMP_OPERATORS);
  const arg = {
    index: item.integer("index", { min: 0, max: 5 }),
    value: item.int64("value", UINT64) ?? 0,
    valueTwo: item.int64("valueTwo", UINT64) ?? 0,
  };
  return op && { ...arg, op };
}

/** One rule for each of its names, or of its numbers. */
function readRulesOci(item: ObjectReader): SeccompSyscall[] {
  const names = item.list(
    "names",
    (name, path): string | number | undefined => {
      if (typeof name === "string") return name;
      if (typeof name === "number" && Number.isInteger(name)) return name;
      return item.findings.problem(path, "wanted the name of a system call");
    },
  );
  if (names === undefined || names.length === 0) {
    item.findings.problem(
      item.at("names"),
      "wanted at least one name of a system call",
    );
  }
  const action = readName(item, "action", "action", SECCOMP_ACTIONS);
  const errnoRet = readErrno(item, "errnoRet");
  const args = item.objects("args", readArgOci) ?? [];
  // Written by engines, for people.
  item.string("comment");
  if (action === undefined) return [];
  return (names ?? []).map((name) => {
    const rule = compact<SeccompSyscall>({ name, action, errnoRet, args });
    item.findings.setOrigin(rule, item.path);
    return rule;
  });
}

/**
 * Reads a filter in the spelling of OCI.
 *
 * @param item The object of the filter.
 * @returns The filter; calls that libseccomp does not know are faults still.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readFilterOci } from "./seccomp.ts";
 *
 * const text = { defaultAction: "SCMP_ACT_ALLOW" };
 * const item = new ObjectReader(new Findings(), text, []);
 * assertEquals(readFilterOci(item).syscalls, []);
 * ```
 */
export function readFilterOci(item: ObjectReader): Seccomp {
  const defaultAction =
    readName(item, "defaultAction", "action", SECCOMP_ACTIONS) ??
      "SCMP_ACT_KILL";
  return compact<Seccomp>({
    defaultAction,
    defaultErrnoRet: readErrno(item, "defaultErrnoRet"),
    architectures: readArchitectures(item),
    flags: readNames(item, "flags", "flag", SECCOMP_FILTER_FLAGS),
    listenerPath: nonEmpty(item.string("listenerPath")),
    listenerMetadata: nonEmpty(item.string("listenerMetadata")),
    syscalls: (item.objects("syscalls", readRulesOci) ?? []).flat(),
  });
}

/** The original's and runc's. */
function readFilterEarly(item: ObjectReader, isNamed: boolean): Seccomp {
  const defaultAction = isNamed
    ? readActionE(item, "default_action")
    : "SCMP_ACT_ALLOW";
  const architectures = readArchitectures(item);
  const syscalls = item.objects(
    "syscalls",
    (inner) => readSyscall(inner, isNamed),
  );
  return { defaultAction, architectures, syscalls: syscalls ?? [] };
}

function readFilter(item: ObjectReader): Seccomp {
  const isNamed = item.has("default_action");
  const filter = !isNamed && item.has("defaultAction")
    ? readFilterOci(item)
    : readFilterEarly(item, isNamed);
  const ignoreUnknown = item.boolean("ignore_unknown") ||
    item.findings.isPermissive;
  return { ...filter, ...ignoreUnknown && { ignoreUnknown } };
}

/**
 * Reads `seccomp`.
 *
 * @param root The root object.
 * @returns The filter; `undefined` when the key is missing.
 *
 * @example Answering one call with EPERM
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readSeccomp } from "./seccomp.ts";
 *
 * const text = { seccomp: { syscalls: [{ value: 90, action: 1 }] } };
 * const root = new ObjectReader(new Findings(), text, []);
 * assertEquals(readSeccomp(root)?.syscalls[0]?.errnoRet, 1);
 * ```
 */
export function readSeccomp(root: ObjectReader): Seccomp | undefined {
  return root.object("seccomp", readFilter);
}

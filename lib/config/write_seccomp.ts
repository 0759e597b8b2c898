/**
 * The filter as dialect D wrote it where that can say it, else as early runc,
 * else as OCI.
 *
 * @module
 */
import type { JsonObject } from "./json.ts";
import { ACTIONS_E, OPERATORS_D, OPERATORS_E } from "./names/seccomp.ts";
import type { Seccomp, SeccompSyscall } from "./types.ts";

/** Takes a sentence for each setting that is lost or changed. */
export type WarningSink = (warning: string) => void;

const EPERM = 1;

/** Number of an action in D: -3 kill, -2 trap, -1 allow, else the errno. */
function toActionD(action: string, errno = EPERM): number | undefined {
  if (action === "SCMP_ACT_KILL") return -3;
  if (action === "SCMP_ACT_TRAP") return -2;
  if (action === "SCMP_ACT_ALLOW") return -1;
  return action === "SCMP_ACT_ERRNO" ? errno : undefined;
}

/** The filter with numbers, or nothing where D cannot say it. */
function writeSeccompD(seccomp: Seccomp): JsonObject | undefined {
  if (
    seccomp.defaultAction !== "SCMP_ACT_ALLOW" ||
    seccomp.architectures.length > 0 || (seccomp.flags ?? []).length > 0
  ) return undefined;
  const syscalls: JsonObject[] = [];
  for (const { name, action, errnoRet, args } of seccomp.syscalls) {
    const number = toActionD(action, errnoRet);
    if (typeof name !== "number" || number === undefined) return undefined;
    const items: JsonObject[] = [];
    for (const { index, value, valueTwo, op } of args) {
      const isMask = op === "SCMP_CMP_MASKED_EQ";
      const operator = OPERATORS_D.indexOf(op);
      const fits = operator >= 0 && value <= 0xffffffff &&
        (isMask ? valueTwo === value : BigInt(valueTwo) === 0n);
      if (!fits) return undefined;
      items.push({ index, value, op: operator });
    }
    syscalls.push({ value: name, action: number, args: items });
  }
  return { syscalls };
}

/** Number of an action in E, with the errno that it implies; undefined when there is none. */
function toActionE(action: string, errno = EPERM): number | undefined {
  const number = ACTIONS_E.findIndex((known) => known === action) + 1;
  const hasErrno = action === "SCMP_ACT_ERRNO" || action === "SCMP_ACT_TRACE";
  return number === 0 || hasErrno && errno !== EPERM ? undefined : number;
}

/** The filter with names and numbers of actions, or nothing where E cannot say it. */
function writeSeccompE(seccomp: Seccomp): JsonObject | undefined {
  const { defaultErrnoRet, architectures, flags = [] } = seccomp;
  const action = toActionE(seccomp.defaultAction, defaultErrnoRet);
  if (action === undefined || flags.length > 0) return undefined;
  if (seccomp.listenerPath !== undefined) return undefined;
  const syscalls: JsonObject[] = [];
  for (const { name, action, errnoRet, args } of seccomp.syscalls) {
    const number = toActionE(action, errnoRet);
    if (typeof name === "number" || number === undefined) return undefined;
    const items = args.map(({ index, value, valueTwo, op }) => ({
      index,
      value,
      value_two: valueTwo,
      op: OPERATORS_E.indexOf(op) + 1,
    }));
    syscalls.push({ name, action: number, args: items });
  }
  return { default_action: action, architectures, syscalls };
}

/** Whether two neighbours differ in nothing but the name. */
function isSameRule(left: SeccompSyscall, right: SeccompSyscall): boolean {
  return left.action === right.action && left.errnoRet === right.errnoRet &&
    left.args.length === right.args.length &&
    left.args.every((arg, index) => {
      const other = right.args[index];
      return arg.index === other?.index && arg.op === other.op &&
        BigInt(arg.value) === BigInt(other.value) &&
        BigInt(arg.valueTwo) === BigInt(other.valueTwo);
    });
}

function writeRule(
  { action, errnoRet, args }: SeccompSyscall,
  names: readonly (string | number)[],
): JsonObject {
  return {
    names,
    action,
    ...errnoRet === undefined ? {} : { errnoRet },
    ...args.length === 0 ? {} : {
      args: args.map(({ index, value, valueTwo, op }) => ({
        index,
        value,
        ...BigInt(valueTwo) === 0n ? {} : { valueTwo },
        op,
      })),
    },
  };
}

function writeRules(rules: readonly SeccompSyscall[]): JsonObject[] {
  const groups: { rule: SeccompSyscall; names: (string | number)[] }[] = [];
  for (const rule of rules) {
    const last = groups.at(-1);
    if (last !== undefined && isSameRule(last.rule, rule)) {
      last.names.push(rule.name);
    } else groups.push({ rule, names: [rule.name] });
  }
  return groups.map(({ rule, names }) => writeRule(rule, names));
}

/**
 * Turns a filter into the JSON of OCI. Pure.
 *
 * @param seccomp The filter; its calls may have numbers, which OCI itself does not know.
 * @returns The JSON value.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { writeSeccompOci } from "./write_seccomp.ts";
 *
 * const json = writeSeccompOci({
 *   defaultAction: "SCMP_ACT_ALLOW",
 *   architectures: [],
 *   syscalls: [
 *     { name: "mkdir", action: "SCMP_ACT_NOTIFY", args: [] },
 *     { name: "mkdirat", action: "SCMP_ACT_NOTIFY", args: [] },
 *   ],
 * });
 * assertEquals(json["syscalls"], [
 *   { names: ["mkdir", "mkdirat"], action: "SCMP_ACT_NOTIFY" },
 * ]);
 * ```
 */
export function writeSeccompOci(seccomp: Seccomp): JsonObject {
  const { defaultErrnoRet, flags, listenerPath, listenerMetadata } = seccomp;
  return {
    defaultAction: seccomp.defaultAction,
    ...defaultErrnoRet === undefined ? {} : { defaultErrnoRet },
    architectures: seccomp.architectures,
    ...flags === undefined ? {} : { flags },
    ...listenerPath === undefined ? {} : { listenerPath },
    ...listenerMetadata === undefined ? {} : { listenerMetadata },
    syscalls: writeRules(seccomp.syscalls),
  };
}

/**
 * Turns a filter into JSON: numbers and a deny list as in dialect D, names and
 * numbers of actions as in early runc, or as in OCI where these two cannot say it.
 *
 * @param seccomp The filter.
 * @returns The JSON value.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { writeSeccomp } from "./write_seccomp.ts";
 *
 * const json = writeSeccomp({
 *   defaultAction: "SCMP_ACT_ALLOW",
 *   architectures: [],
 *   syscalls: [{ name: 90, action: "SCMP_ACT_KILL", args: [] }],
 * });
 * assertEquals(json, { syscalls: [{ value: 90, action: -3, args: [] }] });
 * ```
 */
export function writeSeccomp(seccomp: Seccomp): JsonObject {
  const json = writeSeccompD(seccomp) ?? writeSeccompE(seccomp) ??
    writeSeccompOci(seccomp);
  return seccomp.ignoreUnknown ? { ...json, ignore_unknown: true } : json;
}

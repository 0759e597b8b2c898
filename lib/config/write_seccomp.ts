/**
 * The filter as dialect D wrote it where that can say it, else as early runc.
 *
 * @module
 */
import type { JsonObject } from "./json.ts";
import { ACTIONS_E, OPERATORS_D, OPERATORS_E } from "./sections/seccomp.ts";
import type { Seccomp } from "./types.ts";

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

function toActionE(
  action: string,
  errno: number | undefined,
  warn: WarningSink,
): number {
  const plain = action.replace(/_(PROCESS|THREAD)$/, "");
  const number = ACTIONS_E.findIndex((known) => known === plain) + 1;
  if (number === 0) {
    warn(`seccomp: action ${action} has no number; written as kill`);
    return 1;
  }
  if (plain !== action) warn(`seccomp: ${action} is written as ${plain}`);
  if (errno !== undefined && errno !== EPERM) {
    warn(`seccomp: errno ${errno} is written as ${EPERM}`);
  }
  return number;
}

/** The filter with names and a default action, as runc of 2015. */
function writeSeccompE(seccomp: Seccomp, warn: WarningSink): JsonObject {
  if ((seccomp.flags ?? []).length > 0) warn("seccomp: flags have no key");
  const { defaultAction, defaultErrnoRet } = seccomp;
  return {
    default_action: toActionE(defaultAction, defaultErrnoRet, warn),
    architectures: seccomp.architectures,
    syscalls: seccomp.syscalls.map(({ name, action, errnoRet, args }) => {
      if (typeof name === "number") {
        warn(`seccomp: system call ${name} has no name; runc will refuse it`);
      }
      return {
        name: String(name),
        action: toActionE(action, errnoRet, warn),
        args: args.map(({ index, value, valueTwo, op }) => ({
          index,
          value,
          value_two: valueTwo,
          op: OPERATORS_E.indexOf(op) + 1,
        })),
      };
    }),
  };
}

/**
 * Turns a filter into JSON: numbers and a deny list as in dialect D, or names
 * and a default action as in early runc.
 *
 * @param seccomp The filter.
 * @param warn Takes a sentence for each setting that is lost or changed.
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
 * }, () => {});
 * assertEquals(json, { syscalls: [{ value: 90, action: -3, args: [] }] });
 * ```
 */
export function writeSeccomp(seccomp: Seccomp, warn: WarningSink): JsonObject {
  return writeSeccompD(seccomp) ?? writeSeccompE(seccomp, warn);
}

/**
 * Checks of the system call filter.
 *
 * @module
 */
import { isDeeplyFrozen } from "../frozen.ts";
import type { JsonPath } from "../json_scan.ts";
import { nearestName } from "../names/nearest.ts";
import {
  SECCOMP_ACTIONS,
  SECCOMP_ARCHITECTURES,
  SECCOMP_FILTER_FLAGS,
  SECCOMP_OPERATORS,
} from "../names/seccomp.ts";
import { quote } from "../problems.ts";
import { canJoinConditions, splitConditions } from "../seccomp_args.ts";
import type { Config, Seccomp, SeccompSyscall } from "../types.ts";
import { findPathFault, type Report } from "./report.ts";

const MAX_SYSCALLS = 4096;
/** libseccomp's. */
const MAX_ERRNO = 4094;
const MAX_DATA = 0xffff;
const MAX_VALUE = 2n ** 64n - 1n;
const KILLABLE = "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV";

function checkName(
  at: JsonPath,
  kind: string,
  name: string,
  table: Readonly<Record<string, unknown>>,
  report: Report,
): void {
  if (Object.hasOwn(table, name)) return;
  const names = Object.keys(table);
  const nearest = nearestName(name, names);
  const hint = nearest === undefined
    ? `wanted one of ${names.join(", ")}`
    : `did you mean ${nearest}?`;
  report(at, `unknown ${kind} ${quote(String(name))}; ${hint}`);
}

/** What goes with an action: an errno, data for the tracer, or nothing. */
function checkErrno(
  at: JsonPath,
  action: string,
  errno: number | undefined,
  report: Report,
): void {
  if (errno === undefined) return;
  const isErrno = action === "SCMP_ACT_ERRNO";
  if (!isErrno && action !== "SCMP_ACT_TRACE") {
    const message =
      `${action} returns no errno; leave this out, or use SCMP_ACT_ERRNO`;
    return report(at, message);
  }
  const max = isErrno ? MAX_ERRNO : MAX_DATA;
  if (!Number.isInteger(errno) || errno < 0 || errno > max) {
    report(at, `found ${errno}, wanted 0 to ${max}`);
  }
}

function checkArgs(rule: SeccompSyscall, at: JsonPath, report: Report): void {
  let areValid = true;
  for (const [index, arg] of rule.args.entries()) {
    const isValid = Number.isInteger(arg.index) && arg.index >= 0 &&
      arg.index <= 5 && Object.hasOwn(SECCOMP_OPERATORS, arg.op) &&
      [arg.value, arg.valueTwo].every((each) => each >= 0 && each <= MAX_VALUE);
    if (isValid) continue;
    areValid = false;
    const message =
      "wanted an argument 0 to 5, an operator and values of 64 bits";
    report([...at, "args", index], message);
  }
  if (!areValid) return;
  const lists = splitConditions(rule.args);
  if (lists === undefined) {
    const message =
      "too many combinations of conditions on the same arguments;" +
      " write simpler rules";
    report([...at, "args"], message);
  } else if (lists.length === 0) {
    const message = "all conditions of a rule must hold, and these never do;" +
      " for one or the other write two rules";
    report([...at, "args"], message);
  }
}

const NAME = /^[a-z_][a-z0-9_]{0,63}$/i;

/** Whether a rule is of the kind that nearly all are, and has no fault: engines give hundreds. */
function isPlain({ name, action, errnoRet, args }: SeccompSyscall): boolean {
  return args.length === 0 && errnoRet === undefined &&
    typeof name === "string" && NAME.test(name) &&
    Object.hasOwn(SECCOMP_ACTIONS, action);
}

function checkSyscall(
  rule: SeccompSyscall,
  at: JsonPath,
  report: Report,
): void {
  const { name, action } = rule;
  const isName = typeof name === "string"
    ? NAME.test(name)
    : Number.isInteger(name) && name >= 0 && name <= 0x7fffffff;
  if (!isName) {
    report([...at, "name"], `${quote(String(name))} is no system call`);
  }
  checkName([...at, "action"], "action", action, SECCOMP_ACTIONS, report);
  checkErrno([...at, "errnoRet"], action, rule.errnoRet, report);
  checkArgs(rule, at, report);
}

/** libseccomp joins the rules of one call into one tree. */
function checkJoining({ syscalls }: Seccomp, report: Report): void {
  const conditional = new Set(
    syscalls.filter(({ args }) => args.length > 0).map(({ name }) => name),
  );
  const rules = syscalls.map((rule, index) => ({ rule, index }))
    .filter(({ rule }) => conditional.has(rule.name));
  for (const group of Map.groupBy(rules, ({ rule }) => rule.name).values()) {
    const lists = group.flatMap(({ rule }) => splitConditions(rule.args) ?? []);
    if (canJoinConditions(lists)) continue;
    const message =
      "libseccomp cannot join these conditions with those of the" +
      " same call: they share one on an earlier argument and differ in the" +
      " upper 32 bits of a later one; write the shared one in another way";
    const index = group.at(-1)?.index ?? 0;
    report(["seccomp", "syscalls", index, "args"], message);
  }
}

/** Who is asked by SCMP_ACT_NOTIFY must be free to act itself. */
function checkNotify(seccomp: Seccomp, report: Report): void {
  const { listenerPath, listenerMetadata, flags = [] } = seccomp;
  const notified = seccomp.syscalls.filter(({ action }) =>
    action === "SCMP_ACT_NOTIFY"
  );
  if (seccomp.defaultAction === "SCMP_ACT_NOTIFY") {
    const message =
      "SCMP_ACT_NOTIFY cannot be the default: the steps before the" +
      " program would wait for an answer; name the calls in rules";
    report(["seccomp", "defaultAction"], message);
  }
  if (notified.length === 0 && flags.includes(KILLABLE)) {
    const message = `${KILLABLE} needs a rule with SCMP_ACT_NOTIFY;` +
      " leave it out";
    report(["seccomp", "flags"], message);
  }
  if (listenerPath === undefined) {
    if (listenerMetadata === undefined) return;
    const message = "sent with the listener only; give listenerPath too";
    return report(["seccomp", "listenerMetadata"], message);
  }
  const fault = findPathFault(listenerPath);
  if (fault !== undefined) report(["seccomp", "listenerPath"], fault);
}

/** Filters without a fault that nobody can change: most containers have the template's. */
const faultless = new WeakSet<Seccomp>();

/**
 * Checks that a filter can be compiled and loaded.
 *
 * @param config The configuration.
 * @param report Takes every fault.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../defaults.ts";
 * import { checkSeccomp } from "./seccomp.ts";
 *
 * const faults: string[] = [];
 * const seccomp = {
 *   defaultAction: "SCMP_ACT_NOTIFY",
 *   architectures: [],
 *   syscalls: [],
 * } as const;
 * checkSeccomp(
 *   { ...defaultConfig("/srv"), seccomp },
 *   (path) => faults.push(path.join(".")),
 * );
 * assertEquals(faults, ["seccomp.defaultAction"]);
 * ```
 */
export function checkSeccomp({ seccomp }: Config, report: Report): void {
  if (seccomp === undefined || faultless.has(seccomp)) return;
  let isFaultless = true;
  checkFilter(seccomp, (path, message) => {
    isFaultless = false;
    report(path, message);
  });
  if (isFaultless && isDeeplyFrozen(seccomp)) faultless.add(seccomp);
}

function checkFilter(seccomp: Seccomp, report: Report): void {
  const { defaultAction, architectures, flags = [], syscalls } = seccomp;
  const at = (...keys: JsonPath): JsonPath => ["seccomp", ...keys];
  checkName(
    at("defaultAction"),
    "action",
    defaultAction,
    SECCOMP_ACTIONS,
    report,
  );
  checkErrno(
    at("defaultErrnoRet"),
    defaultAction,
    seccomp.defaultErrnoRet,
    report,
  );
  for (const [index, name] of architectures.entries()) {
    const path = at("architectures", index);
    checkName(path, "architecture", name, SECCOMP_ARCHITECTURES, report);
  }
  for (const [index, name] of flags.entries()) {
    checkName(at("flags", index), "flag", name, SECCOMP_FILTER_FLAGS, report);
  }
  if (syscalls.length > MAX_SYSCALLS) {
    report(at("syscalls"), `wanted up to ${MAX_SYSCALLS} rules`);
  }
  for (const [index, rule] of syscalls.entries()) {
    if (!isPlain(rule)) checkSyscall(rule, at("syscalls", index), report);
  }
  checkJoining(seccomp, report);
  checkNotify(seccomp, report);
}

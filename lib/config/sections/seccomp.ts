/**
 * Reads `seccomp`: numbers and deny lists (dialect D), names and a default
 * action (dialect E).
 *
 * The original's faults are not copied: all conditions of a rule must hold,
 * "greater" does not accept equal, every architecture is checked.
 *
 * @module
 */
import { INT32, type ObjectReader, UINT64 } from "../object_reader.ts";
import { compact } from "../reading.ts";
import type {
  Seccomp,
  SeccompAction,
  SeccompArg,
  SeccompOperator,
  SeccompSyscall,
} from "../types.ts";

/** Operators of dialect D, by number from 0. */
export const OPERATORS_D: readonly SeccompOperator[] = [
  "SCMP_CMP_EQ",
  "SCMP_CMP_NE",
  "SCMP_CMP_GT",
  "SCMP_CMP_LT",
  "SCMP_CMP_MASKED_EQ",
];

/** Operators of dialect E, by number from 1. */
export const OPERATORS_E: readonly SeccompOperator[] = [
  "SCMP_CMP_EQ",
  "SCMP_CMP_NE",
  "SCMP_CMP_GT",
  "SCMP_CMP_GE",
  "SCMP_CMP_LT",
  "SCMP_CMP_LE",
  "SCMP_CMP_MASKED_EQ",
];

/** Actions of dialect E, by number from 1. */
export const ACTIONS_E: readonly SeccompAction[] = [
  "SCMP_ACT_KILL",
  "SCMP_ACT_ERRNO",
  "SCMP_ACT_TRAP",
  "SCMP_ACT_ALLOW",
  "SCMP_ACT_TRACE",
  "SCMP_ACT_LOG",
];

/** runc's names of architectures, as libseccomp spells them. */
export const ARCHITECTURES: Readonly<Record<string, string>> = {
  x86: "SCMP_ARCH_X86",
  amd64: "SCMP_ARCH_X86_64",
  x32: "SCMP_ARCH_X32",
  arm: "SCMP_ARCH_ARM",
  arm64: "SCMP_ARCH_AARCH64",
  mips: "SCMP_ARCH_MIPS",
  mips64: "SCMP_ARCH_MIPS64",
  mips64n32: "SCMP_ARCH_MIPS64N32",
  mipsel: "SCMP_ARCH_MIPSEL",
  mipsel64: "SCMP_ARCH_MIPSEL64",
  mipsel64n32: "SCMP_ARCH_MIPSEL64N32",
  ppc: "SCMP_ARCH_PPC",
  ppc64: "SCMP_ARCH_PPC64",
  ppc64le: "SCMP_ARCH_PPC64LE",
  s390: "SCMP_ARCH_S390",
  s390x: "SCMP_ARCH_S390X",
  riscv64: "SCMP_ARCH_RISCV64",
};

const MAX_ERRNO = 4095;

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

function readArchitectures(item: ObjectReader): string[] {
  const names = Object.keys(ARCHITECTURES);
  return item.list("architectures", (value, path) => {
    const name = typeof value === "string" ? value : "";
    const isFull = Object.values(ARCHITECTURES).includes(name);
    return (isFull ? name : ARCHITECTURES[name]) ??
      item.findings.unknown(path, "architecture", name, names);
  }) ?? [];
}

function readFilter(item: ObjectReader): Seccomp {
  const isNamed = item.has("default_action");
  const defaultAction = isNamed
    ? readActionE(item, "default_action")
    : "SCMP_ACT_ALLOW";
  const architectures = readArchitectures(item);
  const syscalls = item.objects(
    "syscalls",
    (inner) => readSyscall(inner, isNamed),
  );
  return compact<Seccomp>({
    defaultAction,
    architectures,
    syscalls: syscalls ?? [],
  });
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

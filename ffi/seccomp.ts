/**
 * Compiles a seccomp filter: packs the rules for `c/seccomp_compile.c`, which
 * gives them to libseccomp.
 *
 * @module
 */
import type {
  Seccomp,
  SeccompAction,
  SeccompOperator,
  SeccompSyscall,
} from "../lib/config/types.ts";
import { ConfigError } from "../lib/errors.ts";
import { compileSeccomp } from "./native.ts";

/** A compiled filter. */
export interface CompiledFilter {
  /** `SECCOMP_FILTER_FLAG_*` bits. */
  readonly flags: number;
  /** `struct sock_filter` array. */
  readonly program: Uint8Array<ArrayBuffer>;
}

/** Action values of `linux/seccomp.h`. */
const ACTIONS: Readonly<Record<SeccompAction, number>> = {
  SCMP_ACT_KILL: 0,
  SCMP_ACT_KILL_THREAD: 0,
  SCMP_ACT_KILL_PROCESS: 0x80000000,
  SCMP_ACT_TRAP: 0x00030000,
  SCMP_ACT_ERRNO: 0x00050000,
  SCMP_ACT_NOTIFY: 0x7fc00000,
  SCMP_ACT_TRACE: 0x7ff00000,
  SCMP_ACT_LOG: 0x7ffc0000,
  SCMP_ACT_ALLOW: 0x7fff0000,
};

/** `enum scmp_compare` of libseccomp. */
const OPERATORS: Readonly<Record<SeccompOperator, number>> = {
  SCMP_CMP_NE: 1,
  SCMP_CMP_LT: 2,
  SCMP_CMP_LE: 3,
  SCMP_CMP_EQ: 4,
  SCMP_CMP_GE: 5,
  SCMP_CMP_GT: 6,
  SCMP_CMP_MASKED_EQ: 7,
};

/** `SCMP_ARCH_*` as AUDIT_ARCH tokens. */
const ARCHITECTURES: Readonly<Record<string, number>> = {
  SCMP_ARCH_NATIVE: 0,
  SCMP_ARCH_X86: 0x40000003,
  SCMP_ARCH_X86_64: 0xc000003e,
  SCMP_ARCH_X32: 0x4000003e,
  SCMP_ARCH_ARM: 0x40000028,
  SCMP_ARCH_AARCH64: 0xc00000b7,
};

const FLAGS: Readonly<Record<string, number>> = {
  SECCOMP_FILTER_FLAG_TSYNC: 1,
  SECCOMP_FILTER_FLAG_LOG: 2,
  SECCOMP_FILTER_FLAG_SPEC_ALLOW: 4,
};

const EPERM = 1;

function refuse(message: string, path: string): never {
  throw new ConfigError(message, [{ message, path }]);
}

function lookUp(
  table: Readonly<Record<string, number>>,
  name: string,
  path: string,
): number {
  return table[name] ??
    refuse(`Cannot use ${name} in a seccomp filter here: not known`, path);
}

function actionOf(action: SeccompAction, errnoRet: number | undefined): number {
  const value = ACTIONS[action];
  const carriesData = action === "SCMP_ACT_ERRNO" ||
    action === "SCMP_ACT_TRACE";
  return carriesData ? value | ((errnoRet ?? EPERM) & 0xffff) : value;
}

class Packer {
  readonly #parts: Uint8Array[] = [];

  words(...values: readonly number[]): void {
    const view = new DataView(new ArrayBuffer(4 * values.length));
    values.forEach((value, index) => view.setUint32(4 * index, value, true));
    this.#parts.push(new Uint8Array(view.buffer));
  }

  long(value: number | bigint): void {
    const view = new DataView(new ArrayBuffer(8));
    view.setBigUint64(0, BigInt.asUintN(64, BigInt(value)), true);
    this.#parts.push(new Uint8Array(view.buffer));
  }

  padded(text: Uint8Array): void {
    const padding = (4 - text.length % 4) % 4;
    this.#parts.push(text, new Uint8Array(padding));
  }

  finish(): Uint8Array<ArrayBuffer> {
    const length = this.#parts.reduce((sum, part) => sum + part.length, 0);
    const all = new Uint8Array(length);
    let at = 0;
    for (const part of this.#parts) {
      all.set(part, at);
      at += part.length;
    }
    return all;
  }
}

function packRule(packer: Packer, rule: SeccompSyscall): void {
  const name = typeof rule.name === "string"
    ? new TextEncoder().encode(rule.name)
    : new Uint8Array();
  packer.words(
    typeof rule.name === "number" ? rule.name : -1,
    actionOf(rule.action, rule.errnoRet),
    rule.args.length,
    name.length,
  );
  for (const arg of rule.args) {
    packer.words(arg.index, OPERATORS[arg.op]);
    packer.long(arg.value);
    packer.long(arg.valueTwo);
  }
  packer.padded(name);
}

/**
 * Packs the rules of a filter. Pure.
 *
 * @param seccomp The filter.
 * @returns Bytes in the layout of `c/seccomp_compile.c`.
 * @throws {ConfigError} `ConfigInvalid` for an architecture that is not known.
 *
 * @example
 * ```ts
 * import { packRules } from "./seccomp.ts";
 *
 * packRules({ defaultAction: "SCMP_ACT_ALLOW", architectures: [], syscalls: [] });
 * ```
 */
export function packRules(seccomp: Seccomp): Uint8Array<ArrayBuffer> {
  const packer = new Packer();
  packer.words(
    actionOf(seccomp.defaultAction, seccomp.defaultErrnoRet),
    seccomp.architectures.length,
    seccomp.syscalls.length,
    0,
  );
  seccomp.architectures.forEach((name, index) =>
    packer.words(
      lookUp(ARCHITECTURES, name, `seccomp.architectures[${index}]`),
    )
  );
  for (const rule of seccomp.syscalls) packRule(packer, rule);
  return packer.finish();
}

/** Compiled filters of this process; the oldest goes first. */
const KEPT = 16;
const compiled = new Map<string, CompiledFilter>();

/** The rules as text: the caller may have changed them since. */
function keyOf(seccomp: Seccomp): string {
  return JSON.stringify(
    seccomp,
    (_, value) => typeof value === "bigint" ? `${value}n` : value,
  );
}

/**
 * Compiles a filter for this machine, or takes what was made of the same rules
 * before: some hundred rules take longer to compile than a container to start.
 *
 * @param seccomp The filter.
 * @returns The program and its load flags.
 * @throws {ConfigError} `ConfigInvalid` for an unknown system call, architecture or flag.
 * @throws {KernelError} `SystemError` if libseccomp refuses the rules.
 *
 * @example
 * ```ts ignore
 * const { program } = compileFilter(config.seccomp);
 * ```
 */
export function compileFilter(seccomp: Seccomp): CompiledFilter {
  const key = keyOf(seccomp);
  const known = compiled.get(key);
  if (known !== undefined) return known;
  const made = compileRules(seccomp);
  const [oldest] = compiled.keys();
  if (compiled.size >= KEPT && oldest !== undefined) compiled.delete(oldest);
  compiled.set(key, made);
  return made;
}

function compileRules(seccomp: Seccomp): CompiledFilter {
  const program = compileSeccomp(packRules(seccomp));
  if ("unknownRule" in program) {
    const rule = seccomp.syscalls[program.unknownRule];
    return refuse(
      `Cannot filter system call ${
        JSON.stringify(rule?.name)
      }: this machine has none of that name`,
      `seccomp.syscalls[${program.unknownRule}]`,
    );
  }
  const flags = (seccomp.flags ?? []).reduce(
    (bits, name, index) =>
      bits | lookUp(FLAGS, name, `seccomp.flags[${index}]`),
    0,
  );
  return { flags, program };
}

/**
 * Compiles a seccomp filter: packs the rules for `c/seccomp_compile.c`, which
 * gives them to libseccomp.
 *
 * @module
 */
import {
  SECCOMP_ACTIONS,
  SECCOMP_ARCHITECTURES,
  SECCOMP_FILTER_FLAGS,
  SECCOMP_OPERATORS,
} from "../lib/config/names/seccomp.ts";
import { isDeeplyFrozen } from "../lib/config/frozen.ts";
import { splitConditions } from "../lib/config/seccomp_args.ts";
import type {
  Seccomp,
  SeccompAction,
  SeccompSyscall,
} from "../lib/config/types.ts";
import { ConfigError } from "../lib/errors.ts";
import { splitProgram } from "../lib/plan/seccomp_split.ts";
import type { CompiledFilter } from "../lib/plan/types.ts";
import { library } from "./library.ts";
import { compileSeccomp } from "./native.ts";

const EPERM = 1;
const TSYNC = 1;
const NEW_LISTENER = 8;
const TSYNC_ESRCH = 16;
const WAIT_KILLABLE_RECV = 32;

/** Calls that the steps between the two parts of a filter need, by their numbers. */
const CALLS = Deno.build.arch === "aarch64"
  ? { sendmsg: 211, sendmmsg: 269, seccomp: 277 }
  : { sendmsg: 46, sendmmsg: 307, seccomp: 317 };

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
  const value = SECCOMP_ACTIONS[action];
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
    packer.words(arg.index, SECCOMP_OPERATORS[arg.op]);
    packer.long(arg.value);
    packer.long(arg.valueTwo);
  }
  packer.padded(name);
}

/** The rules as libseccomp takes them, each with the index of the one that it was made of. */
function expand(
  syscalls: readonly SeccompSyscall[],
): { readonly rule: SeccompSyscall; readonly index: number }[] {
  return syscalls.flatMap((rule, index) => {
    const lists = splitConditions(rule.args) ??
      refuse(
        "Cannot filter by so many conditions on the same arguments: write simpler rules",
        `seccomp.syscalls[${index}].args`,
      );
    return lists.map((args) => ({ rule: { ...rule, args }, index }));
  });
}

/**
 * Packs the rules of a filter. Pure.
 *
 * @param seccomp The filter; its rules have one condition at most for each argument.
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
    // Whoever may name calls that are not known here may not know those of this kernel.
    seccomp.ignoreUnknown ? 1 : 0,
  );
  seccomp.architectures.forEach((name, index) =>
    packer.words(
      lookUp(SECCOMP_ARCHITECTURES, name, `seccomp.architectures[${index}]`),
    )
  );
  for (const rule of seccomp.syscalls) packRule(packer, rule);
  return packer.finish();
}

/** Programs that were compiled before, by this process or another. */
export interface FilterCache {
  /** The program made of rules with this text, if it is known. */
  read(rules: string): Uint8Array<ArrayBuffer> | undefined;
  /** Keeps it. */
  write(rules: string, program: Uint8Array<ArrayBuffer>): void;
}

/** The version of libseccomp, e.g. `2.5.4`. */
export function seccompVersion(): string {
  const bits = library().nsi_seccomp_version();
  return [bits >>> 16, (bits >>> 8) & 0xff, bits & 0xff].join(".");
}

/** Fewer rules are compiled sooner than a file is read. */
const CACHED_RULES = 64;

/** Compiled filters of this process; the oldest goes first. */
const KEPT = 16;
const compiled = new Map<string, CompiledFilter>();
/** Those of rules that cannot change: their text takes longer to make than all else of a Plan. */
const compiledFrozen = new WeakMap<Seccomp, CompiledFilter>();

/** The rules as text: the caller may have changed them since. */
function keyOf(seccomp: Seccomp): string {
  // A replacer is called thousands of times, and rarely for anything.
  const isPlain = seccomp.syscalls.every(({ args }) =>
    args.every(({ value, valueTwo }) =>
      typeof value !== "bigint" && typeof valueTwo !== "bigint"
    )
  );
  return isPlain ? JSON.stringify(seccomp) : JSON.stringify(
    seccomp,
    (_, value) => typeof value === "bigint" ? `${value}n` : value,
  );
}

/** The program, from the cache where that is worth while. */
function programOf(
  seccomp: Seccomp,
  key: string,
  cache: FilterCache | undefined,
): Uint8Array<ArrayBuffer> {
  if (!cache || seccomp.syscalls.length < CACHED_RULES) {
    return compileProgram(seccomp);
  }
  const known = cache.read(key);
  if (known) return known;
  const program = compileProgram(seccomp);
  cache.write(key, program);
  return program;
}

/** The program; rules for calls that libseccomp does not know are left out when that is wanted. */
function compileProgram(seccomp: Seccomp): Uint8Array<ArrayBuffer> {
  let rules = expand(seccomp.syscalls);
  for (;;) {
    const syscalls = rules.map(({ rule }) => rule);
    const result = compileSeccomp(packRules({ ...seccomp, syscalls }));
    if (result instanceof Uint8Array) return result;
    if (result.refused === "architecture") {
      const name = seccomp.architectures[result.index];
      return refuse(
        `Cannot filter calls of ${name}: this machine's libseccomp does not know it, or its byte order is another; leave it out`,
        `seccomp.architectures[${result.index}]`,
      );
    }
    const at = rules[result.index];
    const name = JSON.stringify(at?.rule.name);
    const path = `seccomp.syscalls[${at?.index}]`;
    if (result.refused === "rule") {
      return refuse(
        `Cannot filter system call ${name}: libseccomp refuses the rule`,
        path,
      );
    }
    if (!seccomp.ignoreUnknown) {
      return refuse(
        `Cannot filter system call ${name}: this machine has none of that name; correct it, or set "ignore_unknown" to leave such rules out`,
        path,
      );
    }
    rules = rules.filter(({ rule }) => rule.name !== at?.rule.name);
  }
}

function isNotified(seccomp: Seccomp, name: keyof typeof CALLS): boolean {
  return seccomp.syscalls.some((rule) =>
    rule.action === "SCMP_ACT_NOTIFY" &&
    (rule.name === name || rule.name === CALLS[name])
  );
}

/** The two parts of a filter whose calls are answered by a listener. */
function splitForListener(
  seccomp: Seccomp,
  flags: number,
  program: Uint8Array<ArrayBuffer>,
): CompiledFilter {
  const canSend = !isNotified(seccomp, "sendmsg");
  if (isNotified(seccomp, "seccomp")) {
    return refuse(
      "Cannot answer seccomp by SCMP_ACT_NOTIFY: the rest of the filter is loaded by it; take it out of the rule",
      "seccomp.syscalls",
    );
  }
  if (!canSend && isNotified(seccomp, "sendmmsg")) {
    return refuse(
      "Cannot answer both sendmsg and sendmmsg by SCMP_ACT_NOTIFY: the listener itself is sent by one of them; take one out of the rules",
      "seccomp.syscalls",
    );
  }
  const { notifying, rest } = splitProgram(program);
  const esrch = flags & TSYNC ? TSYNC_ESRCH : 0;
  return {
    flags: flags & ~WAIT_KILLABLE_RECV,
    program: rest,
    notify: {
      flags: flags | NEW_LISTENER | esrch,
      program: notifying,
      send: canSend ? "sendmsg" : "sendmmsg",
    },
  };
}

/**
 * Compiles a filter for this machine, or takes what was made of the same rules
 * before: some hundred rules take longer to compile than a container to start.
 *
 * @param seccomp The filter.
 * @param cache Where programs of other processes are found.
 * @returns The program and its load flags.
 * @throws {ConfigError} `ConfigInvalid` for an unknown system call, architecture
 * or flag, and for calls that the loading itself needs and cannot wait for.
 * @throws {KernelError} `SystemError` if libseccomp fails, `E2BIG` when the
 * filter has more than 4096 instructions.
 *
 * @example
 * ```ts ignore
 * const { program } = compileFilter(config.seccomp);
 * ```
 */
export function compileFilter(
  seccomp: Seccomp,
  cache?: FilterCache,
): CompiledFilter {
  const same = compiledFrozen.get(seccomp);
  if (same !== undefined) return same;
  const filter = compileText(seccomp, keyOf(seccomp), cache);
  if (isDeeplyFrozen(seccomp)) compiledFrozen.set(seccomp, filter);
  return filter;
}

function compileText(
  seccomp: Seccomp,
  key: string,
  cache: FilterCache | undefined,
): CompiledFilter {
  const known = compiled.get(key);
  if (known !== undefined) return known;
  const made = compileRules(seccomp, key, cache);
  const [oldest] = compiled.keys();
  if (compiled.size >= KEPT && oldest !== undefined) compiled.delete(oldest);
  compiled.set(key, made);
  return made;
}

function compileRules(
  seccomp: Seccomp,
  key: string,
  cache: FilterCache | undefined,
): CompiledFilter {
  const flags = (seccomp.flags ?? []).reduce(
    (bits, name, index) =>
      bits | lookUp(SECCOMP_FILTER_FLAGS, name, `seccomp.flags[${index}]`),
    0,
  );
  const program = programOf(seccomp, key, cache);
  return seccomp.syscalls.some(({ action }) => action === "SCMP_ACT_NOTIFY")
    ? splitForListener(seccomp, flags, program)
    : { flags, program };
}

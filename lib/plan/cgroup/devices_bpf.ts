/**
 * Device rules -> program for cgroup version 2 (`BPF_CGROUP_DEVICE`).
 *
 * The kernel calls it with `struct bpf_cgroup_dev_ctx`: u32 access_type (type
 * in the low half: 1 block, 2 character; access in the high half: 1 mknod, 2
 * read, 4 write), u32 major, u32 minor. It returns 1 to allow.
 *
 * @module
 */
import type { DevicePolicy, DeviceRule } from "./devices.ts";

/** Device types, as in `linux/bpf.h`. */
const TYPE = { b: 1, c: 2 } as const;

/** Operation codes of the few instructions needed; see `linux/bpf.h`. */
const CODE = {
  loadWord: 0x61, // dst = *(u32 *)(src + offset)
  copy: 0xbf, // dst = src
  set: 0xb7, // dst = immediate
  and: 0x57, // dst &= immediate
  shiftRight: 0x77, // dst >>= immediate
  jumpEqual: 0x15, // if dst == immediate skip offset
  jumpNotEqual: 0x55, // if dst != immediate skip offset
  exit: 0x95,
} as const;

/** One `struct bpf_insn`. */
interface Instruction {
  readonly code: number;
  readonly dst?: number;
  readonly src?: number;
  readonly offset?: number;
  readonly immediate?: number;
}

/** Registers: r1 context, then scratch; r2 access, r3 type, r4 major, r5 minor. */
const HEAD: readonly Instruction[] = [
  { code: CODE.loadWord, dst: 2, src: 1, offset: 0 },
  { code: CODE.copy, dst: 3, src: 2 },
  { code: CODE.and, dst: 3, immediate: 0xffff },
  { code: CODE.shiftRight, dst: 2, immediate: 16 },
  { code: CODE.loadWord, dst: 4, src: 1, offset: 4 },
  { code: CODE.loadWord, dst: 5, src: 1, offset: 8 },
];

/**
 * A rule: a row of tests, each skipping to the next rule, then the verdict.
 * An allowing rule must cover all of the access asked for, a denying one any of it.
 */
function ruleBlock(rule: DeviceRule, allows: boolean): Instruction[] {
  const tests: Instruction[] = [];
  const skipUnless = (dst: number, immediate: number): number =>
    tests.push({ code: CODE.jumpNotEqual, dst, immediate });
  if (rule.type !== "a") skipUnless(3, TYPE[rule.type]);
  if (rule.access !== 7) {
    const mask = allows ? 7 & ~rule.access : rule.access;
    tests.push({ code: CODE.copy, dst: 1, src: 2 });
    tests.push({ code: CODE.and, dst: 1, immediate: mask });
    tests.push({
      code: allows ? CODE.jumpNotEqual : CODE.jumpEqual,
      dst: 1,
      immediate: 0,
    });
  }
  if (rule.major >= 0) skipUnless(4, rule.major);
  if (rule.minor >= 0) skipUnless(5, rule.minor);
  const length = tests.length + 2;
  return [
    ...tests.map((test, at) =>
      test.code === CODE.jumpNotEqual || test.code === CODE.jumpEqual
        ? { ...test, offset: length - at - 1 }
        : test
    ),
    { code: CODE.set, dst: 0, immediate: allows ? 1 : 0 },
    { code: CODE.exit },
  ];
}

function pack(instructions: readonly Instruction[]): Uint8Array {
  const bytes = new Uint8Array(instructions.length * 8);
  const view = new DataView(bytes.buffer);
  instructions.forEach(({ code, dst = 0, src = 0, offset, immediate }, at) => {
    view.setUint8(at * 8, code);
    view.setUint8(at * 8 + 1, (src << 4) | dst);
    view.setInt16(at * 8 + 2, offset ?? 0, true);
    view.setInt32(at * 8 + 4, immediate ?? 0, true);
  });
  return bytes;
}

/**
 * Makes the device program of a group. Pure.
 *
 * Rules are tried in order; the first that matches decides, then the policy.
 *
 * @param policy The policy.
 * @returns The program as an array of `struct bpf_insn`.
 *
 * @example Deny everything: eight instructions
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { deviceProgram } from "./devices_bpf.ts";
 *
 * assertEquals(deviceProgram({ allow: false, rules: [] }).length, 8 * 8);
 * ```
 */
export function deviceProgram({ allow, rules }: DevicePolicy): Uint8Array {
  return pack([
    ...HEAD,
    ...rules.flatMap((rule) => ruleBlock(rule, !allow)),
    { code: CODE.set, dst: 0, immediate: allow ? 1 : 0 },
    { code: CODE.exit },
  ]);
}

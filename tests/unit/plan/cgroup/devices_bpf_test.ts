import { assert, assertEquals } from "@std/assert";
import type {
  DevicePolicy,
  DeviceRule,
} from "../../../../lib/plan/cgroup/devices.ts";
import { deviceProgram } from "../../../../lib/plan/cgroup/devices_bpf.ts";

/** One question to the program. */
interface Access {
  readonly type: "b" | "c";
  readonly major: number;
  readonly minor: number;
  readonly access: number;
}

/** Runs the few instructions that the generator uses, with checks of the verifier. */
function interpret(program: Uint8Array, asked: Access): number {
  const view = new DataView(program.buffer);
  const context = [
    (asked.access << 16) | (asked.type === "b" ? 1 : 2),
    asked.major,
    asked.minor,
  ];
  const registers = new Map<number, number>([[1, 0]]);
  let isContext = true; // r1 is the context until it is overwritten
  const read = (register: number): number => {
    const value = registers.get(register);
    assert(value !== undefined, `r${register} is read before it is written`);
    return value;
  };
  for (let at = 0; at < program.length / 8; at++) {
    const code = view.getUint8(at * 8);
    const dst = view.getUint8(at * 8 + 1) & 15;
    const src = view.getUint8(at * 8 + 1) >> 4;
    const offset = view.getInt16(at * 8 + 2, true);
    const immediate = view.getInt32(at * 8 + 4, true);
    if (dst === 1 && code !== 0x15 && code !== 0x55) isContext = false;
    switch (code) {
      case 0x61:
        assert(src === 1 && isContext && offset % 4 === 0 && offset <= 8);
        registers.set(dst, context[offset / 4] ?? 0);
        break;
      case 0xbf:
        registers.set(dst, read(src));
        break;
      case 0xb7:
        registers.set(dst, immediate);
        break;
      case 0x57:
        registers.set(dst, read(dst) & immediate);
        break;
      case 0x77:
        registers.set(dst, read(dst) >>> immediate);
        break;
      case 0x15:
        if (read(dst) === immediate) at += offset;
        break;
      case 0x55:
        if (read(dst) !== immediate) at += offset;
        break;
      case 0x95:
        return read(0);
      default:
        throw new Error(`unknown instruction ${code}`);
    }
  }
  throw new Error("ran off the end");
}

/** What the version 1 controller would say. */
function reference({ allow, rules }: DevicePolicy, asked: Access): number {
  const matches = (rule: DeviceRule): boolean =>
    (rule.type === "a" || rule.type === asked.type) &&
    (rule.major < 0 || rule.major === asked.major) &&
    (rule.minor < 0 || rule.minor === asked.minor) &&
    (allow
      ? (asked.access & rule.access) !== 0
      : (asked.access & ~rule.access) === 0);
  return rules.some(matches) === allow ? 0 : 1;
}

const RULES: readonly DeviceRule[] = [
  { type: "c", major: -1, minor: -1, access: 1 },
  { type: "c", major: 1, minor: 3, access: 7 },
  { type: "c", major: 136, minor: -1, access: 6 },
  { type: "b", major: 8, minor: 300, access: 2 },
  { type: "a", major: 5, minor: 2, access: 7 },
];

Deno.test("deviceProgram decides as the version 1 controller", () => {
  let asked = 0;
  for (const allow of [false, true]) {
    for (let count = 0; count <= RULES.length; count++) {
      const policy = { allow, rules: RULES.slice(0, count) };
      const program = deviceProgram(policy);
      for (const type of ["b", "c"] as const) {
        for (const major of [0, 1, 5, 8, 136]) {
          for (const minor of [0, 2, 3, 300]) {
            for (let access = 1; access <= 7; access++) {
              const question = { type, major, minor, access };
              assertEquals(
                interpret(program, question),
                reference(policy, question),
                JSON.stringify({ policy, question }),
              );
              asked++;
            }
          }
        }
      }
    }
  }
  assertEquals(asked, 2 * 6 * 2 * 5 * 4 * 7);
});

Deno.test("deviceProgram lets everything through for a rule of everything", () => {
  const rules = [{ type: "a", major: -1, minor: -1, access: 7 }] as const;
  const question = { type: "b", major: 8, minor: 0, access: 7 } as const;
  assertEquals(interpret(deviceProgram({ allow: false, rules }), question), 1);
  assertEquals(interpret(deviceProgram({ allow: true, rules }), question), 0);
});

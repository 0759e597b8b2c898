import { assert, assertEquals, assertThrows } from "@std/assert";
import { compileFilter } from "../../ffi/seccomp.ts";
import {
  SECCOMP_ACTIONS,
  SECCOMP_ARCHITECTURES,
} from "../../lib/config/names/seccomp.ts";
import {
  canJoinConditions,
  splitConditions,
} from "../../lib/config/seccomp_args.ts";
import type {
  Seccomp,
  SeccompAction,
  SeccompArg,
  SeccompOperator,
} from "../../lib/config/types.ts";
import { ConfigError, KernelError } from "../../lib/errors.ts";
import { runFilter } from "../support/bpf.ts";

const X86_64 = 0xc000003e;
const X86 = 0x40000003;
const AARCH64 = 0xc00000b7;
const ARM = 0x40000028;
const X32_BIT = 0x40000000;
const isX86 = Deno.build.arch === "x86_64";
const NATIVE = isX86 ? X86_64 : AARCH64;
/** getpriority(2): two arguments, nothing special. */
const GETPRIORITY = isX86 ? 140 : 141;
const ALLOW = 0x7fff0000;
const KILL_PROCESS = 0x80000000;
const MAX = 2n ** 64n - 1n;

function filter(members: Partial<Seccomp>): Seccomp {
  return {
    defaultAction: "SCMP_ACT_ALLOW",
    architectures: [],
    syscalls: [],
    ...members,
  };
}

function withArgs(args: readonly SeccompArg[], errnoRet = 7): Seccomp {
  return filter({
    syscalls: [{
      name: "getpriority",
      action: "SCMP_ACT_ERRNO",
      errnoRet,
      args,
    }],
  });
}

function ask(
  { program }: { readonly program: Uint8Array },
  args: readonly bigint[] = [],
  nr = GETPRIORITY,
  arch = NATIVE,
): number {
  return runFilter(program, { nr, arch, args });
}

function holds({ op, value, valueTwo }: SeccompArg, actual: bigint): boolean {
  const wanted = BigInt(value);
  switch (op) {
    case "SCMP_CMP_EQ":
      return actual === wanted;
    case "SCMP_CMP_NE":
      return actual !== wanted;
    case "SCMP_CMP_LT":
      return actual < wanted;
    case "SCMP_CMP_LE":
      return actual <= wanted;
    case "SCMP_CMP_GE":
      return actual >= wanted;
    case "SCMP_CMP_GT":
      return actual > wanted;
    case "SCMP_CMP_MASKED_EQ":
      return (actual & wanted) === BigInt(valueTwo);
  }
}

const OPERATORS: readonly SeccompOperator[] = [
  "SCMP_CMP_EQ",
  "SCMP_CMP_NE",
  "SCMP_CMP_LT",
  "SCMP_CMP_LE",
  "SCMP_CMP_GE",
  "SCMP_CMP_GT",
  "SCMP_CMP_MASKED_EQ",
];

/** Numbers around those where the halves of 64 bits matter. */
const EDGES: readonly bigint[] = [
  0n,
  1n,
  2n,
  5n,
  0xffffn,
  0x7fffffffn,
  0x80000000n,
  0xffffffffn,
  0x100000000n,
  0x100000001n,
  0x1ffffffffn,
  0x200000000n,
  0x7fffffffffffffffn,
  0x8000000000000000n,
  MAX - 1n,
  MAX,
];

function around(value: bigint): bigint[] {
  return [value - 1n, value, value + 1n].filter((v) => v >= 0n && v <= MAX);
}

Deno.test("compileFilter keeps every operator's meaning over 64 bits", () => {
  for (const op of OPERATORS) {
    for (const value of EDGES) {
      const arg = { index: 1, op, value, valueTwo: value & 0xffff0000ffffn };
      const isNever = op === "SCMP_CMP_LT" && value === 0n ||
        op === "SCMP_CMP_GT" && value === MAX;
      if (isNever) continue;
      const compiled = compileFilter(withArgs([arg]));
      for (const actual of [...EDGES, ...around(value)]) {
        const expected = holds(arg, actual) ? 0x50007 : ALLOW;
        assertEquals(
          ask(compiled, [9n, actual]),
          expected,
          `${actual} ${op} ${value}`,
        );
      }
    }
  }
});

/** A small generator, so that failures repeat. */
function random(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = Math.imul(state, 1103515245) + 12345 >>> 0;
    return (state >>> 8) % limit;
  };
}

Deno.test("compileFilter wants all conditions of a rule, several on one argument too", () => {
  const next = random(7);
  const pick = <T>(items: readonly T[]): T => items[next(items.length)] as T;
  let compared = 0;
  for (let round = 0; round < 100; round++) {
    const args = Array.from({ length: 2 + next(3) }, (): SeccompArg => {
      const value = pick(EDGES);
      const valueTwo = value & pick(EDGES);
      return { index: next(2), op: pick(OPERATORS), value, valueTwo };
    });
    // What validation refuses: more rules than there may be, or unfit ones.
    const lists = splitConditions(args);
    if (lists === undefined || !canJoinConditions(lists)) continue;
    const compiled = compileFilter(withArgs(args));
    for (let sample = 0; sample < 60; sample++) {
      const actual = [0, 1].map(() => {
        const near = around(BigInt(pick(args).value));
        return pick(next(2) === 0 ? near : EDGES);
      });
      const expected = args.every((arg) => holds(arg, actual[arg.index] ?? 0n));
      compared += expected ? 1 : 0;
      assertEquals(
        ask(compiled, actual),
        expected ? 0x50007 : ALLOW,
        `round ${round}`,
      );
    }
  }
  assert(compared > 100, `only ${compared} of the samples hold`);
});

Deno.test("compileFilter gives every action its value and data", () => {
  for (const [name, value] of Object.entries(SECCOMP_ACTIONS)) {
    const action = name as SeccompAction;
    if (action === "SCMP_ACT_NOTIFY" || action === "SCMP_ACT_ALLOW") continue;
    const carries = action === "SCMP_ACT_ERRNO" || action === "SCMP_ACT_TRACE";
    const data = carries ? { errnoRet: 0x123 } : {};
    const compiled = compileFilter(filter({
      syscalls: [{ name: "getpriority", action, ...data, args: [] }],
    }));
    assertEquals(ask(compiled), value + (carries ? 0x123 : 0), action);
    assertEquals(ask(compiled, [], GETPRIORITY + 1), ALLOW);
    const asDefault = compileFilter(filter({
      defaultAction: action,
      ...carries ? { defaultErrnoRet: 0x123 } : {},
      syscalls: [{ name: "getpriority", action: "SCMP_ACT_ALLOW", args: [] }],
    }));
    assertEquals(ask(asDefault), ALLOW);
    const other = ask(asDefault, [], GETPRIORITY + 1);
    assertEquals(other, value + (carries ? 0x123 : 0), action);
  }
  const eperm = compileFilter(withArgs([], undefined));
  assertEquals(ask(eperm), 0x50007);
});

Deno.test("compileFilter lets an unconditional rule decide for its call", () => {
  const allowed = { name: "getpriority", action: "SCMP_ACT_ALLOW" } as const;
  const when = { index: 0, op: "SCMP_CMP_EQ", value: 1, valueTwo: 0 } as const;
  const denied = {
    name: "getpriority",
    action: "SCMP_ACT_ERRNO",
    errnoRet: 7,
    args: [],
  } as const;
  const conditional = { ...allowed, args: [when] };
  for (const syscalls of [[denied, conditional], [conditional, denied]]) {
    const compiled = compileFilter(
      filter({ defaultAction: "SCMP_ACT_KILL", syscalls }),
    );
    assertEquals(ask(compiled, [1n]), 0x50007);
  }
});

Deno.test({
  name: "compileFilter covers every way into the kernel",
  ignore: !isX86,
  fn: () => {
    const compiled = compileFilter(withArgs([]));
    assertEquals(ask(compiled), 0x50007);
    assertEquals(ask(compiled, [], 96, X86), 0x50007);
    assertEquals(ask(compiled, [], GETPRIORITY + X32_BIT), 0x50007);
    // An architecture that is not in the filter.
    assertEquals(ask(compiled, [], 96, ARM), KILL_PROCESS);

    const everywhere = compileFilter({
      ...withArgs([]),
      architectures: [
        "SCMP_ARCH_NATIVE",
        "SCMP_ARCH_X86_64",
        "SCMP_ARCH_AARCH64",
        "SCMP_ARCH_ARM",
        "SCMP_ARCH_RISCV64",
      ],
    });
    for (
      const [nr, arch] of [[140, X86_64], [141, AARCH64], [96, ARM], [
        141,
        SECCOMP_ARCHITECTURES["SCMP_ARCH_RISCV64"] ?? 0,
      ]] as const
    ) {
      assertEquals(ask(everywhere, [], nr, arch), 0x50007, arch.toString(16));
    }

    // i386 has socket(2) by socketcall(2) too: number 1 in its first argument.
    const sockets = compileFilter(filter({
      syscalls: [{
        name: "socket",
        action: "SCMP_ACT_ERRNO",
        errnoRet: 5,
        args: [],
      }],
    }));
    assertEquals(ask(sockets, [1n], 102, X86), 0x50005);
    assertEquals(ask(sockets, [2n], 102, X86), ALLOW);
    assertEquals(ask(sockets, [], 359, X86), 0x50005);
  },
});

Deno.test("compileFilter knows every architecture of this byte order", () => {
  const refused = Object.keys(SECCOMP_ARCHITECTURES).filter((name) => {
    try {
      compileFilter(filter({ architectures: [name] }));
      return false;
    } catch (error) {
      assert(error instanceof ConfigError);
      assertEquals(error.problems[0]?.path, "seccomp.architectures[0]");
      return true;
    }
  });
  const younger = ["SCMP_ARCH_LOONGARCH64", "SCMP_ARCH_SH"];
  const bigEndian = [
    "SCMP_ARCH_M68K",
    "SCMP_ARCH_MIPS",
    "SCMP_ARCH_MIPS64",
    "SCMP_ARCH_MIPS64N32",
    "SCMP_ARCH_PARISC",
    "SCMP_ARCH_PARISC64",
    "SCMP_ARCH_PPC",
    "SCMP_ARCH_PPC64",
    "SCMP_ARCH_S390",
    "SCMP_ARCH_S390X",
    "SCMP_ARCH_SHEB",
  ];
  const unexpected = refused.filter((name) =>
    !bigEndian.includes(name) && !younger.includes(name)
  );
  assertEquals(unexpected, []);
  for (const name of bigEndian) assert(refused.includes(name), name);
});

Deno.test("compileFilter refuses unknown calls unless they are to be left out", () => {
  const rules = filter({
    syscalls: [
      { name: "getpriority", action: "SCMP_ACT_KILL", args: [] },
      { name: "no_such_call", action: "SCMP_ACT_KILL", args: [] },
    ],
  });
  const error = assertThrows(() => compileFilter(rules), ConfigError);
  assertEquals(error.problems[0]?.path, "seccomp.syscalls[1]");
  const compiled = compileFilter({ ...rules, ignoreUnknown: true });
  assertEquals(ask(compiled), 0);
  const number = filter({
    syscalls: [{ name: 4000, action: "SCMP_ACT_KILL", args: [] }],
  });
  assertThrows(() => compileFilter(number), ConfigError, "4000");
});

Deno.test("compileFilter takes a filter with a listener apart", () => {
  const rules = filter({
    flags: [
      "SECCOMP_FILTER_FLAG_TSYNC",
      "SECCOMP_FILTER_FLAG_LOG",
      "SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV",
    ],
    syscalls: [
      { name: "getpriority", action: "SCMP_ACT_NOTIFY", args: [] },
      { name: "sendmsg", action: "SCMP_ACT_KILL", args: [] },
    ],
  });
  const { flags, program, notify } = compileFilter(rules);
  assert(notify !== undefined);
  assertEquals([flags, notify.flags, notify.send], [3, 59, "sendmsg"]);
  const sendmsg = isX86 ? 46 : 211;
  assertEquals(ask(notify), 0x7fc00000);
  assertEquals(ask({ program }), ALLOW);
  assertEquals(ask(notify, [], sendmsg), ALLOW);
  assertEquals(ask({ program }, [], sendmsg), 0);
});

Deno.test("compileFilter keeps a way to hand the listener over", () => {
  const notify = (...names: (string | number)[]): Seccomp =>
    filter({
      syscalls: names.map((name) => ({
        name,
        action: "SCMP_ACT_NOTIFY",
        args: [],
      })),
    });
  assertEquals(compileFilter(notify("sendmsg")).notify?.send, "sendmmsg");
  assertEquals(compileFilter(notify("sendmmsg")).notify?.send, "sendmsg");
  const number = isX86 ? 46 : 211;
  assertEquals(compileFilter(notify(number)).notify?.send, "sendmmsg");
  const both = notify("sendmsg", "sendmmsg");
  assertThrows(() => compileFilter(both), ConfigError, "sendmmsg");
  assertThrows(() => compileFilter(notify("seccomp")), ConfigError, "seccomp");
});

Deno.test("compileFilter says that a filter is too long", () => {
  const syscalls = Array.from({ length: 3000 }, (_, value) => ({
    name: "getpriority",
    action: "SCMP_ACT_ERRNO",
    errnoRet: value,
    args: [{ index: 0, op: "SCMP_CMP_EQ", value, valueTwo: 0 }],
  } as const));
  const error = assertThrows(
    () => compileFilter(filter({ syscalls })),
    KernelError,
  );
  assertEquals(error.errnoName, "E2BIG");
});

Deno.test("calls that an engine's profile cannot know do not exist", () => {
  const allow = (name: string) => ({
    name,
    action: "SCMP_ACT_ALLOW",
    args: [],
  } as const);
  const profile = filter({
    defaultAction: "SCMP_ACT_ERRNO",
    syscalls: [allow("read"), allow("getpriority")],
  });
  const ERRNO = 0x50000;
  const [EPERM, ENOSYS] = [ERRNO | 1, ERRNO | 38];
  const strict = compileFilter(profile);
  const engine = compileFilter({ ...profile, ignoreUnknown: true });
  assertEquals(ask(strict, [], 1000), EPERM);
  assertEquals(ask(engine, [], 1000), ENOSYS);
  assertEquals(ask(engine, [], GETPRIORITY), ALLOW);
  assertEquals(ask(engine, [], GETPRIORITY + 1), ENOSYS);
  assertEquals(ask(engine, [], GETPRIORITY - 1), EPERM);
  if (isX86) {
    // read of i386 is 3, its getpriority 96; x32 has the numbers of x86_64 and a bit.
    assertEquals(ask(engine, [], 97, X86), ENOSYS);
    assertEquals(ask(engine, [], 4, X86), EPERM);
    assertEquals(ask(engine, [], X32_BIT + 1000), ENOSYS);
    assertEquals(ask(engine, [], X32_BIT + 1), EPERM);
  }
  // Where the default lets calls through, it decides.
  const open = { ...profile, defaultAction: "SCMP_ACT_ALLOW" as const };
  assertEquals(
    ask(compileFilter({ ...open, ignoreUnknown: true }), [], 1000),
    ALLOW,
  );
});

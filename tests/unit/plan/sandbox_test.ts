import { assert, assertEquals, assertThrows } from "@std/assert";
import { hostRootConfig } from "../../../lib/config/host_root.ts";
import type { Config } from "../../../lib/config/types.ts";
import { ConfigError } from "../../../lib/errors.ts";
import type { Host } from "../../../lib/host/types.ts";
import { fitsSandbox } from "../../../lib/plan/fit.ts";
import type { ChildOp, Op, ParentOp, Plan } from "../../../lib/plan/ops.ts";
import { buildSandboxPlan, buildStartPlan } from "../../../lib/plan/start.ts";
import type { ProcessSpec } from "../../../lib/plan/types.ts";
import { assertOrder, FILTER, SECCOMP, USERNS } from "./plans.ts";
import {
  configWith,
  HOST_HYBRID,
  HOST_V1,
  HOST_V2,
  names,
  PLACEMENT,
  PROCESS,
} from "./support.ts";

const STDIO = {
  stdin: { fd: 10 },
  stdout: { fd: 11 },
  stderr: { fd: 12 },
} as const;
const TEXT = { path: "/bin/true" };

/** Configurations of every shape. */
const CONFIGS: Readonly<Record<string, Partial<Config>>> = {
  template: {},
  "user namespace": USERNS,
  staged: {
    namespaces: [{ type: "NEWCGROUP" }, { type: "NEWNS" }],
    networks: [],
    hostname: "",
  },
  hooks: {
    hooks: {
      prestart: [TEXT],
      createContainer: [TEXT],
      startContainer: [TEXT],
      poststart: [TEXT],
      poststop: [TEXT],
    },
  },
  "no mount namespace": {
    namespaces: [{ type: "NEWPID" }, { type: "NEWUTS" }],
    mounts: [],
    devices: [],
    networks: [],
    maskPaths: [],
    readonlyPaths: [],
  },
  filter: { seccomp: SECCOMP, parentDeathSignal: 9, oomScoreAdj: 5 },
};

interface Cut {
  readonly whole: Plan;
  readonly sandbox: Plan;
  readonly process: Plan;
}

function cut(
  changes: Partial<Config>,
  process: Partial<ProcessSpec> = {},
  host: Host = HOST_V2,
): Cut {
  const config = configWith(changes);
  const spec = { ...PROCESS, stdio: STDIO, ...process };
  const placement = { ...PLACEMENT, filter: FILTER };
  const { start, planProcess } = buildSandboxPlan(config, host, placement);
  return {
    whole: buildStartPlan(config, spec, host, placement).plan,
    sandbox: start.plan,
    process: planProcess(spec),
  };
}

/** What the cut itself adds or divides: the transfer of descriptors, and the way back into the root. */
const SEAM: ReadonlySet<string> = new Set(
  ["fds.send", "fds.receive", "park", "plan.send", "root.current"],
);

/** Operations as texts, without those of the seam and the numbers that they divide. */
function texts(ops: readonly Op[]): string[] {
  return ops.filter(({ op }) => !SEAM.has(op)).map((op) => {
    const { slot: _, ...rest } = op as { slot?: unknown } & Op;
    return JSON.stringify(
      rest,
      (_key, value) => typeof value === "bigint" ? String(value) : value,
    );
  });
}

for (const [name, changes] of Object.entries(CONFIGS)) {
  for (const host of [HOST_V1, HOST_V2, HOST_HYBRID]) {
    for (const tty of [false, true]) {
      Deno.test(`a sandbox and its process do what a start does: ${name}, ${host.cgroup.mode}, ${tty ? "tty" : "streams"}`, () => {
        const { whole, sandbox, process } = cut(changes, { tty }, host);
        const parent: ParentOp[] = [...sandbox.parent, ...process.parent];
        const child: ChildOp[] = [...sandbox.child, ...process.child];
        const isMet = (op: Op): boolean => op.op === "await" && op.point === 8;
        const states = parent.filter(({ op }) => op === "state.save");

        assertEquals(states.length, 2);
        assertEquals(
          texts([...parent.filter((op) => !isMet(op))]).sort(),
          texts([...whole.parent, { op: "state.save" }]).sort(),
        );
        // Opened once more where labels and the like are written after the cut.
        const proc = process.child.filter(({ op }) => op === "proc.open");
        assertEquals(
          texts(child).sort(),
          texts([...whole.child, ...proc]).sort(),
        );
        assertEquals(sandbox.undo, whole.undo);
        assertEquals(process.undo, []);
      });
    }
  }
}

Deno.test("a sandbox is complete before it waits, without anything of a process", () => {
  const { sandbox, process } = cut(CONFIGS["filter"] ?? {}, { tty: true });

  assertEquals(sandbox.child.at(-1), { op: "park", flags: 1 });
  assertEquals(names(sandbox.parent).slice(-2), ["await", "state.save"]);
  assertOrder(
    sandbox,
    "proc.open",
    "root.attach",
    "root.pivot",
    "hostname.set",
    "park",
  );
  const early = new Set<string>(names(sandbox.child));
  for (
    const name of [
      "tty.open",
      "stdio.set",
      "user.files",
      "caps.set",
      "seccomp.load",
      "exec",
      "death.signal",
      "rlimit.set",
    ]
  ) {
    assert(!early.has(name), name);
  }
  assertOrder(
    process,
    "root.current",
    "tty.open",
    "tty.console",
    "user.files",
    "caps.set",
    "tty.control",
    "cwd.enter",
    "seccomp.load",
    "exec",
  );
  assertEquals(names(process.parent).slice(0, 2), ["plan.send", "await"]);
});

Deno.test("a process in a sandbox gets descriptors of its own only", () => {
  const { process } = cut({}, { extraFiles: [20] });

  assertEquals(
    names(process.parent).slice(0, 6),
    ["fd.use", "fd.use", "fd.use", "fd.use", "plan.send", "fds.send"],
  );
  assertEquals(names(process.child).slice(0, 2), [
    "fds.receive",
    "root.current",
  ]);
});

Deno.test("procfs is opened again for what is written there alone", () => {
  assert(!names(cut({}).process.child).includes("proc.open"));
  const { process } = cut({}, { oomScoreAdj: 5 });
  assertOrder(process, "proc.open", "oom.adjust");
});

Deno.test("CPUs of the configuration are chosen with the sandbox, those of a process with it", () => {
  const own = cut({ cpuAffinity: { initial: "0" } });
  assert(names(own.sandbox.child).includes("affinity.set"));
  assert(!names(own.process.child).includes("affinity.set"));

  const { process } = cut({}, { cpuAffinity: { initial: "1" } });
  assert(names(process.child).includes("affinity.set"));
});

Deno.test("no sandbox waits in a pid namespace that others are in", () => {
  const namespaces = [
    { type: "NEWNS" },
    { type: "NEWPID", path: "/proc/1/ns/pid" },
  ] as const;
  const error = assertThrows(
    () => cut({ namespaces, hostname: "", networks: [] }),
    ConfigError,
  );
  assertEquals(error.problems[0]?.path, "namespaces[1].path");
});

Deno.test("fitsSandbox names what has to be settled before the root is entered", () => {
  const plain = { user: "", tty: false };
  const joined = configWith({
    namespaces: [{ type: "NEWNS" }, {
      type: "NEWUSER",
      path: "/proc/1/ns/user",
    }],
    oomScoreAdj: 5,
  });
  const bare = configWith({ readonlyfs: true, mounts: [] });

  assert(fitsSandbox(configWith({}), { ...plain, user: "daemon" }, ""));
  assert(!fitsSandbox(hostRootConfig(), { ...plain, user: "1000" }, ""));
  assert(fitsSandbox(joined, { ...plain, oomScoreAdj: 5 }, ""));
  assert(!fitsSandbox(joined, { ...plain, oomScoreAdj: 6 }, ""));
  assert(fitsSandbox(bare, plain, ""));
  assert(!fitsSandbox(bare, { ...plain, tty: true }, ""));
  assert(
    fitsSandbox(configWith({ readonlyfs: true }), { ...plain, tty: true }, ""),
  );
});

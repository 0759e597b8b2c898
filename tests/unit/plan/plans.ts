/** Plans for tests, and assertions about their order. */
import { assert, assertEquals } from "@std/assert";
import { buildJoinPlan } from "../../../lib/plan/join.ts";
import type { OpName, Plan } from "../../../lib/plan/ops.ts";
import { buildStartPlan } from "../../../lib/plan/start.ts";
import type { JoinTarget, ProcessSpec } from "../../../lib/plan/types.ts";
import {
  configWith,
  HOST_HYBRID,
  HOST_V1,
  HOST_V2,
  names,
  PLACEMENT,
  PROCESS,
} from "./support.ts";

/** A compiled filter of two instructions. */
export const FILTER = { flags: 0, program: new Uint8Array(16) };
/** A filter that allows everything. */
export const SECCOMP = {
  defaultAction: "SCMP_ACT_ALLOW",
  architectures: [],
  syscalls: [],
} as const;
/** A user namespace besides the template's. */
export const USERNS = {
  uidMappings: [{ containerId: 0, hostId: 100000, size: 65536 }],
  gidMappings: [{ containerId: 0, hostId: 100000, size: 65536 }],
  namespaces: [
    ...configWith({}).namespaces,
    { type: "NEWUSER" },
  ],
} as const;

/** A running container called demo. */
export const TARGET: JoinTarget = {
  id: "demo",
  config: configWith({}),
  pid: 4321,
  pidfd: 9,
  namespaces: ["NEWNS", "NEWUTS", "NEWIPC", "NEWPID", "NEWNET"],
  cgroupPaths: [{ version: 1, path: "/cg/pids/nsinit/demo", file: "tasks" }],
  cgroupV2: "/cg/unified/nsinit/demo",
};

/** A start of the template with changes. */
export function start(
  changes: Parameters<typeof configWith>[0] = {},
  process: Partial<ProcessSpec> = {},
  host = HOST_V2,
  placement: Partial<typeof PLACEMENT> = {},
): Plan {
  return buildStartPlan(
    configWith(changes),
    { ...PROCESS, ...process },
    host,
    { ...PLACEMENT, ...placement },
  ).plan;
}

/** Position of the only operation of a name in the child's list. */
export function at(plan: Plan, name: OpName): number {
  const found = names(plan.child);
  assertEquals(found.indexOf(name), found.lastIndexOf(name), name);
  assert(found.includes(name), `${name} is missing`);
  return found.indexOf(name);
}

/** Asserts that the operations stand in this order in the child's list. */
export function assertOrder(plan: Plan, ...wanted: OpName[]): void {
  const places = wanted.map((name) => at(plan, name));
  const sorted = [...places].sort((a, b) => a - b);
  assertEquals(places, sorted, wanted.join(" < "));
}

/** Every combination that changes the shape of a Plan. */
export function allPlans(): Plan[] {
  const plans: Plan[] = [];
  for (const host of [HOST_V1, HOST_V2, HOST_HYBRID]) {
    for (const tty of [false, true]) {
      plans.push(start({}, { tty }, host));
      plans.push(start(USERNS, { tty }, host));
      plans.push(
        start(
          {
            namespaces: [{ type: "NEWCGROUP" }, { type: "NEWNS" }],
            networks: [],
            hostname: "",
          },
          { tty },
          host,
        ),
      );
      plans.push(
        start(
          { seccomp: SECCOMP, parentDeathSignal: 9 },
          { tty },
          host,
          { filter: FILTER },
        ),
      );
      plans.push(buildJoinPlan(TARGET, { ...PROCESS, tty }, host));
    }
  }
  return plans;
}

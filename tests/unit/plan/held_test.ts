import { assert, assertEquals } from "@std/assert";
import { holdStart } from "../../../lib/plan/held.ts";
import type { Op } from "../../../lib/plan/ops.ts";
import { buildStartPlan } from "../../../lib/plan/start.ts";
import type { StartPlan } from "../../../lib/plan/types.ts";
import { FILTER, SECCOMP } from "./plans.ts";
import { configWith, HOST_V2, names, PLACEMENT, PROCESS } from "./support.ts";

const DIR = "/run/nsinit/demo";
const HOOK = [{ path: "/bin/true" }];

function startOf(changes: Parameters<typeof configWith>[0]): StartPlan {
  const placement = { ...PLACEMENT, filter: FILTER };
  return buildStartPlan(configWith(changes), PROCESS, HOST_V2, placement);
}

Deno.test("a held start does everything before its program, and the rest when it is released", () => {
  const start = startOf({
    seccomp: SECCOMP,
    parentDeathSignal: 0,
    hooks: { startContainer: HOOK, poststart: HOOK },
    scheduler: { policy: "SCHED_BATCH" },
  });
  const { hold, release } = holdStart(start, DIR);
  const after = release(42);

  assertEquals(names(hold.plan.parent).slice(-3), [
    "await",
    "state.save",
    "park.publish",
  ]);
  const park = names(hold.plan.child).indexOf("park");
  assertEquals(names(hold.plan.child).slice(park), [
    "park",
    "hook.run",
    "sync",
    "seccomp.load",
    "exec",
  ]);
  assertEquals(names(hold.plan.child)[park - 1], "cwd.enter");
  // Failures are told by their place in what is left.
  assertEquals(after.child, hold.plan.child.slice(park + 1));
  assertEquals(names(after.parent), [
    "park.connect",
    "await",
    "release",
    "await",
    "scheduler.set",
    "state.save",
    "release",
    "await.exec",
    "hook.run",
  ]);
  const [connect] = after.parent;
  assertEquals(connect, {
    op: "park.connect",
    pid: 42,
    dir: DIR,
    name: "start.sock",
  });
});

Deno.test("a held start is an ordinary one with a seam", () => {
  const start = startOf({ parentDeathSignal: 0 });
  const { hold, release } = holdStart(start, DIR);
  const isSeam = ({ op }: Op): boolean => op.startsWith("park");
  const meets = 8;

  assertEquals(hold.plan.child.filter((op) => !isSeam(op)), start.plan.child);
  const parent = [...hold.plan.parent, ...release(1).parent].filter((op) =>
    !isSeam(op) && !("point" in op && Number(op.point) === meets)
  );
  assertEquals(
    names(parent).filter((name) => name !== "state.save"),
    names(start.plan.parent).filter((name) => name !== "state.save"),
  );
  assertEquals(hold.plan.undo, start.plan.undo);
});

Deno.test("the socket of a held start is recorded before it is made", () => {
  const { resources } = holdStart(startOf({}), DIR).hold;

  assert(
    resources.files.some(({ dir, name }) =>
      dir === DIR && name === "start.sock"
    ),
  );
});

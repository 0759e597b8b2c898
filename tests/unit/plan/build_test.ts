/** What holds for every Plan, of starts and of joins. */
import { assert, assertEquals } from "@std/assert";
import { OPS, type OpSpec } from "../../../lib/plan/ops.ts";
import { decodeSlots } from "../../../lib/plan/slots.ts";
import { allPlans, assertOrder } from "./plans.ts";
import { find, names } from "./support.ts";

Deno.test("every Plan ends with closing, entering, executing", () => {
  for (const plan of allPlans()) {
    const list = names(plan.child).filter((name) =>
      name !== "seccomp.load" && name !== "death.signal" && name !== "sync"
    );
    assertEquals(list.slice(-2), ["cwd.enter", "exec"]);
    assertEquals(find(plan, "fds.close")[0]?.keep, 2);
    assertOrder(plan, "caps.bound", "user.apply", "caps.set", "cwd.enter");
    assertOrder(plan, "stdio.set", "user.apply", "fds.close", "cwd.enter");
  }
});

Deno.test("every Plan holds only operations of its lists, known to the table", () => {
  for (const plan of allPlans()) {
    for (const list of ["parent", "child", "undo"] as const) {
      for (const op of plan[list]) {
        const spec: OpSpec = OPS[op.op];
        assert(spec.lists.includes(list), `${op.op} in ${list}`);
      }
    }
  }
});

Deno.test("every Plan sends what the child uses, and nothing else", () => {
  for (const plan of allPlans()) {
    const sent = find(plan, "fds.send").map(({ slots }) => slots);
    const received = find(plan, "fds.receive").map(({ slots }) => slots);
    assertEquals(sent, received);
    const slots = sent.flatMap(decodeSlots);
    const used = [
      ...find(plan, "root.attach").map(({ slot }) => Number(slot)),
      ...find(plan, "mount.tree").map(({ slot }) => Number(slot)),
      ...find(plan, "ns.enter").map(({ slot }) => Number(slot)),
      ...find(plan, "cgroup.join").map(({ slot }) => Number(slot))
        .filter((slot) => slot >= 0),
      ...find(plan, "stdio.set").flatMap((op) =>
        [op.stdin, op.stdout, op.stderr].map(Number).filter((slot) => slot >= 0)
      ),
    ];
    assertEquals([...slots].sort(), [...used].sort());
    const opened = plan.parent.flatMap((op) =>
      op.op === "tree.open" || op.op === "ns.open" || op.op === "fd.use" ||
        op.op === "cgroup.make" && Number(op.slot) >= 0
        ? [Number(op.slot)]
        : []
    );
    assertEquals([...slots].sort(), opened.sort());
  }
});

Deno.test("every point is awaited, met and released once", () => {
  for (const plan of allPlans()) {
    const met = find(plan, "sync").map(({ point }) => Number(point));
    const awaited = find(plan, "await").map(({ point }) => Number(point));
    assertEquals(met, awaited);
    const released = find(plan, "release").map(({ point }) => Number(point));
    // The lookup of the user releases its own point.
    assertEquals(awaited.filter((point) => point !== 4), released);
  }
});

import { assertEquals } from "@std/assert";
import type { Config } from "../../../lib/config/types.ts";
import { planRoot } from "../../../lib/plan/root.ts";
import { configWith, names } from "./support.ts";

Deno.test("planRoot shares nothing before the root switch", () => {
  const table: readonly (readonly [number | undefined, number, number[]])[] = [
    [undefined, 0x84000, []],
    [0x40000, 0x44000, []],
    [0x44000, 0x44000, []],
    [0x80000, 0x84000, []],
    [0x104000, 0x84000, [0x104000]],
  ];
  for (const [rootPropagation, before, after] of table) {
    const changes: Partial<Config> = rootPropagation === undefined
      ? {}
      : { rootPropagation };
    const part = planRoot(configWith(changes), "own");
    assertEquals(part.propagation, before);
    assertEquals(part.attach, [
      { op: "mount.propagation", propagation: before },
      { op: "root.attach", slot: 3, propagation: before },
    ]);
    const late = part.enter.flatMap((op) =>
      op.op === "mount.propagation" ? [Number(op.propagation)] : []
    );
    assertEquals(late, after);
    assertEquals(names(part.enter)[0], "root.pivot");
  }
  const moved = planRoot(
    configWith({ noPivotRoot: true, readonlyfs: true }),
    "own",
  );
  assertEquals(names(moved.enter), ["root.readonly", "root.move"]);
});

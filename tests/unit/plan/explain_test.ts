import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { buildStartPlan } from "../../../lib/plan/build.ts";
import {
  explainOp,
  formatPlan,
  planToJson,
} from "../../../lib/plan/explain.ts";
import { CHILD_SENTENCES } from "../../../lib/plan/explain_child.ts";
import {
  PARENT_SENTENCES,
  UNDO_SENTENCES,
} from "../../../lib/plan/explain_parent.ts";
import { type Op, OPS } from "../../../lib/plan/ops.ts";
import { configWith, HOST_HYBRID, PLACEMENT, PROCESS } from "./support.ts";

const { plan } = buildStartPlan(
  configWith({}),
  PROCESS,
  HOST_HYBRID,
  PLACEMENT,
);

Deno.test("there is a sentence for every operation", () => {
  const known = new Set([
    ...Object.keys(PARENT_SENTENCES),
    ...Object.keys(CHILD_SENTENCES),
    ...Object.keys(UNDO_SENTENCES),
  ]);
  assertEquals(known, new Set(Object.keys(OPS)));
});

Deno.test("formatPlan prints each operation once, with its number and name", () => {
  const lines = formatPlan(plan).trimEnd().split("\n");
  const { parent, child, undo } = plan;
  const blank = 2;
  const titles = 3;
  assertEquals(
    lines.length,
    parent.length + child.length + undo.length + titles + blank,
  );
  const last = `${child.length - 1}  exec`;
  assert(lines.some((line) => line.trim().startsWith(last)));
});

Deno.test("planToJson survives JSON and keeps the order", () => {
  const json = JSON.parse(JSON.stringify(planToJson(plan)));
  for (const list of ["parent", "child", "undo"] as const) {
    assertEquals(
      json[list].map(({ op }: { readonly op: string }) => op),
      plan[list].map(({ op }) => op),
    );
  }
});

Deno.test("explainOp names flags and prints addresses as usual", () => {
  const table: readonly (readonly [Op, string])[] = [
    [{ op: "caps.bound", mask: 0n }, "none"],
    [{ op: "mount.propagation", propagation: 0x84000 }, "MS_REC|MS_SLAVE"],
    [
      {
        op: "net.address",
        prefix: 64,
        name: "eth0",
        address: new Uint8Array([0xfd, ...new Array(14).fill(0), 2]),
      },
      "fd00:0:0:0:0:0:0:2/64",
    ],
    [
      { op: "rlimit.set", resource: 7, soft: 5, hard: 18446744073709551615n },
      "limit NOFILE to 5 (at most unlimited)",
    ],
    [{ op: "sync", point: 2 }, "idmap"],
    [{ op: "hostname.set", name: "a\x1b[31mb" }, "a\\x1b[31mb"],
  ];
  for (const [op, part] of table) assertStringIncludes(explainOp(op), part);
});

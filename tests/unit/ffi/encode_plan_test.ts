import { assertEquals, assertThrows } from "@std/assert";
import { encodePlan } from "../../../ffi/encode_plan.ts";
import { HEADER, OP, PLAN_MAGIC } from "../../../ffi/layout.ts";
import { OPS, type Plan } from "../../../lib/plan/ops.ts";

const EMPTY: Plan = { parent: [], child: [], undo: [] };

function viewOf(plan: Plan): DataView {
  return new DataView(encodePlan(plan).buffer);
}

Deno.test("encodePlan() writes the header of an empty Plan", () => {
  const view = viewOf(EMPTY);
  assertEquals(view.getUint32(HEADER.magic, true), PLAN_MAGIC);
  assertEquals(view.getUint32(HEADER.length, true), view.byteLength);
  assertEquals(view.getUint32(HEADER.faultList, true), 3);
});

Deno.test("encodePlan() puts flags, numbers and strings at their places", () => {
  const view = viewOf({
    ...EMPTY,
    parent: [{ op: "tree.open", slot: 16, flags: 1, path: "/mnt" }],
  });
  const at = view.getUint32(HEADER.opOffset, true);
  assertEquals(view.getUint16(at + OP.kind, true), OPS["tree.open"].kind);
  assertEquals(view.getUint32(at + OP.flags, true), 1);
  assertEquals(view.getBigUint64(at + OP.numbers, true), 16n);
  const pool = view.getUint32(HEADER.poolOffset, true);
  const offset = view.getUint32(at + OP.strings, true);
  const length = view.getUint32(at + OP.strings + 4, true);
  const bytes = new Uint8Array(view.buffer, pool + offset, length + 1);
  assertEquals(new TextDecoder().decode(bytes), "/mnt\0");
});

Deno.test("encodePlan() keeps 64-bit numbers and packs -1 as all ones", () => {
  const view = viewOf({
    ...EMPTY,
    child: [
      { op: "rlimit.set", resource: 7, soft: 2n ** 64n - 1n, hard: 1n },
      { op: "stdio.set", flags: 0, stdin: -1, stdout: -1, stderr: -1 },
    ],
  });
  const at = view.getUint32(HEADER.opOffset + 4, true);
  assertEquals(view.getBigUint64(at + OP.numbers + 8, true), 2n ** 64n - 1n);
  assertEquals(
    view.getBigUint64(at + OP.size + OP.numbers, true),
    2n ** 64n - 1n,
  );
});

Deno.test("encodePlan() refuses NUL bytes and negative numbers", () => {
  assertThrows(
    () =>
      encodePlan({ ...EMPTY, child: [{ op: "hostname.set", name: "a\0b" }] }),
    TypeError,
  );
  assertThrows(
    () => encodePlan({ ...EMPTY, child: [{ op: "umask.set", mask: -1 }] }),
    TypeError,
  );
});

Deno.test("encodePlan() marks absent optional fields with offset 0", () => {
  const view = viewOf({ ...EMPTY, parent: [{ op: "release", point: 1 }] });
  const at = view.getUint32(HEADER.opOffset, true);
  assertEquals(view.getUint32(at + OP.strings, true), 0);
});

Deno.test("OPS has unique numbers, and at most six numbers and five references each", () => {
  const kinds = Object.values(OPS).map((spec) => spec.kind);
  assertEquals(new Set(kinds).size, kinds.length);
  for (const [name, spec] of Object.entries(OPS)) {
    const fields = Object.entries(spec.fields as Record<string, string>)
      .filter(([field]) => field !== "flags");
    const numbers = fields.filter(([, kind]) => kind.endsWith("64")).length;
    assertEquals(numbers <= 6 && fields.length - numbers <= 5, true, name);
  }
});

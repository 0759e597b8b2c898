import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../../lib/errors.ts";
import { SLOTS } from "../../../lib/plan/ops.ts";
import {
  decodeSlots,
  encodeSlots,
  planTransfer,
  SlotAllocator,
} from "../../../lib/plan/slots.ts";

Deno.test("SlotAllocator stays above the fixed slots and below the end", () => {
  const slots = new SlotAllocator();
  assertEquals(slots.take(), SLOTS.first);
  for (let count = 1; count < 480; count++) {
    assertEquals(slots.take() < SLOTS.count, true);
  }
  assertThrows(() => slots.take(), ConfigError);
});

Deno.test("encodeSlots is a little-endian u32 array", () => {
  assertEquals(encodeSlots([3, 258]), new Uint8Array([3, 0, 0, 0, 2, 1, 0, 0]));
  assertEquals(decodeSlots(encodeSlots([0, 3, 511])), [0, 3, 511]);
});

Deno.test("planTransfer sends what is received", () => {
  const { send, receive } = planTransfer([3, 4]);
  assertEquals(send[0]?.slots, receive[0]?.slots);
});

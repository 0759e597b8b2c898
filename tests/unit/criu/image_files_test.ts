import { assertEquals, assertThrows } from "@std/assert";
import {
  freeOutsideFiles,
  setDeathSignal,
} from "../../../lib/criu/image_files.ts";
import {
  readFields,
  type WireField,
  writeFields,
} from "../../../lib/criu/protobuf.ts";

const HEADER = [0x19, 0x43, 0x56, 0x54, 1, 2, 3, 4];
const NOWHERE = 0xffff_ffff_ffff_ffffn;

function field(number: number, value: bigint | Uint8Array): WireField {
  return { number, wire: typeof value === "bigint" ? 0 : 2, value };
}

function image(...entries: readonly WireField[][]): Uint8Array {
  const bytes = entries.flatMap((entry) => {
    const data = writeFields(entry);
    return [data.length, 0, 0, 0, ...data];
  });
  return new Uint8Array([...HEADER, ...bytes]);
}

/** Fields of the message in a field of the only entry, by number. */
function inner(bytes: Uint8Array, number: number): Record<string, unknown> {
  const found = readFields(bytes.subarray(HEADER.length + 4))
    .find((each) => each.number === number)?.value;
  if (!(found instanceof Uint8Array)) throw new Error("no such field");
  return Object.fromEntries(
    readFields(found).map((each) => [each.number, each.value]),
  );
}

function file(...fields: readonly WireField[]): Uint8Array {
  return image([field(1, 1n), field(2, 7n), field(3, writeFields(fields))]);
}

Deno.test("files from outside are written at their end, whatever their size", () => {
  const changed = freeOutsideFiles(file(
    field(1, 7n),
    field(2, 0o1n), // O_WRONLY
    field(3, 500n),
    field(8, 500n),
    field(9, 1n),
    field(10, 0o100644n),
  ));
  assertEquals(inner(changed, 3), {
    1: 7n,
    2: 0o2001n,
    3: BigInt.asIntN(64, NOWHERE),
    9: 1n,
  });
});

Deno.test("what is only read from outside is not appended to", () => {
  const changed = freeOutsideFiles(file(field(2, 0n), field(9, 1n)));
  assertEquals(inner(changed, 3)["2"], 0n);
});

Deno.test("files of the container stay as they are", () => {
  const before = file(field(2, 1n), field(3, 5n), field(8, 5n));
  assertEquals([...freeOutsideFiles(before)], [...before]);
});

Deno.test("the death signal is set and taken away", () => {
  const core = image([
    field(1, 1n),
    field(5, writeFields([field(1, 9n), field(8, 9n)])),
  ]);
  const without = setDeathSignal(core, 0);
  assertEquals(without && inner(without, 5), { 1: 9n });
  const again = without && setDeathSignal(without, 15);
  assertEquals(again && inner(again, 5), { 1: 9n, 8: 15n });
  assertEquals(setDeathSignal(core, 9), undefined);
});

Deno.test("an image that is cut is refused", () => {
  const whole = file(field(2, 1n), field(9, 1n));
  assertThrows(() => freeOutsideFiles(whole.subarray(0, -1)), RangeError);
});

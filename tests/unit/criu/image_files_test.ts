import { assertEquals, assertThrows } from "@std/assert";
import {
  freeOutsideFiles,
  separateMasters,
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

/** A mount, by what counts of it. */
function mountEntry(
  id: bigint,
  path: string,
  shared: bigint,
  master: bigint,
  key?: string,
): WireField[] {
  const encoder = new TextEncoder();
  return [
    field(2, id),
    field(7, encoder.encode(path)),
    field(10, shared),
    field(11, master),
    ...key === undefined ? [] : [field(18, encoder.encode(key))],
  ];
}

/** Numbers of the masters in an image of mounts. */
function masters(bytes: Uint8Array): bigint[] {
  const found: bigint[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = HEADER.length; at < bytes.length;) {
    const end = at + 4 + view.getUint32(at, true);
    const fields = readFields(bytes.subarray(at + 4, end));
    const value = fields.find(({ number }) => number === 11)?.value;
    found.push(typeof value === "bigint" ? value : -1n);
    at = end;
  }
  return found;
}

Deno.test("mounts from outside are slaves by themselves, others stay as they are", () => {
  const OWN = 0x4000_0000n;
  const mounts = image(
    mountEntry(1n, "/", 0n, 2n),
    mountEntry(2n, "/data", 0n, 2n, "data"),
    mountEntry(3n, "/private", 0n, 2n, "private"),
    mountEntry(4n, "/peer", 7n, 2n, "peer"),
    mountEntry(5n, "/inside", 0n, 7n, "inside"),
    mountEntry(6n, "/own", 0n, 2n),
    mountEntry(7n, "/none", 0n, 0n, "none"),
  );
  const changed = separateMasters(mounts, (key) => key !== "private");
  assertEquals(masters(changed), [OWN + 1n, OWN + 2n, 0n, 2n, 7n, 2n, 0n]);
  const alone = separateMasters(mounts, () => false);
  assertEquals(masters(alone), [0n, 0n, 0n, 2n, 7n, 2n, 0n]);
});

import { assertEquals, assertThrows } from "@std/assert";
import {
  decodeMessage,
  encodeMessage,
  type Message,
  type Schema,
} from "../../../lib/criu/protobuf.ts";

const INNER: Schema = { text: { number: 1, type: "text" } };
const SCHEMA: Schema = {
  number: { number: 1, type: "int" },
  flag: { number: 2, type: "bool" },
  text: { number: 3, type: "text" },
  inner: { number: 20, type: INNER },
  texts: { number: 5, type: "text", isList: true },
  inners: { number: 6, type: INNER, isList: true },
};

function roundTrip(message: Message): Message {
  return decodeMessage(SCHEMA, encodeMessage(SCHEMA, message));
}

Deno.test("protobuf: what is packed is unpacked", () => {
  const message = {
    number: 150,
    flag: true,
    text: "ä/b",
    inner: { text: "x" },
    texts: ["a", "", "c"],
    inners: [{ text: "1" }, {}],
  };
  assertEquals(roundTrip(message), message);
});

Deno.test("protobuf: bytes are those of the format", () => {
  const bytes = encodeMessage(SCHEMA, { number: 150, inner: { text: "x" } });
  assertEquals([...bytes], [8, 0x96, 1, 0xa2, 1, 3, 10, 1, 0x78]);
});

Deno.test("protobuf: negative numbers take ten bytes and come back", () => {
  assertEquals(encodeMessage(SCHEMA, { number: -1 }).length, 11);
  assertEquals(roundTrip({ number: -1 }), { number: -1 });
});

Deno.test("protobuf: false and zero are sent", () => {
  assertEquals(roundTrip({ number: 0, flag: false }), {
    number: 0,
    flag: false,
  });
});

Deno.test("protobuf: unknown fields of every kind are passed over", () => {
  const bytes = new Uint8Array([
    ...[0x78, 1], // field 15, a number
    ...[0x79, 1, 2, 3, 4, 5, 6, 7, 8], // 64 bits
    ...[0x7a, 2, 9, 9], // bytes
    ...[0x7d, 1, 2, 3, 4], // 32 bits
    ...[8, 7],
  ]);
  assertEquals(decodeMessage(SCHEMA, bytes), { number: 7 });
});

Deno.test("protobuf: of a field that comes twice the last one counts", () => {
  assertEquals(decodeMessage(SCHEMA, new Uint8Array([8, 1, 8, 2])), {
    number: 2,
  });
});

for (
  const [what, bytes] of Object.entries({
    "a cut number": [8, 0x80],
    "a cut text": [0x1a, 5, 65],
    "a number without end": [8, ...Array.from({ length: 11 }, () => 0x80)],
    "a length of 2^63": [0x1a, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1],
    "an unknown wire type": [0x0b],
    "a text in the place of a number": [0x0a, 1, 65],
    "a number in the place of a text": [0x18, 1],
  })
) {
  Deno.test(`protobuf: ${what} is refused`, () => {
    assertThrows(
      () => decodeMessage(SCHEMA, new Uint8Array(bytes)),
      RangeError,
    );
  });
}

Deno.test("protobuf: values of other types and unknown names are not packed", () => {
  for (
    const message of [
      { number: "1" },
      { number: 1.5 },
      { flag: 1 },
      { text: true },
      { inner: "x" },
      { other: 1 },
      { constructor: 1 },
    ]
  ) {
    assertThrows(
      () => encodeMessage(SCHEMA, message as unknown as Message),
      TypeError,
    );
  }
});

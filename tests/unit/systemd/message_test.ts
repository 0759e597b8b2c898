import { assertEquals, assertThrows } from "@std/assert";
import { MarshalError } from "../../../lib/systemd/marshal.ts";
import {
  decodeMessage,
  encodeMessage,
  MESSAGE_TYPES,
  messageLength,
} from "../../../lib/systemd/message.ts";

const CALL = {
  type: MESSAGE_TYPES.call,
  serial: 7,
  path: "/org/freedesktop/systemd1",
  interface: "org.freedesktop.systemd1.Manager",
  member: "GetUnit",
  destination: "org.freedesktop.systemd1",
  signature: "s",
  body: ["a.scope"],
};

Deno.test("decodeMessage reads what encodeMessage wrote", () => {
  assertEquals(decodeMessage(encodeMessage(CALL)), CALL);
  const error = {
    type: MESSAGE_TYPES.error,
    serial: 9,
    errorName: "org.freedesktop.systemd1.NoSuchUnit",
    replySerial: 7,
    signature: "s",
    body: ["no"],
  };
  assertEquals(decodeMessage(encodeMessage(error)), error);
});

Deno.test("a message without a body has no signature", () => {
  const { signature: _, ...rest } = { ...CALL, body: [] };
  const bytes = encodeMessage(rest);
  assertEquals(bytes.length % 8, 0);
  assertEquals(decodeMessage(bytes), rest);
});

Deno.test("messageLength tells the length from the first bytes", () => {
  const bytes = encodeMessage(CALL);
  assertEquals(messageLength(bytes.subarray(0, 16)), bytes.length);
});

Deno.test("messageLength refuses big-endian, other versions and huge messages", () => {
  for (const [at, value] of [[0, 0x42], [3, 2], [7, 0x7f]] as const) {
    const bytes = encodeMessage(CALL);
    bytes[at] = value;
    assertThrows(() => messageLength(bytes), MarshalError);
  }
});

Deno.test("decodeMessage refuses a message that is cut short", () => {
  const bytes = encodeMessage(CALL);
  assertThrows(() => decodeMessage(bytes.subarray(0, -1)), MarshalError);
});

import { assertEquals } from "@std/assert";
import {
  encodeMarks,
  encodeNumbers,
  encodePlace,
  encodeStart,
  KEPT,
  KEPT_ESCAPE,
  KEPT_VALUES,
} from "../../../ffi/encode_start.ts";

const HEADER = new URL("../../../c/kept.h", import.meta.url);

/** Names and numbers of an enumeration of C, without its prefix. */
function enumerationOf(text: string, name: string): [string, string][] {
  const body = new RegExp(`enum ${name} \\{([^}]*)\\}`).exec(text)?.[1] ?? "";
  return [...body.matchAll(/NSI_KEPT_(\w+) = ([^,]+),/g)]
    .map(([, key = "", value = ""]): [string, string] => [key, value])
    .filter(([key]) => key !== "TYPES");
}

/** `ownerStart` as `OWNER_START`. */
function upperCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, "_$&").toUpperCase();
}

Deno.test("KEPT and its letters are those of c/kept.h", async () => {
  const text = await Deno.readTextFile(HEADER);
  assertEquals(
    Object.entries(KEPT).map(([name, type]) => [upperCase(name), `${type}`]),
    enumerationOf(text, "nsi_kept_type"),
  );
  assertEquals(
    Object.entries(KEPT_VALUES)
      .map(([name, letter]) => [upperCase(name), `'${letter}'`]),
    enumerationOf(text, "nsi_kept_value"),
  );
  const escape = /#define NSI_KEPT_ESCAPE (\d+)/.exec(text)?.[1];
  assertEquals(escape, `${KEPT_ESCAPE.charCodeAt(0)}`);
});

Deno.test("encodeStart writes a head and padded items", () => {
  const bytes = encodeStart(0x1122334455667788n, [
    { kind: "key", data: "a\0/\0" },
    { kind: "detached", data: "" },
    { kind: "limit", data: encodeNumbers([1n, 2n ** 64n - 1n]) },
  ]);
  const words = [...new BigUint64Array(bytes.buffer)].map((word) =>
    word.toString(16).padStart(16, "0")
  );
  assertEquals(words, [
    "000000014b49534e",
    "1122334455667788",
    "0000000400000001",
    "00000000002f0061",
    "0000000000000012",
    "0000001000000007",
    "0000000000000001",
    "ffffffffffffffff",
  ]);
});

Deno.test("encodePlace writes zeros for what does not matter", () => {
  const bytes = encodePlace("/a", { dev: 2 ** 33, ino: 7 });
  assertEquals([...new BigUint64Array(bytes.buffer.slice(0, 40))], [
    2n ** 33n,
    7n,
    0n,
    0n,
    0n,
  ]);
  assertEquals([...bytes.subarray(40)], [0x2f, 0x61, 0]);
  const version = { size: 3, modified: 1500, changed: 2000 };
  const whole = encodePlace("/a", { dev: 1, ino: 7, version });
  assertEquals([...new BigUint64Array(whole.buffer.slice(16, 40))], [
    3n,
    1500n,
    2000n,
  ]);
});

Deno.test("encodeMarks finds every place, whatever bytes surround it", () => {
  const bytes = new Uint8Array([0xff, 0x61, 0x62, 0x80, 0x61, 0x62, 0x61]);
  const found = (text: string): number[] => [
    ...new Uint32Array(encodeMarks(bytes, text).buffer),
  ];
  assertEquals(found("ab"), [1, 4]);
  assertEquals(found("abc"), []);
});

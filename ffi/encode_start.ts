/**
 * A start that is kept -> bytes, as `c/kept.h` describes them. Pure.
 *
 * @module
 */

/** First word of the file. */
const MAGIC = 0x4b49534e;
/** Number of this form; another one is not read. */
const FORMAT = 1;

/** Kinds of items: `enum nsi_kept_type`. */
export const KEPT = {
  key: 1,
  file: 2,
  lines: 3,
  place: 4,
  absent: 5,
  unset: 6,
  limit: 7,
  never: 8,
  record: 9,
  process: 10,
  held: 11,
  done: 12,
  answer: 13,
  thawed: 14,
  alsoThawed: 15,
  root: 16,
  id: 17,
  detached: 18,
  plan: 19,
  undo: 20,
  monitor: 21,
  marks: 22,
  before: 23,
  marked: 24,
  running: 25,
  tail: 26,
  marker: 27,
  content: 28,
  passwd: 29,
  group: 30,
  user: 31,
} as const;

/** Letters that stand, behind {@linkcode KEPT_ESCAPE}, for what a start finds out: `enum nsi_kept_value`. */
export const KEPT_VALUES = {
  mark: "M",
  created: "C",
  owner: "O",
  ownerStart: "o",
  pid: "P",
  start: "S",
  inode: "I",
  second: "J",
  status: "T",
} as const;

/** Announces a letter in a text. */
export const KEPT_ESCAPE = "\x01";

/** One item of the file. */
export interface KeptItem {
  /** What it is. */
  readonly kind: keyof typeof KEPT;
  /** Its bytes, or a text. */
  readonly data: Uint8Array | string;
}

/** What a file must be for what was decided to hold. */
export interface KeptPlace {
  /** Number of its device. */
  readonly dev: number;
  /** Its inode. */
  readonly ino: number;
  /** Its size and times in milliseconds, where it must not have been written either. */
  readonly version?: {
    /** In bytes. */
    readonly size: number;
    /** Of its content. */
    readonly modified: number;
    /** Of anything. */
    readonly changed: number;
  };
}

const encoder = new TextEncoder();
const HEAD = 16;
const ITEM = 8;

/**
 * Packs what a file must be, with its path.
 *
 * @param path Absolute path.
 * @param place What it is.
 * @returns Bytes of an item `place`.
 */
export function encodePlace(path: string, place: KeptPlace): Uint8Array {
  const name = encoder.encode(path + "\0");
  const bytes = new Uint8Array(40 + name.length);
  const view = new DataView(bytes.buffer);
  const { size = 0, modified = 0, changed = 0 } = place.version ?? {};
  [place.dev, place.ino, size, modified, changed].forEach((value, index) =>
    view.setBigUint64(8 * index, BigInt(Math.trunc(value)), true)
  );
  bytes.set(name, 40);
  return bytes;
}

/**
 * Packs 64-bit numbers, as of an item `limit`.
 *
 * @param values The numbers.
 * @returns The bytes.
 */
export function encodeNumbers(values: readonly bigint[]): Uint8Array {
  return new Uint8Array(new BigUint64Array(values).buffer);
}

/**
 * Finds where a text stands in bytes.
 *
 * @param bytes Any.
 * @param text In ASCII.
 * @returns Bytes of an item `marks`: 32-bit offsets.
 */
export function encodeMarks(bytes: Uint8Array, text: string): Uint8Array {
  const all = new TextDecoder("latin1").decode(bytes);
  const offsets: number[] = [];
  for (let at = all.indexOf(text); at >= 0; at = all.indexOf(text, at + 1)) {
    offsets.push(at);
  }
  return new Uint8Array(new Uint32Array(offsets).buffer);
}

/**
 * Packs the file.
 *
 * @param hash Hash of the key.
 * @param items The key first; `marks` behind the Plan that they are of.
 * @returns The bytes.
 *
 * @example
 * ```ts
 * import { encodeStart } from "./encode_start.ts";
 *
 * const bytes = encodeStart(1n, [{ kind: "key", data: "/\0" }]);
 * if (bytes.length !== 32) throw new Error("changed");
 * ```
 */
export function encodeStart(
  hash: bigint,
  items: readonly KeptItem[],
): Uint8Array<ArrayBuffer> {
  const parts = items.map(({ kind, data }) => ({
    type: KEPT[kind],
    bytes: typeof data === "string" ? encoder.encode(data) : data,
  }));
  const size = parts.reduce(
    (sum, { bytes }) => sum + ITEM + padded(bytes.length),
    HEAD,
  );
  const out = new Uint8Array(size);
  const view = new DataView(out.buffer);
  view.setUint32(0, MAGIC, true);
  view.setUint32(4, FORMAT, true);
  view.setBigUint64(8, hash, true);
  let at = HEAD;
  for (const { type, bytes } of parts) {
    view.setUint32(at, type, true);
    view.setUint32(at + 4, bytes.length, true);
    out.set(bytes, at + ITEM);
    at += ITEM + padded(bytes.length);
  }
  return out;
}

function padded(length: number): number {
  return Math.ceil(length / 8) * 8;
}

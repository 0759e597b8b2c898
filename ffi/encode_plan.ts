/**
 * Plan -> bytes. Pure. The C side checks every offset again.
 *
 * @module
 */
import { type FieldKind, OPS, type OpSpec } from "../lib/plan/ops.ts";
import type { Op, OpName, Plan } from "../lib/plan/ops.ts";
import { ABI, HEADER, LISTS, OP, PLAN_MAGIC } from "./layout.ts";

/** Makes one operation fail, for tests. */
export interface Fault {
  /** List of the operation. */
  readonly list: "parent" | "child" | "undo";
  /** Index in that list. */
  readonly index: number;
  /** Positive errno that it fails with. */
  readonly errno: number;
}

/** Told of what is packed, for a Plan that is to be filled in later. */
export interface Holes {
  /** A text to which the operation at `at` refers; true when it is left out. */
  readonly text: (at: number, text: string) => boolean;
  /** A number at `at`. */
  readonly number: (at: number, value: number | bigint) => void;
  /** A list. */
  readonly list: (items: readonly string[]) => void;
}

const encoder = new TextEncoder();

/** The fields of an operation in the order of encoding, looked up once. */
interface Field {
  readonly name: string;
  readonly kind: FieldKind;
}
const FIELDS = new Map<string, readonly Field[]>();

function fieldsOf(op: OpName): readonly Field[] {
  const known = FIELDS.get(op);
  if (known) return known;
  const spec: OpSpec = OPS[op];
  const fields = Object.entries(spec.fields)
    .map(([name, kind]) => ({ name, kind }));
  FIELDS.set(op, fields);
  return fields;
}

/**
 * Bytes of a Plan while it is packed. One buffer serves all: packing waits for
 * nothing, and what is handed out is a copy.
 */
class Packer {
  #bytes = new Uint8Array(32768);
  #view = new DataView(this.#bytes.buffer);
  #start = 0;
  #end = 0;
  /** Texts that are in the pool: paths and names come more than once. */
  readonly #texts = new Map<string, number>();

  #holes: Holes | undefined;

  /** Begins anew, with the pool at `start`. */
  open(start: number, holes: Holes | undefined): DataView {
    this.#texts.clear();
    this.#holes = holes;
    this.#start = start;
    this.#end = start + 1; // offset 0 means absent
    this.#reserve(0);
    this.#bytes.fill(0, 0, this.#end);
    return this.#view;
  }

  /** What has been packed; lengths of pool and whole stand in it. */
  close(): Uint8Array<ArrayBuffer> {
    this.#view.setUint32(HEADER.length, this.#end, true);
    this.#view.setUint32(HEADER.poolOffset, this.#start, true);
    this.#view.setUint32(HEADER.poolLength, this.#end - this.#start, true);
    return this.#bytes.slice(0, this.#end);
  }

  #reserve(length: number): void {
    const needed = this.#end + length + 16;
    if (needed <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(needed, 2 * this.#bytes.length));
    grown.set(this.#bytes);
    this.#bytes = grown;
    this.#view = new DataView(grown.buffer);
  }

  /** Writes the place of a text into an operation; a NUL byte cannot be given to the kernel. */
  text(at: number, text: string): void {
    if (this.#holes?.text(at, text)) return;
    const known = this.#texts.get(text);
    if (known !== undefined) return this.#refer(at, known, byteLength(text));
    const offset = this.#end;
    const length = this.#append(text);
    this.#texts.set(text, offset);
    this.#refer(at, offset, length);
  }

  /** As {@linkcode Packer.text}, for a list: each item ends with a NUL byte. */
  list(at: number, items: readonly string[]): void {
    this.#holes?.list(items);
    const offset = this.#end;
    for (const item of items) this.#append(item);
    const length = this.#end - offset;
    this.#reserve(1);
    this.#bytes[this.#end++] = 0;
    this.#refer(at, offset, length);
  }

  data(at: number, data: Uint8Array): void {
    this.#reserve(data.length + 8);
    const aligned = this.#start + Math.ceil((this.#end - this.#start) / 8) * 8;
    this.#bytes.fill(0, this.#end, aligned);
    this.#bytes.set(data, aligned);
    this.#end = aligned + data.length;
    this.#bytes[this.#end++] = 0;
    this.#refer(at, aligned, data.length);
  }

  number(at: number, value: number | bigint): void {
    this.#holes?.number(at, value);
    if (typeof value === "number" && value >>> 0 === value) {
      this.#view.setUint32(at, value, true);
    } else {
      this.#view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
    }
  }

  get view(): DataView {
    return this.#view;
  }

  /** Appends a text and a NUL byte; the length is without that. */
  #append(text: string): number {
    if (text.includes("\0")) {
      throw new TypeError(`Cannot pack ${JSON.stringify(text)}: NUL byte`);
    }
    this.#reserve(3 * text.length + 1);
    const { written } = encoder.encodeInto(
      text,
      this.#bytes.subarray(this.#end),
    );
    this.#end += written;
    this.#bytes[this.#end++] = 0;
    return written;
  }

  #refer(at: number, offset: number, length: number): void {
    this.#view.setUint32(at, offset - this.#start, true);
    this.#view.setUint32(at + 4, length, true);
  }
}

/** Bytes of a text in UTF-8. */
function byteLength(text: string): number {
  // deno-lint-ignore no-control-regex -- ASCII is one byte each
  return /^[\x01-\x7f]*$/.test(text)
    ? text.length
    : encoder.encode(text).length;
}

const packer = new Packer();

function encodeOp(at: number, op: Op): void {
  packer.view.setUint16(at + OP.kind, OPS[op.op].kind, true);
  let number = at + OP.numbers;
  let string = at + OP.strings;
  const values = op as unknown as Readonly<Record<string, unknown>>;
  for (const { name, kind } of fieldsOf(op.op)) {
    const value = values[name];
    if (name === "flags") {
      packer.view.setUint32(at + OP.flags, Number(value), true);
    } else if (kind === "u64" || kind === "i64") {
      const numeric = value as number | bigint;
      if (kind === "u64" && numeric < 0) {
        throw new TypeError(
          `Cannot pack ${op.op}.${name} ${numeric}: negative`,
        );
      }
      packer.number(number, numeric);
      number += 8;
    } else {
      if (typeof value === "string") packer.text(string, value);
      else if (kind === "list") packer.list(string, value as readonly string[]);
      else if (value !== undefined) packer.data(string, value as Uint8Array);
      string += 8;
    }
  }
}

/**
 * Packs a Plan for C.
 *
 * @param plan The Plan.
 * @param fault An operation that is to fail instead of being executed.
 * @param holes Told of what is packed.
 * @returns The packed Plan; string offsets count from the pool's start.
 * @throws {TypeError} If a string holds a NUL byte or a number is negative.
 *
 * @example An empty Plan is just a header and a pool
 * ```ts
 * import { encodePlan } from "./encode_plan.ts";
 *
 * const bytes = encodePlan({ parent: [], child: [], undo: [] });
 * if (bytes.length < 64) throw new Error("too short");
 * ```
 */
export function encodePlan(
  plan: Plan,
  fault?: Fault,
  holes?: Holes,
): Uint8Array<ArrayBuffer> {
  const count = plan.parent.length + plan.child.length + plan.undo.length;
  const header = packer.open(HEADER.size + count * OP.size, holes);
  header.setUint32(HEADER.magic, PLAN_MAGIC, true);
  header.setUint32(HEADER.abi, ABI, true);
  header.setUint32(
    HEADER.faultList,
    fault ? LISTS.indexOf(fault.list) : LISTS.length,
    true,
  );
  header.setUint32(HEADER.faultIndex, fault?.index ?? 0, true);
  header.setUint32(HEADER.faultErrno, fault?.errno ?? 0, true);
  let at: number = HEADER.size;
  LISTS.forEach((name, index) => {
    const list: readonly Op[] = plan[name];
    packer.view.setUint32(HEADER.opOffset + 4 * index, at, true);
    packer.view.setUint32(HEADER.opCount + 4 * index, list.length, true);
    for (const op of list) {
      encodeOp(at, op);
      at += OP.size;
    }
  });
  return packer.close();
}

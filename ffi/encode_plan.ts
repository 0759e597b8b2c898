/**
 * Plan -> bytes. Pure. The C side checks every offset again.
 *
 * @module
 */
import { type FieldKind, OPS, type OpSpec } from "../lib/plan/ops.ts";
import type { Op, Plan } from "../lib/plan/ops.ts";
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

/** A string with a NUL byte cannot be given to the kernel. */
class StringPool {
  #bytes = new Uint8Array(4096);
  #length = 1; // offset 0 means absent
  readonly #encoder = new TextEncoder();

  get length(): number {
    return this.#length;
  }

  addBytes(data: Uint8Array, alignment: number): number {
    const start = Math.ceil(this.#length / alignment) * alignment;
    const end = start + data.length + 1;
    if (end > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(end, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
    }
    this.#bytes.set(data, start);
    this.#length = end;
    return start;
  }

  addText(text: string): [offset: number, length: number] {
    if (text.includes("\0")) {
      throw new TypeError(`Cannot pack ${JSON.stringify(text)}: NUL byte`);
    }
    const data = this.#encoder.encode(text);
    return [this.addBytes(data, 1), data.length];
  }

  copyTo(target: Uint8Array, offset: number): void {
    target.set(this.#bytes.subarray(0, this.#length), offset);
  }
}

function addField(
  pool: StringPool,
  kind: FieldKind,
  value: unknown,
): [offset: number, length: number] {
  if (value === undefined) return [0, 0];
  if (kind === "list") {
    const items = value as readonly string[];
    const joined = items.map((item) => {
      if (item.includes("\0")) {
        throw new TypeError(`Cannot pack ${JSON.stringify(item)}: NUL byte`);
      }
      return item + "\0";
    }).join("");
    const data = new TextEncoder().encode(joined);
    return [pool.addBytes(data, 1), data.length];
  }
  if (typeof value === "string") return pool.addText(value);
  const data = value as Uint8Array;
  return [pool.addBytes(data, 8), data.length];
}

function encodeOp(view: DataView, at: number, op: Op, pool: StringPool): void {
  const spec: OpSpec = OPS[op.op];
  view.setUint16(at + OP.kind, spec.kind, true);
  let number = 0;
  let string = 0;
  const fields = op as unknown as Readonly<Record<string, unknown>>;
  for (const [name, kind] of Object.entries(spec.fields)) {
    const value = fields[name];
    if (name === "flags") {
      view.setUint32(at + OP.flags, Number(value), true);
    } else if (kind === "u64" || kind === "i64") {
      const big = BigInt(value as number | bigint);
      if (kind === "u64" && big < 0n) {
        throw new TypeError(`Cannot pack ${op.op}.${name} ${big}: negative`);
      }
      view.setBigUint64(
        at + OP.numbers + 8 * number++,
        BigInt.asUintN(64, big),
        true,
      );
    } else {
      const [offset, length] = addField(pool, kind, value);
      view.setUint32(at + OP.strings + 8 * string, offset, true);
      view.setUint32(at + OP.strings + 8 * string + 4, length, true);
      string++;
    }
  }
}

/**
 * Packs a Plan for C.
 *
 * @param plan The Plan.
 * @param fault An operation that is to fail instead of being executed.
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
export function encodePlan(plan: Plan, fault?: Fault): Uint8Array<ArrayBuffer> {
  const lists = LISTS.map((name) => plan[name]);
  const count = lists.reduce((sum, list) => sum + list.length, 0);
  const pool = new StringPool();
  const poolOffset = HEADER.size + count * OP.size;
  const ops = new Uint8Array(poolOffset);
  const view = new DataView(ops.buffer);
  let at: number = HEADER.size;
  lists.forEach((list, index) => {
    view.setUint32(HEADER.opOffset + 4 * index, at, true);
    view.setUint32(HEADER.opCount + 4 * index, list.length, true);
    for (const op of list) {
      encodeOp(view, at, op, pool);
      at += OP.size;
    }
  });
  view.setUint32(HEADER.magic, PLAN_MAGIC, true);
  view.setUint32(HEADER.abi, ABI, true);
  view.setUint32(HEADER.length, poolOffset + pool.length, true);
  view.setUint32(HEADER.poolOffset, poolOffset, true);
  view.setUint32(HEADER.poolLength, pool.length, true);
  view.setUint32(
    HEADER.faultList,
    fault ? LISTS.indexOf(fault.list) : LISTS.length,
    true,
  );
  view.setUint32(HEADER.faultIndex, fault?.index ?? 0, true);
  view.setUint32(HEADER.faultErrno, fault?.errno ?? 0, true);
  const packed = new Uint8Array(poolOffset + pool.length);
  packed.set(ops);
  pool.copyTo(packed, poolOffset);
  return packed;
}

/**
 * What packed Plans say, wherever it stands in them.
 *
 * @module
 */
import { ABI, HEADER, LISTS, OP, PLAN_MAGIC } from "../../ffi/layout.ts";
import { OPS } from "../../lib/plan/ops.ts";

const NAMES = new Map<number, string>(
  Object.entries(OPS).map(([name, { kind }]) => [kind, name]),
);
const REFERENCES = 5;
const NUMBERS = 6;

/** One operation: its name, flags, numbers, and what it refers to. */
export interface DecodedOp {
  /** Name. */
  readonly op: string;
  /** Flags. */
  readonly flags: number;
  /** All numbers, unused ones too. */
  readonly numbers: readonly bigint[];
  /** Bytes as Latin-1, with the NUL byte behind them; undefined where it is absent. */
  readonly strings: readonly (string | undefined)[];
}

/** Reads a packed Plan. */
export function decodePlan(
  bytes: Uint8Array<ArrayBuffer>,
): Record<string, DecodedOp[]> {
  const view = new DataView(bytes.buffer);
  const header = (at: number): number => view.getUint32(at, true);
  if (header(HEADER.magic) !== PLAN_MAGIC || header(HEADER.abi) !== ABI) {
    throw new Error("this is no packed Plan");
  }
  const pool = header(HEADER.poolOffset);
  const length = header(HEADER.poolLength);
  if (header(HEADER.length) !== bytes.length || pool + length > bytes.length) {
    throw new Error("lengths of the Plan are wrong");
  }
  const referenced = (at: number): string | undefined => {
    const [offset, size] = [header(at), header(at + 4)];
    if (offset === 0) return undefined;
    if (offset + size >= length) throw new Error("a reference leaves the pool");
    const found = bytes.subarray(pool + offset, pool + offset + size + 1);
    return Array.from(found, (byte) => String.fromCharCode(byte)).join("");
  };
  return Object.fromEntries(LISTS.map((list, index) => {
    const first = header(HEADER.opOffset + 4 * index);
    const count = header(HEADER.opCount + 4 * index);
    const ops = Array.from({ length: count }, (_, at): DecodedOp => {
      const op = first + at * OP.size;
      return {
        op: NAMES.get(view.getUint16(op + OP.kind, true)) ?? "?",
        flags: header(op + OP.flags),
        numbers: Array.from(
          { length: NUMBERS },
          (_, n) => view.getBigUint64(op + OP.numbers + 8 * n, true),
        ),
        strings: Array.from(
          { length: REFERENCES },
          (_, n) => referenced(op + OP.strings + 8 * n),
        ),
      };
    });
    return [list, ops];
  }));
}

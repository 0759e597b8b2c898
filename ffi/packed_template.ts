/**
 * Packed Plans of starts that differ in names alone: packed once, filled in each
 * time.
 *
 * @module
 */
import type { Plan } from "../lib/plan/ops.ts";
import {
  hasSign,
  joinPieces,
  type Names,
  type Pieces,
  piecesOf,
  streamOf,
} from "../lib/plan/template.ts";
import { encodePlan } from "./encode_plan.ts";
import { HEADER } from "./layout.ts";

/** A packed Plan with places for names. */
export interface PackedTemplate {
  /** All that does not differ. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Texts that do, and the operations that refer to them. */
  readonly texts: readonly {
    readonly pieces: Pieces;
    readonly places: readonly number[];
  }[];
  /** Descriptors of streams. */
  readonly numbers: readonly { readonly at: number; readonly stream: number }[];
}

/**
 * Packs a Plan with signs.
 *
 * @param plan The Plan of a template.
 * @returns It; undefined where a name stands in what cannot be filled in.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { packTemplate } from "./packed_template.ts";
 *
 * assertEquals(packTemplate({ parent: [], child: [], undo: [] })?.texts, []);
 * ```
 */
export function packTemplate(plan: Plan): PackedTemplate | undefined {
  const places = new Map<string, number[]>();
  const numbers: { at: number; stream: number }[] = [];
  let isWhole = true;
  const bytes = encodePlan(plan, undefined, {
    text: (at, text) => {
      if (!hasSign(text)) return false;
      places.set(text, [...places.get(text) ?? [], at]);
      return true;
    },
    number: (at, value) => {
      const stream = streamOf(value);
      if (stream !== undefined) numbers.push({ at, stream });
    },
    list: (items) => {
      if (items.some(hasSign)) isWhole = false;
    },
  });
  if (!isWhole) return undefined;
  const texts = [...places].map(([text, ats]) => ({
    pieces: piecesOf(text),
    places: ats,
  }));
  return { bytes, texts, numbers };
}

const encoder = new TextEncoder();

function encodeText(text: string): Uint8Array<ArrayBuffer> {
  if (text.includes("\0")) {
    throw new TypeError(`Cannot pack ${JSON.stringify(text)}: NUL byte`);
  }
  return encoder.encode(text);
}

/**
 * Puts names in.
 *
 * @param template The packed template.
 * @param names The names.
 * @returns The packed Plan.
 * @throws {TypeError} If a name holds a NUL byte.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { encodePlan } from "./encode_plan.ts";
 * import { fillPacked, packTemplate } from "./packed_template.ts";
 *
 * const plan = { parent: [], child: [], undo: [] };
 * const template = packTemplate(plan);
 * const names = { id: "a", group: "a", alias: "a", stateDir: "/a", fds: [] };
 * assertEquals(template && fillPacked(template, names), encodePlan(plan));
 * ```
 */
export function fillPacked(
  { bytes, texts, numbers }: PackedTemplate,
  names: Names,
): Uint8Array<ArrayBuffer> {
  const filled = texts.map(({ pieces }) =>
    encodeText(joinPieces(pieces, names))
  );
  const added = filled.reduce((sum, text) => sum + text.length + 1, 0);
  const out = new Uint8Array(bytes.length + added);
  out.set(bytes);
  const view = new DataView(out.buffer);
  const pool = view.getUint32(HEADER.poolOffset, true);
  let end = bytes.length;
  texts.forEach(({ places }, index) => {
    const text = filled[index] ?? new Uint8Array();
    out.set(text, end);
    for (const at of places) {
      view.setUint32(at, end - pool, true);
      view.setUint32(at + 4, text.length, true);
    }
    end += text.length + 1; // a NUL byte is there
  });
  for (const { at, stream } of numbers) {
    view.setBigUint64(at, BigInt(names.fds[stream] ?? -1), true);
  }
  view.setUint32(HEADER.length, end, true);
  view.setUint32(HEADER.poolLength, end - pool, true);
  return out;
}

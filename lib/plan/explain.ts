/**
 * A Plan for people and for programs: text and JSON.
 *
 * @module
 */
import { CHILD_SENTENCES } from "./explain_child.ts";
import {
  PARENT_SENTENCES,
  type Sentences,
  UNDO_SENTENCES,
} from "./explain_parent.ts";
import type { Op, OpName, Plan } from "./ops.ts";

/** Heading of each list. */
const TITLES = {
  parent: "parent (prepares on the host)",
  child: "child (works inside)",
  undo: "undo (at the end, or when a step fails)",
} as const;

const SENTENCES: Sentences<"parent" | "child" | "undo"> = {
  ...PARENT_SENTENCES,
  ...CHILD_SENTENCES,
  ...UNDO_SENTENCES,
};

function say<N extends OpName>(name: N, op: Op<N>): string {
  const sentences: { readonly [M in OpName]: (op: Op<M>) => string } =
    SENTENCES;
  return sentences[name](op);
}

/** Names are padded to the longest one. */
const NAME_WIDTH = 17;

/**
 * Replaces control characters, so that names from a configuration cannot draw
 * on the terminal. Pure.
 */
function printable(text: string): string {
  return text.replace(
    // deno-lint-ignore no-control-regex -- these are what must not be printed
    /[\x00-\x1f\x7f-\x9f]/g,
    (found) => `\\x${found.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
}

/**
 * Says in one sentence what an operation does. Pure.
 *
 * @param op The operation.
 * @returns The sentence, with flags by name and no control characters.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { explainOp } from "./explain.ts";
 *
 * assertEquals(
 *   explainOp({ op: "spawn", flags: 0x20020000, cgroup: -1 }),
 *   "start the helper with CLONE_NEWNS|CLONE_NEWPID",
 * );
 * ```
 */
export function explainOp(op: Op): string {
  const { note } = op;
  return printable(say(op.op, op) + (note ? ` [${note}]` : ""));
}

function formatList(title: string, ops: readonly Op[]): string {
  const lines = ops.map((op, index) =>
    `  ${String(index).padStart(3)}  ${op.op.padEnd(NAME_WIDTH)} ${
      explainOp(op)
    }`
  );
  return [`${title}:`, ...lines].join("\n");
}

/**
 * Prints a Plan: three numbered lists, one line for each operation. Pure.
 *
 * The numbers are those of error reports.
 *
 * @param plan The Plan.
 * @returns Text with a newline at the end.
 *
 * @example
 * ```ts
 * import { assertStringIncludes } from "@std/assert";
 * import { formatPlan } from "./explain.ts";
 *
 * const text = formatPlan({ parent: [], child: [{ op: "root.pivot" }], undo: [] });
 * assertStringIncludes(text, "0  root.pivot");
 * ```
 */
export function formatPlan(plan: Plan): string {
  return [
    formatList(TITLES.parent, plan.parent),
    formatList(TITLES.child, plan.child),
    formatList(TITLES.undo, plan.undo),
  ].join("\n\n") + "\n";
}

/** A value of JSON. */
export type JsonValue =
  | string
  | number
  | boolean
  | null
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** Bytes become their length and their hexadecimal digits. */
function toJsonValue(value: unknown): JsonValue {
  if (value instanceof Uint8Array) {
    const hex = [...value].map((byte) => byte.toString(16).padStart(2, "0"));
    return { length: value.length, hex: hex.join("") };
  }
  if (Array.isArray(value)) return value.map(toJsonValue);
  if (typeof value === "number" || typeof value === "string") return value;
  return String(value);
}

function opToJson(op: Op): JsonValue {
  return Object.fromEntries([
    ...Object.entries(op)
      .filter(([, value]) => value !== undefined)
      .map(([key, value]) => [key, toJsonValue(value)]),
    ["text", explainOp(op)],
  ]);
}

/**
 * Turns a Plan into a value for `JSON.stringify`. Pure.
 *
 * @param plan The Plan.
 * @returns The three lists; big numbers are strings, bytes `{length, hex}`, and
 * `text` is the sentence of {@linkcode explainOp}.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { planToJson } from "./explain.ts";
 *
 * const { child } = planToJson({
 *   parent: [],
 *   child: [{ op: "caps.bound", mask: 1n }],
 *   undo: [],
 * });
 * assertEquals(child, [{
 *   op: "caps.bound",
 *   mask: "1",
 *   text: "bound capabilities by CAP_CHOWN",
 * }]);
 * ```
 */
export function planToJson(
  plan: Plan,
): Readonly<Record<"parent" | "child" | "undo", readonly JsonValue[]>> {
  return {
    parent: plan.parent.map(opToJson),
    child: plan.child.map(opToJson),
    undo: plan.undo.map(opToJson),
  };
}

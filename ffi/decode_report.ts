/**
 * bytes -> error. Pure: looks the failed operation up in the Plan and words it.
 *
 * @module
 */
import { KernelError, type NsinitError, ProgramError } from "../lib/errors.ts";
import type { Op, Plan } from "../lib/plan/ops.ts";
import { describeErrno, errnoName } from "./errno.ts";
import { type Detail, DETAILS, LISTS, REPORT } from "./layout.ts";
import { wordFailure, wordHookEnd } from "./wording.ts";

/** A decoded `struct nsi_report`. */
export interface Report {
  /** List of the failed operation; absent when none failed. */
  readonly list: "parent" | "child" | "undo" | undefined;
  /** Index in the list. */
  readonly index: number;
  /** Positive errno, 0 for success. */
  readonly errno: number;
  /** Sub-step. */
  readonly detail: Detail;
  /** Extra fact, e.g. the exit status of a command. */
  readonly value: bigint;
  /** The ends of what a failed hook said, where that was kept. */
  readonly said?: { readonly stdout: string; readonly stderr: string };
}

/** Bytes that are kept of each output: `HOOK_SAID_MAX` of `c/hook.c`. */
const SAID_MAX = 2048;

/** Texts that each come after their length. */
function textsOf(payload: Uint8Array): string[] {
  const texts: string[] = [];
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  for (let at = 0; at + 4 <= payload.length;) {
    const length = view.getUint32(at, true);
    at += 4 + length;
    const text = new TextDecoder().decode(payload.subarray(at - length, at));
    texts.push(length < SAID_MAX ? text : `...${text}`);
  }
  return texts;
}

/**
 * Reads a report.
 *
 * @param view The bytes of a `struct nsi_report`.
 * @param payload What may have come with it.
 * @returns What it says.
 *
 * @example
 * ```ts
 * import { decodeReport } from "./decode_report.ts";
 *
 * const report = decodeReport(new DataView(new ArrayBuffer(40)));
 * if (report.errno !== 0) throw new Error("not empty");
 * ```
 */
export function decodeReport(
  view: DataView,
  payload: Uint8Array = new Uint8Array(),
): Report {
  const length = view.getUint32(REPORT.length, true);
  const [stdout, stderr] = textsOf(payload.subarray(0, length));
  return {
    list: LISTS[view.getUint32(REPORT.list, true)],
    index: view.getUint32(REPORT.index, true),
    errno: view.getInt32(REPORT.error, true),
    detail: DETAILS[view.getUint32(REPORT.detail, true)] ?? "",
    value: view.getBigInt64(REPORT.value, true),
    ...stdout !== undefined && stderr !== undefined &&
      { said: { stdout, stderr } },
  };
}

const NOT_FOUND = new Set(["ENOENT", "ENOTDIR"]);

function execError(
  { asked, paths }: {
    readonly asked: string;
    /** What was tried. */
    readonly paths: readonly string[];
  },
  { errno, detail, value }: Report,
): ProgramError {
  const program = JSON.stringify(asked);
  const name = errnoName(errno);
  const isThere = detail === "verify" || !NOT_FOUND.has(name);
  const path = isThere ? paths[Number(value)] : undefined;
  const context = {
    errno,
    errnoName: name,
    program: asked,
    ...path !== undefined && { path },
  };
  if (!NOT_FOUND.has(name)) {
    return new ProgramError(
      "ProgramNotExecutable",
      `Cannot execute ${program} inside: ${describeErrno(errno)}`,
      { context },
    );
  }
  const searched = asked.includes("/")
    ? `no such file or directory, or its interpreter is missing (${name})`
    : "executable file not found in $PATH";
  return new ProgramError(
    "ProgramNotFound",
    `Cannot execute ${program} inside: ${searched}`,
    { context },
  );
}

/**
 * Turns a failed execution into the error to throw.
 *
 * @param plan The Plan that was executed.
 * @param report What C reported.
 * @returns A {@linkcode KernelError}, or a {@linkcode ProgramError} when exec itself failed.
 *
 * @example
 * ```ts
 * import { errorOf } from "./decode_report.ts";
 *
 * const error = errorOf(
 *   { parent: [], child: [{ op: "hostname.set", name: "a" }], undo: [] },
 *   { list: "child", index: 0, errno: 1, detail: "", value: 0n },
 * );
 * if (error.code !== "SystemError") throw error;
 * ```
 */
export function errorOf(plan: Plan, report: Report): NsinitError {
  const name = errnoName(report.errno);
  const op: Op | undefined = report.list && plan[report.list][report.index];
  if (op?.op === "exec") {
    return execError({ asked: op.argv[0] ?? "", paths: op.paths }, report);
  }
  if (op?.op === "program.find") {
    return execError({ asked: op.name, paths: [] }, report);
  }
  const options = {
    errno: report.errno,
    errnoName: name,
    ...(op && { operation: op.op }),
    ...(report.list && { list: report.list, index: report.index }),
  };
  if (report.detail === "child") {
    return new KernelError(
      "Cannot start: the process inside ended before it ran the program (was it killed, or out of memory?)",
      options,
    );
  }
  if (!op) {
    return new KernelError(
      `Cannot execute the Plan: ${describeErrno(report.errno)}`,
      options,
    );
  }
  if (op.op === "command.run" && name === "ECANCELED") {
    return new KernelError(
      `Cannot mount: command ${
        JSON.stringify(op.path)
      } ended with status ${report.value}`,
      options,
    );
  }
  if (op.op === "hook.run") {
    const end = wordHookEnd(op, name, report.value);
    if (end !== undefined) {
      const { said } = report;
      return new KernelError(end, { ...options, ...said && { context: said } });
    }
  }
  return new KernelError(
    wordFailure(op, describeErrno(report.errno), name, report.detail),
    options,
  );
}

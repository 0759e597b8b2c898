/**
 * The one error hierarchy. Every failure that leaves this program is an
 * {@linkcode NsinitError} with a stable code; the class decides the exit status.
 *
 * @module
 */

/** Every code an {@linkcode NsinitError} can carry. Codes are never reused. */
export type ErrorCode =
  | "IdInUse"
  | "InvalidIdFormat"
  | "ContainerNotExists"
  | "ContainerPaused"
  | "ContainerNotPaused"
  | "ContainerNotStopped"
  | "ContainerNotRunning"
  | "ProcessNotExecuted"
  | "ConfigInvalid"
  | "SystemError"
  | "UsageInvalid"
  | "HostUnsupported"
  | "CriuFailed"
  | "ProgramNotFound"
  | "ProgramNotExecutable";

/** Options common to all errors of this program. */
export interface NsinitErrorOptions extends ErrorOptions {
  /** Facts for programs: paths, ids, errno. Never needed to read the message. */
  readonly context?: Readonly<Record<string, unknown>>;
}

/**
 * Base of all errors: `code` is stable, `message` says what was attempted, on
 * what, why it failed and what to do.
 *
 * @example Telling errors apart
 * ```ts
 * import { NsinitError, StateError } from "./errors.ts";
 *
 * const error: NsinitError = new StateError("IdInUse", "Cannot create container \"a\": id in use");
 * if (error.code !== "IdInUse" || error.exitCode !== 125) throw error;
 * ```
 */
export abstract class NsinitError extends Error {
  /** Stable code of the failure. */
  readonly code: ErrorCode;
  /** Exit status of the command line for this failure. */
  readonly exitCode: number;
  /** Facts for programs: paths, ids, errno. */
  readonly context: Readonly<Record<string, unknown>>;

  /** Makes an error; subclasses fix the exit status. */
  constructor(
    code: ErrorCode,
    message: string,
    exitCode: number,
    options: NsinitErrorOptions = {},
  ) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
    this.exitCode = exitCode;
    this.context = options.context ?? {};
  }
}

/**
 * The command line or a call was used wrongly. Exit status 2.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { UsageError } from "./errors.ts";
 *
 * const error = new UsageError("Cannot kill with SIGFOO: no such signal");
 * assertEquals([error.code, error.exitCode], ["UsageInvalid", 2]);
 * ```
 */
export class UsageError extends NsinitError {
  /** Makes the error with code `UsageInvalid`. */
  constructor(message: string, options: NsinitErrorOptions = {}) {
    super("UsageInvalid", message, 2, options);
  }
}

/** One fault found in a configuration. */
export interface ConfigProblem {
  /** What is wrong, what was found, what was wanted, and the fix: one sentence, no position. */
  readonly message: string;
  /** Key path, e.g. `mounts[2].flags`; empty for the whole document. */
  readonly path: string;
  /** 1-based line, when the text is known. */
  readonly line?: number;
  /** 1-based column in UTF-16 units, when the text is known. */
  readonly column?: number;
}

/**
 * A configuration was refused. Carries all problems found. Exit status 125.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ConfigError } from "./errors.ts";
 *
 * const problem = { message: "wanted a string", path: "hostname", line: 3 };
 * const error = new ConfigError("container.json:3: wanted a string", [problem]);
 * assertEquals(error.problems[0]?.line, 3);
 * ```
 */
export class ConfigError extends NsinitError {
  /** All problems, in the order of the text. */
  readonly problems: readonly ConfigProblem[];

  /** Makes the error with code `ConfigInvalid` (libcontainer's code 7). */
  constructor(
    message: string,
    problems: readonly ConfigProblem[] = [],
    options: NsinitErrorOptions = {},
  ) {
    super("ConfigInvalid", message, 125, options);
    this.problems = problems;
  }
}

/**
 * The machine or kernel lacks something that is needed. Exit status 125.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { HostError } from "./errors.ts";
 *
 * const error = new HostError("Cannot limit tasks: no pids controller");
 * assertEquals(error.code, "HostUnsupported");
 * ```
 */
export class HostError extends NsinitError {
  /** Makes the error with code `HostUnsupported`. */
  constructor(message: string, options: NsinitErrorOptions = {}) {
    super("HostUnsupported", message, 125, options);
  }
}

/** Codes of errors about the state of a container. */
export type StateErrorCode =
  | "IdInUse"
  | "InvalidIdFormat"
  | "ContainerNotExists"
  | "ContainerPaused"
  | "ContainerNotPaused"
  | "ContainerNotStopped"
  | "ContainerNotRunning"
  | "ProcessNotExecuted";

/**
 * A container is not in the state that the action needs. Exit status 125.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { StateError } from "./errors.ts";
 *
 * const error = new StateError("ContainerPaused", "Cannot join a: it is paused");
 * assertEquals(error.code, "ContainerPaused");
 * ```
 */
export class StateError extends NsinitError {
  /** Makes the error with one of libcontainer's state codes. */
  constructor(
    code: StateErrorCode,
    message: string,
    options: NsinitErrorOptions = {},
  ) {
    super(code, message, 125, options);
  }
}

/** Where a kernel call failed. */
export interface KernelErrorOptions extends NsinitErrorOptions {
  /** Positive errno, e.g. 2. */
  readonly errno: number;
  /** Name of the errno, e.g. `ENOENT`. */
  readonly errnoName: string;
  /** Name of the Plan operation that failed, e.g. `mount.tree`, when one did. */
  readonly operation?: string;
  /** Which list of the Plan the operation stands in. */
  readonly list?: "parent" | "child" | "undo";
  /** Index of the operation in its list. */
  readonly index?: number;
}

/**
 * The kernel refused a step. Exit status 125.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { KernelError } from "./errors.ts";
 *
 * const options = { errno: 2, errnoName: "ENOENT", operation: "mount.tree" };
 * const error = new KernelError("Cannot mount /proc: ENOENT", options);
 * assertEquals([error.code, error.errnoName], ["SystemError", "ENOENT"]);
 * ```
 */
export class KernelError extends NsinitError {
  /** Positive errno. */
  readonly errno: number;
  /** Name of the errno. */
  readonly errnoName: string;
  /** Plan operation that failed, when one did. */
  readonly operation: string | undefined;
  /** Which list of the Plan the operation stands in. */
  readonly list: "parent" | "child" | "undo" | undefined;
  /** Index of the operation in its list. */
  readonly index: number | undefined;

  /** Makes the error with code `SystemError` (libcontainer's code 8). */
  constructor(message: string, options: KernelErrorOptions) {
    super("SystemError", message, 125, options);
    this.errno = options.errno;
    this.errnoName = options.errnoName;
    this.operation = options.operation;
    this.list = options.list;
    this.index = options.index;
  }
}

/**
 * The program could not be executed inside. Exit status 127 (not found) or 126.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ProgramError } from "./errors.ts";
 *
 * const error = new ProgramError("ProgramNotFound", "Cannot execute ls inside");
 * assertEquals(error.exitCode, 127);
 * ```
 */
export class ProgramError extends NsinitError {
  /** Makes the error; the code decides between 127 and 126. */
  constructor(
    code: "ProgramNotFound" | "ProgramNotExecutable",
    message: string,
    options: NsinitErrorOptions = {},
  ) {
    super(code, message, code === "ProgramNotFound" ? 127 : 126, options);
  }
}

/**
 * CRIU could not checkpoint or restore. The message has the line of its log that
 * decides, and where the log is. Exit status 125.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { CriuError } from "./errors.ts";
 *
 * const error = new CriuError("Cannot checkpoint a: CRIU says: ...");
 * assertEquals([error.code, error.exitCode], ["CriuFailed", 125]);
 * ```
 */
export class CriuError extends NsinitError {
  /** Makes the error with code `CriuFailed`. */
  constructor(message: string, options: NsinitErrorOptions = {}) {
    super("CriuFailed", message, 125, options);
  }
}

/**
 * Words what the system said about a file, without the name of the call. Pure.
 *
 * @param error What a `Deno` function threw.
 * @returns E.g. `No such file or directory`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { describeCause } from "./errors.ts";
 *
 * const error = new Error("Not a directory (os error 20): stat '/a/b'");
 * assertEquals(describeCause(error), "Not a directory");
 * ```
 */
export function describeCause(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.message.replace(/ \(os error \d+\).*$/s, "");
}

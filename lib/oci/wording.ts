/**
 * Failures in the words that engines and suites look for: the one place where
 * codes become the field's customary sentences.
 *
 * Engines tell causes apart by text: `executable file not found`, `no such file
 * or directory`, `permission denied`, `container does not exist`.
 *
 * @module
 */
import {
  type ErrorCode,
  KernelError,
  NsinitError,
  ProgramError,
} from "../errors.ts";

/** What a code means to engines, whatever else there is to say about it. */
const SENTENCES: Partial<Readonly<Record<ErrorCode, string>>> = {
  ContainerNotExists: "container does not exist",
  IdInUse: "container with given ID already exists",
  InvalidIdFormat: "invalid container ID format",
  ContainerPaused: "container paused",
  ContainerNotPaused: "container not paused",
  ContainerNotRunning: "container not running",
};

/** Errno names in the words of the field, for a program that cannot be executed. */
const EXEC_REASONS: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EISDIR: "is a directory",
  ENOENT: "no such file or directory",
  ENOEXEC: "exec format error",
  ENOTDIR: "not a directory",
  EPERM: "operation not permitted",
  ELOOP: "too many levels of symbolic links",
  ETXTBSY: "text file busy",
};

/** Signals that end a hook, in the words of the field. */
const SIGNALS: Readonly<Record<string, string>> = {
  "1": "hangup",
  "2": "interrupt",
  "3": "quit",
  "4": "illegal instruction",
  "6": "aborted",
  "9": "killed",
  "11": "segmentation fault",
  "13": "broken pipe",
  "15": "terminated",
  "31": "bad system call",
};

/** Words why a hook failed; `undefined` for what is no failure of a hook. */
function wordHook(
  { operation, message, context }: KernelError,
): string | undefined {
  if (operation !== "hook.run") return undefined;
  const [, kind, index, why = ""] =
    /hooks\.(\w+)\[(\d+)\] "[^]*?"(?: failed)?: ([^]*)$/.exec(message) ?? [];
  if (kind === undefined) return undefined;
  const [, status] = /ended with status (\d+)/.exec(why) ?? [];
  const [, signal = ""] = /ended by signal (\d+)/.exec(why) ?? [];
  const reason = status !== undefined
    ? `exit status ${status}`
    : signal !== ""
    ? `signal: ${SIGNALS[signal] ?? signal}`
    : why;
  const { stdout, stderr } = context;
  const said = stdout === undefined
    ? ""
    : `, stdout: ${String(stdout)}, stderr: ${String(stderr)}`;
  // First as runc 1.1 says it, then as later ones do: each has its readers.
  return `error running hook #${index}: error running ${kind} hook #${index}: ${reason}${said}`;
}

/**
 * Words that a program is there and could not be executed, as a process says it
 * that has become the container's already. Pure.
 *
 * @param error What was thrown.
 * @returns The sentence; `undefined` for any other failure.
 */
export function wordExec(error: unknown): string | undefined {
  if (!(error instanceof ProgramError)) return undefined;
  const { path, errnoName } = error.context;
  // What no engine may take for a missing command is told by the other sentence.
  if (path === undefined || errnoName === "EACCES") return undefined;
  const reason = EXEC_REASONS[String(errnoName)];
  return reason && `exec ${String(path)}: ${reason}`;
}

/** Words a mount that the kernel refused; undefined for other failures. */
function wordMount({ operation, message }: KernelError): string | undefined {
  if (operation !== "mount.tree" && operation !== "mount.fs") return undefined;
  return `unable to start container process: error during container init: error mounting: ${message}`;
}

function wordProgram({ context, code, message }: ProgramError): string {
  const program = String(context["program"] ?? "");
  const start = `unable to start container process: exec: ${
    JSON.stringify(program)
  }`;
  if (code === "ProgramNotFound") {
    const why = program.includes("/")
      ? `stat ${program}: no such file or directory`
      : "executable file not found in $PATH";
    return `${start}: ${why}`;
  }
  const reason = EXEC_REASONS[String(context["errnoName"])];
  return `${start}: ${reason ?? message.replace(/^.*: /s, "")}`;
}

/** What the system refused, without the number and the name of the call. */
function wordSystem(error: Error): string {
  return error.message.replace(/ \(os error \d+\)/, "");
}

/**
 * Words why a command failed. Pure.
 *
 * @param error What was thrown.
 * @returns One sentence, in which engines find what they look for.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { StateError } from "../errors.ts";
 * import { wordFailure } from "./wording.ts";
 *
 * const message = "Cannot find demo: container does not exist";
 * const error = new StateError("ContainerNotExists", message);
 * assertEquals(wordFailure(error), "container does not exist");
 * ```
 */
export function wordFailure(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof ProgramError) {
    return wordExec(error) ?? wordProgram(error);
  }
  const hook = error instanceof KernelError ? wordHook(error) : undefined;
  if (hook !== undefined) return hook;
  const mount = error instanceof KernelError ? wordMount(error) : undefined;
  if (mount !== undefined) return mount;
  if (!(error instanceof NsinitError)) return wordSystem(error);
  const sentence = SENTENCES[error.code];
  if (sentence === undefined || error instanceof KernelError) {
    return error.message;
  }
  // Those of this command line have their words already, without a capital.
  if (/^[a-z]/.test(error.message)) return error.message;
  // A state that cannot be read is none that is missing.
  const isOther = error.code === "ContainerNotExists" &&
    !error.message.includes(sentence);
  return isOther ? error.message : sentence;
}

/**
 * The shape of a seccomp filter.
 *
 * @module
 */
import { SECCOMP_ACTIONS, SECCOMP_OPERATORS } from "../names/seccomp.ts";
import type {
  Seccomp,
  SeccompAction,
  SeccompArg,
  SeccompOperator,
  SeccompSyscall,
} from "../types.ts";
import {
  either,
  FLAG,
  INTEGER,
  INTEGER64,
  list,
  oneOf,
  or,
  record,
  required,
  type Shape,
  TEXT,
} from "./shape.ts";

const ACTION: Shape<SeccompAction> = oneOf(
  Object.keys(SECCOMP_ACTIONS) as SeccompAction[],
  "action",
);
const OPERATOR: Shape<SeccompOperator> = oneOf(
  Object.keys(SECCOMP_OPERATORS) as SeccompOperator[],
  "operator",
);
const CALL: Shape<string | number> = either(
  (value) => typeof value === "number",
  INTEGER,
  TEXT,
);

/** A filter; names of architectures and flags are looked up by the checks. */
export const SECCOMP: Shape<Seccomp> = record<Seccomp>({
  defaultAction: required(ACTION),
  defaultErrnoRet: INTEGER,
  architectures: or(list(TEXT), []),
  flags: list(TEXT),
  listenerPath: TEXT,
  listenerMetadata: TEXT,
  ignoreUnknown: FLAG,
  syscalls: or(
    list(record<SeccompSyscall>({
      name: required(CALL),
      action: required(ACTION),
      errnoRet: INTEGER,
      args: or(
        list(record<SeccompArg>({
          index: required(INTEGER),
          value: required(INTEGER64),
          valueTwo: or(INTEGER64, 0),
          op: required(OPERATOR),
        })),
        [],
      ),
    })),
    [],
  ),
});

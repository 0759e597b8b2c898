/**
 * Offsets and sizes of the packed structures that C and TypeScript share.
 * `c/plan.h` asserts the same numbers; `tests/abi` compares both with the
 * compiled library.
 *
 * @module
 */

/** Interface number; the library must answer the same. */
export const ABI = 1;
/** First word of a packed Plan. */
export const PLAN_MAGIC = 0x50495350;
/** First word of a report. */
export const REPORT_MAGIC = 0x5249534e;

/** `struct nsi_plan_header`. */
export const HEADER = {
  size: 64,
  magic: 0,
  abi: 4,
  length: 8,
  poolOffset: 12,
  poolLength: 16,
  opOffset: 20,
  opCount: 32,
  faultList: 44,
  faultIndex: 48,
  faultErrno: 52,
} as const;

/** `struct nsi_op`. */
export const OP = {
  size: 96,
  kind: 0,
  flags: 4,
  numbers: 8,
  strings: 56,
} as const;

/** `struct nsi_report`. */
export const REPORT = {
  size: 40,
  magic: 0,
  type: 4,
  list: 8,
  index: 12,
  error: 16,
  detail: 20,
  point: 24,
  length: 28,
  value: 32,
} as const;

/** `struct nsi_user`: groups follow the three counts, home follows the groups. */
export const USER = {
  size: 16 + 4 * 1024 + 4096,
  uid: 0,
  gid: 4,
  groupCount: 8,
  homeLength: 12,
  groups: 16,
  groupsMax: 1024,
  home: 16 + 4 * 1024,
  homeMax: 4096,
} as const;

/** Two `struct nsi_account`: passwd, group. */
export const ACCOUNTS = { size: 80 } as const;

/** Lists of a Plan in the order of the header. */
export const LISTS = ["parent", "child", "undo"] as const;

/** `enum nsi_at`: where inside an operation it failed. */
export const DETAILS = [
  "",
  "resolve",
  "make",
  "open",
  "mount",
  "option",
  "attributes",
  "attach",
  "verify",
  "write",
  "read",
  "clone",
  "exec",
  "join",
  "bridge",
  "peer",
  "child",
  "protocol",
  "truncated",
  "copy",
] as const;

/** Name of a sub-step of an operation. */
export type Detail = typeof DETAILS[number];

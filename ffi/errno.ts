/**
 * Names and short meanings of errno values, the same on all architectures
 * served (asm-generic).
 *
 * @module
 */

const NAMES: Readonly<Record<number, string>> = {
  1: "EPERM",
  2: "ENOENT",
  3: "ESRCH",
  4: "EINTR",
  5: "EIO",
  6: "ENXIO",
  7: "E2BIG",
  8: "ENOEXEC",
  9: "EBADF",
  10: "ECHILD",
  11: "EAGAIN",
  12: "ENOMEM",
  13: "EACCES",
  14: "EFAULT",
  15: "ENOTBLK",
  16: "EBUSY",
  17: "EEXIST",
  18: "EXDEV",
  19: "ENODEV",
  20: "ENOTDIR",
  21: "EISDIR",
  22: "EINVAL",
  23: "ENFILE",
  24: "EMFILE",
  25: "ENOTTY",
  26: "ETXTBSY",
  27: "EFBIG",
  28: "ENOSPC",
  29: "ESPIPE",
  30: "EROFS",
  31: "EMLINK",
  32: "EPIPE",
  33: "EDOM",
  34: "ERANGE",
  35: "EDEADLK",
  36: "ENAMETOOLONG",
  37: "ENOLCK",
  38: "ENOSYS",
  39: "ENOTEMPTY",
  40: "ELOOP",
  42: "ENOMSG",
  43: "EIDRM",
  44: "ECHRNG",
  45: "EL2NSYNC",
  46: "EL3HLT",
  47: "EL3RST",
  48: "ELNRNG",
  49: "EUNATCH",
  50: "ENOCSI",
  51: "EL2HLT",
  52: "EBADE",
  53: "EBADR",
  54: "EXFULL",
  55: "ENOANO",
  56: "EBADRQC",
  57: "EBADSLT",
  59: "EBFONT",
  60: "ENOSTR",
  61: "ENODATA",
  62: "ETIME",
  63: "ENOSR",
  64: "ENONET",
  65: "ENOPKG",
  66: "EREMOTE",
  67: "ENOLINK",
  68: "EADV",
  69: "ESRMNT",
  70: "ECOMM",
  71: "EPROTO",
  72: "EMULTIHOP",
  73: "EDOTDOT",
  74: "EBADMSG",
  75: "EOVERFLOW",
  76: "ENOTUNIQ",
  77: "EBADFD",
  78: "EREMCHG",
  79: "ELIBACC",
  80: "ELIBBAD",
  81: "ELIBSCN",
  82: "ELIBMAX",
  83: "ELIBEXEC",
  84: "EILSEQ",
  85: "ERESTART",
  86: "ESTRPIPE",
  87: "EUSERS",
  88: "ENOTSOCK",
  89: "EDESTADDRREQ",
  90: "EMSGSIZE",
  91: "EPROTOTYPE",
  92: "ENOPROTOOPT",
  93: "EPROTONOSUPPORT",
  94: "ESOCKTNOSUPPORT",
  95: "EOPNOTSUPP",
  96: "EPFNOSUPPORT",
  97: "EAFNOSUPPORT",
  98: "EADDRINUSE",
  99: "EADDRNOTAVAIL",
  100: "ENETDOWN",
  101: "ENETUNREACH",
  102: "ENETRESET",
  103: "ECONNABORTED",
  104: "ECONNRESET",
  105: "ENOBUFS",
  106: "EISCONN",
  107: "ENOTCONN",
  108: "ESHUTDOWN",
  109: "ETOOMANYREFS",
  110: "ETIMEDOUT",
  111: "ECONNREFUSED",
  112: "EHOSTDOWN",
  113: "EHOSTUNREACH",
  114: "EALREADY",
  115: "EINPROGRESS",
  116: "ESTALE",
  117: "EUCLEAN",
  118: "ENOTNAM",
  119: "ENAVAIL",
  120: "EISNAM",
  121: "EREMOTEIO",
  122: "EDQUOT",
  123: "ENOMEDIUM",
  124: "EMEDIUMTYPE",
  125: "ECANCELED",
  126: "ENOKEY",
  127: "EKEYEXPIRED",
  128: "EKEYREVOKED",
  129: "EKEYREJECTED",
  130: "EOWNERDEAD",
  131: "ENOTRECOVERABLE",
  132: "ERFKILL",
};

const MEANINGS: Readonly<Record<number, string>> = {
  1: "operation not permitted",
  2: "no such file or directory",
  3: "no such process",
  5: "input/output error",
  6: "no such device or address",
  7: "argument list too long",
  8: "not an executable file",
  9: "bad file descriptor",
  10: "no child process",
  11: "try again",
  12: "out of memory",
  13: "permission denied",
  14: "bad address",
  16: "device or resource busy",
  17: "already exists",
  18: "crosses devices",
  19: "no such device",
  20: "not a directory",
  21: "is a directory",
  22: "invalid argument",
  23: "too many open files in system",
  24: "too many open files",
  26: "text file busy",
  27: "file too large",
  28: "no space left",
  30: "read-only file system",
  31: "too many links",
  32: "broken pipe",
  34: "out of range",
  36: "name too long",
  38: "not supported by this kernel",
  39: "directory not empty",
  40: "too many levels of symbolic links",
  61: "no data",
  62: "timed out",
  71: "protocol error",
  75: "value too large",
  87: "too many users",
  95: "operation not supported",
  97: "address family not supported",
  98: "address in use",
  99: "address not available",
  101: "network is unreachable",
  105: "no buffer space",
  110: "timed out",
  113: "no route to host",
  116: "stale handle",
  122: "quota exceeded",
  125: "cancelled",
};

/**
 * Names an errno.
 *
 * @param errno Positive errno.
 * @returns E.g. `ENOENT`; `errno 999` for an unknown one.
 *
 * @example
 * ```ts
 * import { errnoName } from "./errno.ts";
 *
 * if (errnoName(2) !== "ENOENT") throw new Error("wrong name");
 * ```
 */
export function errnoName(errno: number): string {
  return NAMES[errno] ?? `errno ${errno}`;
}

/**
 * Says what an errno means, with its name, e.g. `permission denied (EACCES)`.
 *
 * @param errno Positive errno.
 * @returns Lower-case phrase for the end of a sentence.
 *
 * @example
 * ```ts
 * import { describeErrno } from "./errno.ts";
 *
 * console.log(describeErrno(2)); // no such file or directory (ENOENT)
 * ```
 */
export function describeErrno(errno: number): string {
  const meaning = MEANINGS[errno];
  return meaning ? `${meaning} (${errnoName(errno)})` : errnoName(errno);
}

/**
 * Looks an errno up by its name. Pure.
 *
 * @param name E.g. `ENOENT`.
 * @returns The number; undefined when there is none of that name.
 *
 * @example
 * ```ts
 * import { errnoNumber } from "./errno.ts";
 *
 * if (errnoNumber("ENOENT") !== 2) throw new Error("changed");
 * ```
 */
export function errnoNumber(name: string): number | undefined {
  const found = Object.entries(NAMES).find(([, known]) => known === name);
  return found && Number(found[0]);
}

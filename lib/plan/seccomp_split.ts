/**
 * Takes a filter apart into what asks a listener and what decides by itself.
 *
 * A listener cannot be handed over behind a filter that may refuse every call.
 * But filters add up, and of two the stricter answer counts: so the calls that
 * the listener answers make up a filter of their own, which lets everything
 * else pass. It is loaded first, the listener is sent, and then the rest of the
 * filter follows, which lets those calls pass. Together they decide as the
 * whole filter does.
 *
 * @module
 */

/** Bytes of a `struct sock_filter`: u16 code, u8 jt, u8 jf, u32 k. */
const INSTRUCTION = 8;
/** `BPF_RET | BPF_K`. */
const RETURN = 0x06;
const ALLOW = 0x7fff0000;
const USER_NOTIF = 0x7fc00000;
/** `SECCOMP_RET_ACTION_FULL`. */
const ACTION_MASK = 0xffff0000;

/** The parts of a filter. */
export interface FilterParts {
  /** Asks the listener, or allows. */
  readonly notifying: Uint8Array<ArrayBuffer>;
  /** The filter with what asks the listener allowed. */
  readonly rest: Uint8Array<ArrayBuffer>;
}

/** The program with those results allowed that `isKept` does not want. */
function allowOthers(
  program: Uint8Array<ArrayBuffer>,
  isKept: (isNotify: boolean) => boolean,
): Uint8Array<ArrayBuffer> {
  const copy = program.slice();
  const view = new DataView(copy.buffer);
  for (let at = 0; at < copy.length; at += INSTRUCTION) {
    if (view.getUint16(at, true) !== RETURN) continue;
    const action = (view.getUint32(at + 4, true) & ACTION_MASK) >>> 0;
    if (!isKept(action === USER_NOTIF)) view.setUint32(at + 4, ALLOW, true);
  }
  return copy;
}

/**
 * Takes a program apart. Pure.
 *
 * @param program `struct sock_filter` array in which results are constants.
 * @returns The two parts, to be loaded in this order.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { splitProgram } from "./seccomp_split.ts";
 *
 * // ret USER_NOTIF; ret ERRNO(1)
 * const program = new Uint8Array([6, 0, 0, 0, 0, 0, 0xc0, 0x7f, 6, 0, 0, 0, 1, 0, 5, 0]);
 * const { notifying, rest } = splitProgram(program);
 * assertEquals([...notifying], [6, 0, 0, 0, 0, 0, 0xc0, 0x7f, 6, 0, 0, 0, 0, 0, 0xff, 0x7f]);
 * assertEquals([...rest], [6, 0, 0, 0, 0, 0, 0xff, 0x7f, 6, 0, 0, 0, 1, 0, 5, 0]);
 * ```
 */
export function splitProgram(program: Uint8Array<ArrayBuffer>): FilterParts {
  return {
    notifying: allowOthers(program, (isNotify) => isNotify),
    rest: allowOthers(program, (isNotify) => !isNotify),
  };
}

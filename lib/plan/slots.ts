/**
 * Numbers of the descriptors that a Plan handles.
 *
 * @module
 */
import { type Op, SLOTS } from "./ops.ts";
import { refuse } from "./refusal.ts";

/** Descriptors that one Plan may open besides those with a fixed slot. */
const MAX_SLOTS = 480;

/**
 * Hands out free slots, in order. State of one planning run; the same
 * configuration gets the same numbers every time.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { SlotAllocator } from "./slots.ts";
 *
 * const slots = new SlotAllocator();
 * assertEquals([slots.take(), slots.take()], [16, 17]);
 * ```
 */
export class SlotAllocator {
  #next: number = SLOTS.first;

  /**
   * Takes the next slot.
   *
   * @returns Its number.
   * @throws {ConfigError} `ConfigInvalid` when the configuration needs too many.
   */
  take(): number {
    if (this.#next >= SLOTS.first + MAX_SLOTS) {
      throw refuse(
        "mounts",
        `Cannot plan the container: it needs more than ${MAX_SLOTS} bind mounts and namespace files; give it fewer mounts`,
      );
    }
    return this.#next++;
  }
}

/**
 * Packs slot numbers as `fds.send` and `fds.receive` take them. Pure.
 *
 * @param slots The numbers.
 * @returns A little-endian u32 array.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { decodeSlots, encodeSlots } from "./slots.ts";
 *
 * assertEquals(decodeSlots(encodeSlots([3, 300])), [3, 300]);
 * ```
 */
export function encodeSlots(slots: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(slots.length * 4);
  const view = new DataView(bytes.buffer);
  slots.forEach((slot, index) => view.setUint32(index * 4, slot, true));
  return bytes;
}

/**
 * Unpacks slot numbers, for printing. Pure.
 *
 * @param bytes A little-endian u32 array.
 * @returns The numbers.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { decodeSlots } from "./slots.ts";
 *
 * assertEquals(decodeSlots(new Uint8Array([1, 0, 0, 0])), [1]);
 * ```
 */
export function decodeSlots(bytes: Uint8Array): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from(
    { length: bytes.byteLength >> 2 },
    (_, index) => view.getUint32(index * 4, true),
  );
}

/** How descriptors get from the parent to the child. */
export interface Transfer {
  /** Parent. */
  readonly send: readonly Op<"fds.send">[];
  /** Child. */
  readonly receive: readonly Op<"fds.receive">[];
}

/**
 * Plans the transfer of descriptors to the child. Pure.
 *
 * @param slots The slots that the child needs.
 * @returns One operation on each side, or none when there is nothing to send.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { planTransfer } from "./slots.ts";
 *
 * assertEquals(planTransfer([]), { send: [], receive: [] });
 * assertEquals(planTransfer([3]).send.length, 1);
 * ```
 */
export function planTransfer(slots: readonly number[]): Transfer {
  if (slots.length === 0) return { send: [], receive: [] };
  const bytes = encodeSlots(slots);
  return {
    send: [{ op: "fds.send", slots: bytes }],
    receive: [{ op: "fds.receive", slots: bytes }],
  };
}

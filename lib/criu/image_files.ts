/**
 * What nsinit changes in images: CRIU's own options do not reach it.
 *
 * An image is a header of eight bytes and entries, each a length and a message.
 * Messages are changed field by field; what is not known of them stays as it is.
 *
 * @module
 */
import { readFields, type WireField, writeFields } from "./protobuf.ts";

const HEADER_BYTES = 8;
const LENGTH_BYTES = 4;

const O_ACCMODE = 3n;
const O_RDONLY = 0n;
const O_APPEND = 0o2000n;
/** No place in the file: none is sought. */
const NO_POSITION = 0xffff_ffff_ffff_ffffn;

/** Fields of `file_entry` and its `reg_file_entry`, of CRIU's images. */
const FILE = { reg: 3 } as const;
const REG = { flags: 2, pos: 3, size: 8, ext: 9 } as const;
/** By which CRIU knows a file again: of another there is no use in it. */
const REG_PROOFS: readonly number[] = [REG.size, 10, 11, 12, 13, 14];
/** Fields of `core_entry` and its `thread_core_entry`. */
const CORE = { thread: 5 } as const;
const THREAD = { deathSignal: 8 } as const;

/** Fields of `mnt_entry`. */
const MOUNT = {
  id: 2,
  mountpoint: 7,
  shared: 10,
  master: 11,
  key: 18,
} as const;
/** Above all numbers of groups of mounts that kernels give out. */
const OWN_MASTERS = 0x4000_0000n;

function changeEntries(
  image: Uint8Array,
  change: (entry: Uint8Array) => Uint8Array,
): Uint8Array<ArrayBuffer> {
  const parts: Uint8Array[] = [image.subarray(0, HEADER_BYTES)];
  const view = new DataView(image.buffer, image.byteOffset, image.byteLength);
  for (let at = HEADER_BYTES; at < image.length;) {
    const from = at + LENGTH_BYTES;
    const end = from + view.getUint32(at, true);
    if (end > image.length) {
      throw new RangeError("Cannot read an image: it ends within an entry");
    }
    const entry = change(image.subarray(from, end));
    const length = new Uint8Array(LENGTH_BYTES);
    new DataView(length.buffer).setUint32(0, entry.length, true);
    parts.push(length, entry);
    at = end;
  }
  const all = new Uint8Array(
    parts.reduce((sum, { length }) => sum + length, 0),
  );
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

/** Changes the messages in one field of a message. */
function changeInner(
  message: Uint8Array,
  number: number,
  change: (fields: WireField[]) => WireField[],
): Uint8Array {
  return writeFields(
    readFields(message).map((field) =>
      field.number === number && typeof field.value !== "bigint"
        ? { ...field, value: writeFields(change(readFields(field.value))) }
        : field
    ),
  );
}

function numberOf(fields: readonly WireField[], number: number): bigint {
  const value = fields.findLast((field) => field.number === number)?.value;
  return typeof value === "bigint" ? value : 0n;
}

function withNumber(
  fields: readonly WireField[],
  number: number,
  value: bigint,
): WireField[] {
  const others = fields.filter((field) => field.number !== number);
  return [...others, { number, wire: 0, value }];
}

/**
 * Lets files of the host that are standard streams be replaced by others: they
 * are not expected to have the old size, and are written at their end. Pure.
 *
 * @param image Bytes of `files.img`.
 * @returns The changed bytes.
 * @throws {RangeError} For bytes that are no such image.
 */
export function freeOutsideFiles(image: Uint8Array): Uint8Array<ArrayBuffer> {
  return changeEntries(image, (entry) =>
    changeInner(entry, FILE.reg, (reg) => {
      if (numberOf(reg, REG.ext) === 0n) return reg;
      const flags = numberOf(reg, REG.flags);
      const appends = (flags & O_ACCMODE) === O_RDONLY ? 0n : O_APPEND;
      const kept = reg.filter(({ number }) => !REG_PROOFS.includes(number));
      const placed = withNumber(kept, REG.pos, NO_POSITION);
      return withNumber(placed, REG.flags, flags | appends);
    }));
}

function textOf(
  fields: readonly WireField[],
  number: number,
): string | undefined {
  const value = fields.findLast((field) => field.number === number)?.value;
  return value === undefined || typeof value === "bigint"
    ? undefined
    : new TextDecoder().decode(value);
}

/**
 * Lets each mount that comes from outside, and the root, get what is mounted
 * outside by itself: CRIU takes those that have it of the same mount of the host
 * for one group, and cannot give the root what it finds at a volume. Pure.
 *
 * @param image Bytes of a `mountpoints-N.img`.
 * @param propagates Whether what is now given in the place of a mount gets what
 * is mounted outside; by its key, which the root has none of.
 * @returns The changed bytes.
 * @throws {RangeError} For bytes that are no such image.
 */
export function separateMasters(
  image: Uint8Array,
  propagates: (key: string | undefined) => boolean,
): Uint8Array<ArrayBuffer> {
  const inside = new Set<bigint>();
  changeEntries(image, (entry) => {
    inside.add(numberOf(readFields(entry), MOUNT.shared));
    return entry;
  });
  return changeEntries(image, (entry) => {
    const fields = readFields(entry);
    const master = numberOf(fields, MOUNT.master);
    const key = textOf(fields, MOUNT.key);
    const isOutside = key !== undefined ||
      textOf(fields, MOUNT.mountpoint) === "/";
    const isShared = numberOf(fields, MOUNT.shared) !== 0n;
    if (!isOutside || isShared || master === 0n || inside.has(master)) {
      return entry;
    }
    const own = OWN_MASTERS + numberOf(fields, MOUNT.id);
    const wanted = propagates(key) ? own : 0n;
    return writeFields(withNumber(fields, MOUNT.master, wanted));
  });
}

/**
 * Sets the signal that a process gets at its parent's end. Pure.
 *
 * @param image Bytes of `core-PID.img`.
 * @param signal Its number; 0 for none.
 * @returns The changed bytes; undefined when there is nothing to change.
 * @throws {RangeError} For bytes that are no such image.
 */
export function setDeathSignal(
  image: Uint8Array,
  signal: number,
): Uint8Array<ArrayBuffer> | undefined {
  let isChanged = false;
  const changed = changeEntries(
    image,
    (entry) =>
      changeInner(entry, CORE.thread, (thread) => {
        if (numberOf(thread, THREAD.deathSignal) === BigInt(signal)) {
          return thread;
        }
        isChanged = true;
        return signal === 0
          ? thread.filter(({ number }) => number !== THREAD.deathSignal)
          : withNumber(thread, THREAD.deathSignal, BigInt(signal));
      }),
  );
  return isChanged ? changed : undefined;
}

/**
 * Executes seccomp programs as the kernel does (classic BPF over
 * `struct seccomp_data`), so that filters can be tested without loading them.
 *
 * @module
 */

/** A system call, as a filter sees it. */
export interface Call {
  /** Number on its architecture. */
  readonly nr: number;
  /** `AUDIT_ARCH_*`. */
  readonly arch: number;
  /** Up to six arguments. */
  readonly args?: readonly bigint[];
}

function seccompData({ nr, arch, args = [] }: Call): DataView {
  const view = new DataView(new ArrayBuffer(64));
  view.setUint32(0, nr, true);
  view.setUint32(4, arch, true);
  args.forEach((arg, index) =>
    view.setBigUint64(16 + 8 * index, BigInt.asUintN(64, arg), true)
  );
  return view;
}

function compare(code: number, a: number, k: number): boolean {
  switch (code & 0xf0) {
    case 0x10:
      return a === k;
    case 0x20:
      return a > k;
    case 0x30:
      return a >= k;
    case 0x40:
      return (a & k) !== 0;
  }
  throw new Error(`jump ${code}`);
}

/** What a program returns for a call: the action with its data. */
export function runFilter(program: Uint8Array, call: Call): number {
  const code = new DataView(program.buffer, program.byteOffset, program.length);
  const data = seccompData(call);
  const memory = new Uint32Array(16);
  let a = 0;
  for (let at = 0; at < program.length; at += 8) {
    const op = code.getUint16(at, true);
    const k = code.getUint32(at + 4, true);
    if (op === 0x06) return k;
    if (op === 0x20) a = data.getUint32(k, true);
    else if (op === 0x54) a = (a & k) >>> 0;
    else if (op === 0x02) memory[k] = a;
    else if (op === 0x60) a = memory[k] ?? 0;
    else if (op === 0x05) at += 8 * k;
    else if ((op & 0x07) === 0x05) {
      at += 8 * code.getUint8(at + (compare(op, a, k) ? 2 : 3));
    } else throw new Error(`instruction ${op.toString(16)}`);
  }
  throw new Error("no result");
}

/**
 * The C library's calls for descriptors that tests need and the product does not.
 *
 * @module
 */
import { library } from "../../ffi/library.ts";
import { openPidfd, unwrap } from "../../ffi/native.ts";

const libc = Deno.dlopen("libc.so.6", {
  open: { parameters: ["buffer", "i32", "i32"], result: "i32" },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  socketpair: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
  ioctl: { parameters: ["i32", "u64", "buffer"], result: "i32" },
  posix_spawn: {
    parameters: ["buffer", "buffer", "pointer", "pointer", "buffer", "buffer"],
    result: "i32",
  },
});

const O_CLOEXEC = 0o2000000;
const O_NONBLOCK = 0o4000;
const O_NOCTTY = 0o400;
const O_RDWR = 2;
const AF_UNIX = 1;
const SOCK_STREAM = 1;
const F_SETPIPE_SZ = 1031;
const TIOCSPTLCK = 0x40045431n;

function known(result: number): number {
  if (result < 0) throw new Error("libc refused");
  return result;
}

/** Opens a file, close-on-exec, with the flags of open(2). */
export function openFile(path: string, flags = O_RDWR): number {
  const name = new TextEncoder().encode(path + "\0");
  return known(
    libc.symbols.open(name, flags | O_CLOEXEC | O_NOCTTY, 0o600),
  );
}

/** Outer and inner end of a new pty of the host, the outer one non-blocking. */
export function openPty(): { readonly master: number; readonly peer: number } {
  const master = openFile("/dev/ptmx", O_RDWR | O_NONBLOCK);
  known(libc.symbols.ioctl(master, TIOCSPTLCK, new Uint8Array(4)));
  return {
    master,
    peer: unwrap(library().nsi_pty_peer(master), "open a pty"),
  };
}

/** A new eventfd, non-blocking. */
export function makeEventfd(): number {
  return known(libc.symbols.eventfd(0, O_CLOEXEC | O_NONBLOCK));
}

/** A pair of connected stream sockets, non-blocking. */
export function makeSocketPair(): [number, number] {
  const out = new Int32Array(2);
  known(
    libc.symbols.socketpair(
      AF_UNIX,
      SOCK_STREAM | O_CLOEXEC | O_NONBLOCK,
      0,
      new Uint8Array(out.buffer),
    ),
  );
  return [out[0] ?? -1, out[1] ?? -1];
}

/** Sets the capacity of a pipe in bytes. */
export function setPipeSize(fd: number, size: number): void {
  known(libc.symbols.fcntl(fd, F_SETPIPE_SZ, size));
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text + "\0");
}

/** A child of this process that Deno knows nothing of, running a shell script. */
export function spawnChild(script: string): { pid: number; pidfd: number } {
  const words = ["/bin/sh", "-c", script].map(cString);
  const argv = new BigUint64Array([
    ...words.map((word) =>
      Deno.UnsafePointer.value(Deno.UnsafePointer.of(word))
    ),
    0n,
  ]);
  const pid = new Int32Array(1);
  const failure = libc.symbols.posix_spawn(
    new Uint8Array(pid.buffer),
    words[0] as Uint8Array<ArrayBuffer>,
    null,
    null,
    new Uint8Array(argv.buffer),
    new Uint8Array(8),
  );
  if (failure !== 0) throw new Error(`posix_spawn: ${failure}`);
  const [child = -1] = pid;
  return { pid: child, pidfd: openPidfd(child) ?? -1 };
}

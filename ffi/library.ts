/**
 * Finds, opens and checks `libnsinit.so`. Nothing happens at import.
 *
 * @module
 */
import { HostError } from "../lib/errors.ts";
import { ABI } from "./layout.ts";
import { SYMBOLS } from "./symbols.ts";

/** The opened library. */
export type Library = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

let opened: Library | undefined;

const LIBC = {
  memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const MFD_CLOEXEC_ALLOW_SEALING = 3;
const F_ADD_SEALS = 1033;
const ALL_SEALS = 15;

function isRealFile(path: string): boolean {
  try {
    // In a compiled program embedded files answer stat() but have no inode.
    return (Deno.statSync(path).ino ?? 0) !== 0;
  } catch {
    return false;
  }
}

function directoryOf(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf("/"), 1));
}

/**
 * Copies the library's bytes into a sealed memfd and opens that, so that
 * nothing of a root tool is loaded from a temporary directory.
 *
 * @param bytes The shared object.
 * @returns The opened library.
 * @throws {HostError} `HostUnsupported` if the memfd cannot be made or filled.
 *
 * @example
 * ```ts ignore
 * openFromMemory(Deno.readFileSync("lib/libnsinit.so")).nsi_abi();
 * ```
 */
export function openFromMemory(bytes: Uint8Array<ArrayBuffer>): Library {
  const libc = Deno.dlopen("libc.so.6", LIBC);
  const name = new TextEncoder().encode("libnsinit.so\0");
  const fd = libc.symbols.memfd_create(name, MFD_CLOEXEC_ALLOW_SEALING);
  if (fd < 0) {
    throw new HostError(
      "Cannot make a memfd for libnsinit.so: the kernel refused memfd_create",
    );
  }
  for (let done = 0; done < bytes.length;) {
    const rest = bytes.subarray(done);
    const written = Number(libc.symbols.write(fd, rest, BigInt(rest.length)));
    if (written <= 0) {
      throw new HostError(
        "Cannot copy libnsinit.so into a memfd: write failed",
      );
    }
    done += written;
  }
  libc.symbols.fcntl(fd, F_ADD_SEALS, ALL_SEALS);
  return openLibrary(`/proc/self/fd/${fd}`);
}

/** After so many calls a function is bound: from then on each takes nanoseconds instead of microseconds. */
const COLD_CALLS = 32;

type Callable = (...args: never[]) => unknown;

/** A function that is called by its address, as long as it is called a few times. */
function coldFunction(
  address: Deno.PointerObject<Deno.ForeignFunction>,
  declaration: Deno.ForeignFunction,
  bind: () => Callable,
): Callable {
  const pointer = new Deno.UnsafeFnPointer(address, declaration);
  let calls = 0;
  let bound: Callable | undefined;
  return (...args) => {
    if (bound) return bound(...args);
    if (++calls > COLD_CALLS) return (bound = bind())(...args);
    return pointer.call(...args);
  };
}

/**
 * Opens a file of the library.
 *
 * Deno compiles a piece of machine code for each function that it binds, a
 * quarter of a millisecond each. A command uses some twenty of them, most of
 * them once: so only what is called again and again is bound, and what is
 * executed on another thread, for which there is no such code.
 *
 * The dynamic linker knows a path that it has opened, so that all come from the
 * same file, whatever becomes of its name.
 */
function openLibrary(path: string): Library {
  const library = {} as Library;
  const { nsi_symbol } = SYMBOLS;
  const find = Deno.dlopen(path, { nsi_symbol }).symbols.nsi_symbol;
  for (const [name, declaration] of Object.entries(SYMBOLS)) {
    const bind = (): Callable =>
      Deno.dlopen(path, { [name]: declaration }).symbols[name] as Callable;
    const make = (): Callable => {
      if ("nonblocking" in declaration) return bind();
      const number = find(encodeName(name));
      const address = number > 0n
        ? Deno.UnsafePointer.create<Deno.ForeignFunction>(number)
        : null;
      // Another version of the library: binding says so.
      if (address === null) return bind();
      return coldFunction(address, declaration, bind);
    };
    Object.defineProperty(library, name, {
      configurable: true,
      enumerable: true,
      get(): unknown {
        const value = make();
        Object.defineProperty(library, name, { value, enumerable: true });
        return value;
      },
    });
  }
  return check(library);
}

function encodeName(name: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${name}\0`);
}

function check(library: Library): Library {
  const abi = library.nsi_abi();
  if (abi !== ABI) {
    throw new HostError(
      `Cannot use libnsinit.so: it has interface ${abi}, this program needs ${ABI}; run "deno task build"`,
    );
  }
  return library;
}

function open(): Library {
  const beside = `${directoryOf(Deno.execPath())}/libnsinit.so`;
  const own = new URL("../lib/libnsinit.so", import.meta.url);
  // Beside the executable only when that is this program, never beside deno.
  const candidates = Deno.build.standalone
    ? [beside]
    : [decodeURIComponent(own.pathname)];
  for (const path of candidates) {
    if (isRealFile(path)) return openLibrary(path);
  }
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = Deno.readFileSync(own);
  } catch (cause) {
    throw new HostError(
      `Cannot find libnsinit.so at ${
        candidates.join(" or ")
      }: run "deno task build"`,
      { cause },
    );
  }
  return openFromMemory(bytes);
}

/**
 * The library, opened at the first call.
 *
 * @returns Its symbols.
 * @throws {HostError} `HostUnsupported` if it is missing or of another version.
 *
 * @example
 * ```ts ignore
 * const pidfd = library().nsi_pidfd_open(Deno.pid);
 * ```
 */
export function library(): Library {
  return opened ??= open();
}

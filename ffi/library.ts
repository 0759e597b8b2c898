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

const DECLARATIONS: Readonly<Record<string, Deno.ForeignFunction>> = SYMBOLS;

const LIBC = {
  memfd_create: { parameters: ["buffer", "u32"], result: "i32" },
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  fcntl: { parameters: ["i32", "i32", "i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const MFD_CLOEXEC_ALLOW_SEALING = 3;
const F_ADD_SEALS = 1033;
const ALL_SEALS = 15;

function isRealFile(path: string | undefined): boolean {
  try {
    // In a compiled program embedded files answer stat() but have no inode.
    return path !== undefined && (Deno.statSync(path).ino ?? 0) !== 0;
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
  const find = findFunctions(path);
  const make = (name: string): unknown => {
    const declaration = DECLARATIONS[name];
    if (declaration === undefined) return undefined;
    const bind = (): Callable =>
      Deno.dlopen(path, { [name]: declaration }).symbols[name] as Callable;
    if (declaration.nonblocking) return bind();
    const number = find?.(encodeName(name)) ?? 0n;
    const address = number > 0n
      ? Deno.UnsafePointer.create<Deno.ForeignFunction>(number)
      : null;
    // Another version of the library: binding says so.
    if (address === null) return bind();
    return coldFunction(address, declaration, bind);
  };
  // Only what is not there yet is asked of the prototype.
  const library: object = Object.create(
    new Proxy({}, {
      get(_target, name): unknown {
        if (typeof name !== "string") return undefined;
        const value = make(name);
        Object.defineProperty(library, name, { value, enumerable: true });
        return value;
      },
    }),
  );
  return check(library as Library);
}

/** What finds functions by name: reading a variable makes Deno compile nothing. */
function findFunctions(
  path: string,
): ((name: Uint8Array<ArrayBuffer>) => bigint) | undefined {
  const { nsi_symbol_place: place } =
    Deno.dlopen(path, { nsi_symbol_place: { type: "u64", optional: true } })
      .symbols;
  const { nsi_symbol } = SYMBOLS;
  // Another version of the library has no such variable.
  const address = Deno.UnsafePointer.create<typeof nsi_symbol>(place ?? 0n);
  if (address === null) return undefined;
  const pointer = new Deno.UnsafeFnPointer(address, nsi_symbol);
  return (name) => pointer.call(name);
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
  // Beside the executable only when that is this program, never beside deno.
  const path = Deno.build.standalone
    ? `${directoryOf(Deno.execPath())}/libnsinit.so`
    : pathInCheckout();
  try {
    // One that is embedded would be written to a temporary directory.
    const isThere = !Deno.build.standalone || isRealFile(path);
    if (path !== undefined && isThere) return openLibrary(path);
  } catch (error) {
    if (isRealFile(path)) throw error;
  }
  const own = new URL("../lib/libnsinit.so", import.meta.url);
  let bytes: Uint8Array<ArrayBuffer>;
  try {
    bytes = Deno.readFileSync(own);
  } catch (cause) {
    throw new HostError(
      `Cannot find libnsinit.so at ${
        path ?? own.pathname
      }: run "deno task build"`,
      { cause },
    );
  }
  return openFromMemory(bytes);
}

/** Where the library lies beside the modules; `undefined` for modules of another machine. */
function pathInCheckout(): string | undefined {
  const folder = import.meta.dirname;
  return folder && `${directoryOf(folder)}/lib/libnsinit.so`;
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

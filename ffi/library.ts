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

/**
 * Opens a file of the library. Its functions are bound when they are used
 * first: Deno compiles a piece of machine code for each, which for all of them
 * takes as long as half of a start, and a command uses a few.
 *
 * The dynamic linker knows a path that it has opened, so that all come from the
 * same file, whatever becomes of its name.
 */
function openLibrary(path: string): Library {
  const library = {} as Library;
  for (const [name, declaration] of Object.entries(SYMBOLS)) {
    Object.defineProperty(library, name, {
      configurable: true,
      enumerable: true,
      get(): unknown {
        const { symbols } = Deno.dlopen(path, { [name]: declaration });
        const value = symbols[name];
        Object.defineProperty(library, name, { value, enumerable: true });
        return value;
      },
    });
  }
  return check(library);
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

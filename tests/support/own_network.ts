/**
 * A network namespace of the thread that runs a test, so that containers of
 * the test's own process have another host network than the machine's.
 *
 * @module
 */

const LIBC = {
  open: { parameters: ["buffer", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
  unshare: { parameters: ["i32"], result: "i32" },
  setns: { parameters: ["i32", "i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

const CLONE_NEWNET = 0x40000000;
const O_CLOEXEC = 0o2000000;
const OWN_FILE = "/proc/thread-self/ns/net";

function must(result: number, what: string): number {
  if (result < 0) throw new Error(`${what} failed`);
  return result;
}

/** Namespaces belong to threads: all calls must come from the same one. */
export class OwnNetwork implements Disposable {
  readonly #libc = Deno.dlopen("libc.so.6", LIBC);
  readonly #before: number;

  /** Takes the calling thread, and all that it starts, to a new namespace. */
  constructor() {
    const { open, unshare } = this.#libc.symbols;
    const path = new TextEncoder().encode(`${OWN_FILE}\0`);
    this.#before = must(open(path, O_CLOEXEC), `open(${OWN_FILE})`);
    must(unshare(CLONE_NEWNET), "unshare(CLONE_NEWNET)");
  }

  /** Names of the interfaces that the calling thread sees. */
  static interfaces(): string[] {
    return Deno.readTextFileSync("/proc/thread-self/net/dev").split("\n")
      .filter((line) => line.includes(":"))
      .map((line) => line.slice(0, line.indexOf(":")).trim());
  }

  /** Goes back. */
  [Symbol.dispose](): void {
    const { setns, close } = this.#libc.symbols;
    must(setns(this.#before, CLONE_NEWNET), "setns");
    close(this.#before);
    this.#libc.close();
  }
}

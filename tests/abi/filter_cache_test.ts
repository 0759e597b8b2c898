/**
 * The cache of compiled filters, without root: any directory of ours serves.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import { compileFilter, type FilterCache } from "../../ffi/seccomp.ts";
import { defaultSeccomp } from "../../lib/config/default_seccomp.ts";
import type { Seccomp } from "../../lib/config/types.ts";
import { filterCache } from "../../lib/container/filter_cache.ts";

const RULES = "rules";
const PROGRAM = new Uint8Array([1, 2, 3, 4, 5, 6, 7, 8]);
let count = 0;

/** Rules that this process has not compiled before. */
function freshRules(): Seccomp {
  return { ...defaultSeccomp, defaultErrnoRet: 1000 + count++ };
}

function withDirectory(
  name: string,
  check: (dir: string) => void,
): void {
  Deno.test(name, () => {
    const above = Deno.makeTempDirSync();
    try {
      check(`${above}/filters`);
    } finally {
      Deno.removeSync(above, { recursive: true });
    }
  });
}

function filesOf(dir: string): string[] {
  return [...Deno.readDirSync(dir)].map(({ name }) => name);
}

/** Makes this process forget what it has compiled. */
function forget(): void {
  const syscalls = defaultSeccomp.syscalls.slice(0, 1);
  for (let i = 0; i < 16; i++) compileFilter({ ...freshRules(), syscalls });
}

withDirectory(
  "a long filter is compiled once, and taken from the cache then",
  (dir) => {
    const rules = freshRules();
    const hits: boolean[] = [];
    const cache = filterCache(dir);
    const watched: FilterCache = {
      ...cache,
      read(text): Uint8Array<ArrayBuffer> | undefined {
        const program = cache.read(text);
        hits.push(program !== undefined);
        return program;
      },
    };

    const first = compileFilter(rules, watched);
    forget();
    const second = compileFilter(rules, watched);

    assertEquals(hits, [false, true]);
    assertEquals(second, first);
    const modes = [dir, ...filesOf(dir).map((name) => `${dir}/${name}`)]
      .map((path) => (Deno.statSync(path).mode ?? 0) & 0o777);
    assertEquals(modes, [0o700, 0o600]);
  },
);

withDirectory("a short filter is compiled anew, which is faster", (dir) => {
  const { syscalls } = defaultSeccomp;
  compileFilter(
    { ...freshRules(), syscalls: syscalls.slice(0, 8) },
    filterCache(dir),
  );
  assertThrows(() => Deno.statSync(dir), Deno.errors.NotFound);
});

withDirectory("only a file with exactly these rules counts", (dir) => {
  const cache = filterCache(dir);
  cache.write(RULES, PROGRAM);
  assertEquals(cache.read(RULES), PROGRAM);
  const [name = ""] = filesOf(dir);
  const path = `${dir}/${name}`;
  const text = new TextDecoder("latin1").decode(Deno.readFileSync(path));
  for (
    const other of [
      text.replace(RULES, "rulez"),
      "",
      text.slice(0, 6),
      `1${text.slice(1)}`,
    ]
  ) {
    Deno.writeFileSync(
      path,
      Uint8Array.from(other, (unit) => unit.charCodeAt(0)),
    );
    assertEquals(cache.read(RULES), undefined, other);
  }
  Deno.removeSync(path);
  Deno.symlinkSync("/etc/passwd", path);
  assertEquals(cache.read(RULES), undefined);
});

withDirectory(
  "a directory that others may write to is neither read nor written",
  (dir) => {
    const cache = filterCache(dir);
    cache.write(RULES, PROGRAM);
    for (const mode of [0o777, 0o720]) {
      Deno.chmodSync(dir, mode);
      assertEquals(cache.read(RULES), undefined);
      cache.write("other", PROGRAM);
      assertEquals(filesOf(dir).length, 1);
      Deno.chmodSync(dir, 0o700);
    }
    assertEquals(cache.read(RULES), PROGRAM);
  },
);

withDirectory("a cache that cannot be made does not matter", (dir) => {
  Deno.writeTextFileSync(dir, "a file");
  const { program } = compileFilter(freshRules(), filterCache(dir));
  assert(program.length > 0);
  const nowhere = filterCache(`${dir}/below/a/file`);
  nowhere.write(RULES, PROGRAM);
  assertEquals(nowhere.read(RULES), undefined);
});

withDirectory("a full cache is emptied", (dir) => {
  const cache = filterCache(dir);
  for (let i = 0; i <= 64; i++) cache.write(`${RULES} ${i}`, PROGRAM);
  assertEquals(filesOf(dir).length, 1);
  assertEquals(cache.read(`${RULES} 64`), PROGRAM);
});

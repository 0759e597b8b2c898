import { assertEquals, assertThrows } from "@std/assert";
import {
  basename,
  dirname,
  extname,
  fromFileUrl,
  isAbsolute,
  join,
  normalize,
  relative,
  resolve,
  toFileUrl,
} from "@std/path";

/** Checks a function against rows of arguments and a result. */
function table<A extends unknown[], R>(
  fn: (...args: A) => R,
  rows: readonly (readonly [NoInfer<A>, R])[],
): void {
  for (const [args, wanted] of rows) {
    assertEquals(fn(...args), wanted, `${fn.name}(${Deno.inspect(args)})`);
  }
}

Deno.test("join() joins and normalises", () => {
  table((...args: Parameters<typeof join>) => join(...args), [
    [[], "."],
    [["", ""], "."],
    [["a", "b", "c"], "a/b/c"],
    [["a", "", "/b"], "a/b"],
    [["/a", "..", "..", "b"], "/b"],
    [["a", "../.."], ".."],
    [["a/", "b/"], "a/b/"],
    [["/"], "/"],
    [[new URL("file:///a/b"), "c"], "/a/b/c"],
  ]);
});

Deno.test("normalize() resolves dots and repeated slashes", () => {
  table(normalize, [
    [[""], "."],
    [["./"], "./"],
    [["/"], "/"],
    [["//a//./b/"], "/a/b/"],
    [["/../a"], "/a"],
    [["../../a"], "../../a"],
    [["a/../b"], "b"],
    [["a/.."], "."],
  ]);
});

Deno.test("resolve() gives an absolute path", () => {
  table(resolve, [
    [["/a", "b"], "/a/b"],
    [["/a", "/b", "c"], "/b/c"],
    [["/a/b/", "../c/"], "/a/c"],
    [["/", ".."], "/"],
    [["a"], `${Deno.cwd()}/a`],
    [[], Deno.cwd()],
  ]);
});

Deno.test("relative() leads from one place to another", () => {
  table(relative, [
    [["/a/b", "/a/b"], ""],
    [["/a/b", "/a/c/d"], "../c/d"],
    [["/", "/a"], "a"],
    [["/a/b", "/"], "../.."],
    [["/a/bc", "/a/b"], "../b"],
  ]);
});

Deno.test("dirname() and basename() take a path apart", () => {
  table(dirname, [
    [[""], "."],
    [["a"], "."],
    [["/"], "/"],
    [["/a"], "/"],
    [["/a/b/"], "/a"],
    [["a//b"], "a"],
    [[new URL("file:///a/b.ts")], "/a"],
  ]);
  table(basename, [
    [[""], ""],
    [["/"], "/"],
    [["/a/b/"], "b"],
    [["a.ts", ".ts"], "a"],
    [[".ts", ".ts"], ".ts"],
    [["a"], "a"],
  ]);
});

Deno.test("extname() gives the last extension", () => {
  table(extname, [
    [["a.tar.gz"], ".gz"],
    [[".profile"], ""],
    [["a."], "."],
    [["a/b.c/d"], ""],
    [[".."], ""],
  ]);
});

Deno.test("isAbsolute() looks at the first character", () => {
  table(isAbsolute, [[["/a"], true], [["a/b"], false], [[""], false]]);
});

Deno.test("toFileUrl() and fromFileUrl() undo each other", () => {
  for (const path of ["/", "/a b", "/100%", "/ä#?", "/a\\b", "/%41"]) {
    assertEquals(fromFileUrl(toFileUrl(path)), path);
  }
  assertEquals(toFileUrl("/a b").href, "file:///a%20b");
  assertThrows(() => fromFileUrl("https://example.com/"), TypeError, "file");
  assertThrows(() => toFileUrl("a"), TypeError, "absolute");
});

import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError, ProgramError, UsageError } from "../../../lib/errors.ts";
import {
  candidatePaths,
  environmentOf,
  planProgram,
} from "../../../lib/plan/program.ts";

Deno.test("candidatePaths searches absolute directories once, in order", () => {
  const table: readonly (readonly [string, string | undefined, string[]])[] = [
    ["sh", "/bin:/usr/bin/:/bin", ["/bin/sh", "/usr/bin/sh"]],
    ["sh", ".:bin::/bin", ["/bin/sh"]],
    ["sh", "/", ["/sh"]],
    ["/x", "/bin", ["/x"]],
    ["a/b", "/bin", ["a/b"]],
  ];
  for (const [name, path, wanted] of table) {
    assertEquals(candidatePaths(name, path), wanted);
  }
  assertEquals(candidatePaths("sh", undefined).length, 6);
  assertEquals(candidatePaths("sh", ""), candidatePaths("sh", undefined));
});

Deno.test("environmentOf keeps the last value of a name", () => {
  assertEquals([...environmentOf(["A=1", "B=", "A=x=y"])], [
    ["A", "x=y"],
    ["B", ""],
  ]);
  for (const entry of ["", "A", "=1"]) {
    assertThrows(() => environmentOf([entry]), ConfigError);
  }
});

Deno.test("planProgram asks for HOME when there is none", () => {
  const flags = (env: string[]): number | bigint =>
    planProgram({ args: ["/x"], env }).flags;
  assertEquals(flags([]), 1);
  assertEquals(flags(["HOME="]), 1);
  assertEquals(flags(["HOME=/a", "HOME="]), 1);
  assertEquals(flags(["HOME=/a"]), 0);
});

Deno.test("planProgram refuses an empty program and a PATH of no use", () => {
  for (const args of [[], [""]]) {
    assertThrows(() => planProgram({ args, env: [] }), UsageError);
  }
  assertThrows(
    () => planProgram({ args: ["sh"], env: ["PATH=."] }),
    UsageError,
  );
});

Deno.test("planProgram finds no name without a PATH when an engine asks", () => {
  const process = { args: ["sh"], env: ["A=b"] };
  assertEquals(planProgram(process).paths.at(-1), "/bin/sh");
  assertThrows(
    () => planProgram(process, true),
    ProgramError,
    "has no PATH",
  );
  const path = { args: ["/bin/sh"], env: [] };
  assertEquals(planProgram(path, true).paths, ["/bin/sh"]);
});

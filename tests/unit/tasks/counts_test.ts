import { assertEquals } from "@std/assert";
import {
  countDeclared,
  countDenoTests,
  countPrograms,
  formatCounts,
  NONE,
  ONE_FAILED,
  readCounts,
  sum,
} from "../../../tasks/counts.ts";
import { stripColours } from "../../../tasks/process.ts";

Deno.test("countDenoTests() reads the summary, not the steps", () => {
  const rows: [string, number, [number, number, number]][] = [
    ["ok | 36 passed | 0 failed (729ms)\n", 0, [36, 0, 0]],
    ["ok | 3 passed (12 steps) | 0 failed | 2 ignored (5ms)\n", 0, [3, 0, 2]],
    ["FAILED | 1 passed | 2 failed (1 step) | 1 ignored (3 steps) (5ms)", 1, [
      1,
      2,
      1,
    ]],
    // A crash or a leak after the last test has no failed test to show.
    ["ok | 3 passed | 0 failed (1s)\n", 1, [3, 1, 0]],
    // The output of a nested run must not count in place of the outer one.
    ["ok | 9 passed | 0 failed (1s)\n...\nok | 1 passed | 0 failed (1s)", 0, [
      1,
      0,
      0,
    ]],
  ];

  for (const [output, code, [passed, failed, skipped]] of rows) {
    assertEquals(countDenoTests(output, code), { passed, failed, skipped });
  }
});

Deno.test("countDenoTests() counts a missing summary as a failure", () => {
  assertEquals(countDenoTests("", 0), ONE_FAILED);
  assertEquals(countDenoTests("error: Type checking failed.", 1), ONE_FAILED);
});

Deno.test("countPrograms() counts how each program ended", () => {
  const output = "cc -o build/test/test_a\nplan: ok\nok build/test/test_a\n" +
    "skipped build/test/test_b\nok build/test/test_c\n";

  assertEquals(countPrograms(output, 0), { passed: 2, failed: 0, skipped: 1 });
  assertEquals(countPrograms(output, 2), { passed: 2, failed: 1, skipped: 1 });
  assertEquals(countPrograms(`${output}failed build/test/test_d\n`, 2), {
    passed: 2,
    failed: 1,
    skipped: 1,
  });
});

Deno.test("countPrograms() counts silence and a failed build as failures", () => {
  assertEquals(countPrograms("make: nothing to be done\n", 0), ONE_FAILED);
  assertEquals(
    countPrograms("x.c:1: error: build/test/test_a\n", 2),
    ONE_FAILED,
  );
});

Deno.test("readCounts() reads what formatCounts() wrote, as last line only", () => {
  const counts = { passed: 3, failed: 0, skipped: 12 };

  assertEquals(readCounts(`noise\n${formatCounts(counts)}\r\n`), counts);
  assertEquals(readCounts(`${formatCounts(counts)}\nnoise`), undefined);
  assertEquals(readCounts(""), undefined);
});

Deno.test("sum() adds by outcome", () => {
  const one = { passed: 1, failed: 2, skipped: 3 };

  assertEquals(sum(), NONE);
  assertEquals(sum(one, one), { passed: 2, failed: 4, skipped: 6 });
});

Deno.test("countDeclared() finds tests without running them", () => {
  const text = 'Deno.test("a", () => {});\nDeno.test({ name: "b" });\n' +
    '  rootTest("c", f);\nconst test = 1;\n';

  assertEquals(countDeclared(text), 3);
  assertEquals(countDeclared(""), 1);
});

Deno.test("stripColours() leaves only the text", () => {
  assertEquals(stripColours("\x1b[0m\x1b[32mok\x1b[0m | 1"), "ok | 1");
});

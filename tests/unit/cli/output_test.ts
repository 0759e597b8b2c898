import { assertEquals } from "@std/assert";
import { formatJson, formatLine } from "../../../lib/cli/output.ts";
import { formatTable } from "../../../lib/cli/table.ts";

const TIME = new Date(0);

Deno.test("formatLine prefixes errors and indents further lines", () => {
  const how = { format: "text", time: TIME } as const;
  assertEquals(formatLine("error", "a\nb", how), "nsinit: a\n  b\n");
  assertEquals(formatLine("warning", "a", how), "nsinit: warning: a\n");
});

Deno.test("formatLine escapes what could drive a terminal", () => {
  const how = { format: "text", time: TIME } as const;
  assertEquals(
    formatLine("error", "a\x1b[31m\r\x9b\u202e", how),
    "nsinit: a\\u001b[31m\\u000d\\u009b\\u202e\n",
  );
});

Deno.test("formatLine writes one JSON object per line", () => {
  const text = formatLine("error", "a\nb\x9b", {
    format: "json",
    time: TIME,
    code: "SystemError",
  });
  assertEquals(text.indexOf("\n"), text.length - 1);
  assertEquals(text.includes("\x9b"), false);
  assertEquals(JSON.parse(text), {
    level: "error",
    msg: "a\nb\x9b",
    code: "SystemError",
    time: "1970-01-01T00:00:00.000Z",
  });
});

Deno.test("formatLine says when a debug line was written", () => {
  const how = { time: TIME, elapsedMs: 12.3 } as const;
  assertEquals(
    formatLine("debug", "a", { ...how, format: "text" }),
    "nsinit: debug: 12.3 ms: a\n",
  );
  assertEquals(
    JSON.parse(formatLine("debug", "a", { ...how, format: "json" })),
    {
      level: "debug",
      msg: "a",
      elapsed_ms: 12.3,
      time: "1970-01-01T00:00:00.000Z",
    },
  );
});

Deno.test("formatJson writes whole numbers of 64 bits", () => {
  assertEquals(
    formatJson({ a: -(2n ** 63n), b: [1] }),
    '{\n  "a": -9223372036854775808,\n  "b": [\n    1\n  ]\n}',
  );
});

Deno.test("formatJson keeps foreign texts apart from numbers", () => {
  const value = { "\uf8ff1": "\uf8ff12", b: 2n ** 60n };
  const text = formatJson(value, 0);
  assertEquals(text, '{"\uf8ff1":"\uf8ff12","b":1152921504606846976}');
});

Deno.test("formatTable keeps foreign text in its cell", () => {
  assertEquals(
    formatTable(["A", "B"], [["x\ny", "1"], ["", "\x1b[2J"]]),
    "A         B\nx\\u000ay  1\n          \\u001b[2J",
  );
});

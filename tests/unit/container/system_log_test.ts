import { assertEquals } from "@std/assert";
import { journalEntry, syslogLine } from "../../../lib/container/system_log.ts";

Deno.test("syslogLine() has the priority of the level, and the day in two columns", () => {
  const time = new Date(2026, 10, 30, 21, 2, 3);
  for (
    const [level, priority] of [
      ["error", 11],
      ["warning", 12],
      ["info", 14],
      ["debug", 15],
    ] as const
  ) {
    assertEquals(
      syslogLine("id", level, "text", time),
      `<${priority}>Nov 30 21:02:03 id: text`,
    );
  }
});

Deno.test("journalEntry() gives a message of several lines with its length", () => {
  const entry = journalEntry("id", "warning", "a\nü");
  const before = new TextEncoder().encode("PRIORITY=4\nMESSAGE\n");
  assertEquals(entry.subarray(0, before.length), before);
  const rest = entry.subarray(before.length);
  // "a", the newline and two bytes for the letter.
  assertEquals([...rest.subarray(0, 8)], [4, 0, 0, 0, 0, 0, 0, 0]);
  assertEquals(
    new TextDecoder().decode(rest.subarray(8)),
    "a\nü\nSYSLOG_IDENTIFIER=id\nID=id\n",
  );
});

import { assertEquals } from "@std/assert";
import { formatLogLine, Log } from "../../../lib/oci/log.ts";

const time = new Date(Date.UTC(2026, 0, 2, 3, 4, 5, 678));

Deno.test("formatLogLine() writes what engines read", () => {
  assertEquals(
    formatLogLine("error", 'a "b"\nc', { format: "text", time }),
    'time="2026-01-02T03:04:05Z" level=error msg="a \\"b\\"\\nc"\n',
  );
  assertEquals(
    formatLogLine("warning", 'a "b"\nc', { format: "json", time }),
    '{"level":"warning","msg":"a \\"b\\"\\nc","time":"2026-01-02T03:04:05Z"}\n',
  );
});

Deno.test("Log appends to its file what is serious enough", async () => {
  const file = await Deno.makeTempFile();
  try {
    const log = new Log({ format: "json", file, level: "warning" });
    log.debug("not this");
    log.warn("this");
    log.warn("and this");
    const lines = (await Deno.readTextFile(file)).trim().split("\n");
    const messages = lines.map((line) => JSON.parse(line)["msg"]);
    assertEquals(messages, ["this", "and this"]);
    const all = new Log({ format: "json", file, level: "debug" });
    all.debug("details");
    assertEquals((await Deno.readTextFile(file)).includes("details"), true);
  } finally {
    await Deno.remove(file);
  }
});

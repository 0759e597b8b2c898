import { assertEquals, assertThrows } from "@std/assert";
import { HostError } from "../../../lib/errors.ts";
import { filterRows } from "../../../lib/oci/ps_rows.ts";

const TEXT = `UID        PID  PPID  C STIME TTY          TIME CMD
root         1     0  0 14:47 ?        00:00:00 init 21
root        21     1  0 14:47 ?        00:00:00 sleep 60
root       211     1  0 14:47 ?        00:00:00 sleep 21
`;

Deno.test("filterRows keeps the rows of the processes, as printed", () => {
  assertEquals(
    filterRows(TEXT, [21, 5]),
    TEXT.split("\n").filter((_, index) => [0, 2, 4].includes(index)).join("\n"),
  );
});

Deno.test("filterRows of no process is the header", () => {
  assertEquals(filterRows(TEXT, []), `${TEXT.split("\n")[0]}\n`);
});

Deno.test("filterRows finds the column by its name", () => {
  assertEquals(
    filterRows("CMD PID\nsh 7\ninit 1\n", [7]),
    "CMD PID\nsh 7\n",
  );
});

Deno.test("filterRows passes over rows of threads", () => {
  assertEquals(
    filterRows("  PID LWP\n    7 -\n    - 7\n", [7]),
    "  PID LWP\n    7 -\n",
  );
});

Deno.test("filterRows refuses what has no column of pids", () => {
  assertThrows(() => filterRows("CMD\nsh\n", [7]), HostError, "PID");
  assertThrows(() => filterRows("", [7]), HostError, "PID");
  assertThrows(() => filterRows("PID\nsh\n", [7]), HostError, "sh");
});

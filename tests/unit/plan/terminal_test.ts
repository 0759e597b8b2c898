import { assertEquals } from "@std/assert";
import { planTerminal } from "../../../lib/plan/terminal.ts";
import { names, PROCESS } from "./support.ts";

Deno.test("planTerminal makes a terminal of the wanted size, or uses the given streams", () => {
  const terminal = planTerminal({
    ...PROCESS,
    tty: true,
    terminalSize: { rows: 24, columns: 80 },
  });
  assertEquals(terminal.open, [{
    op: "tty.open",
    rows: 24,
    columns: 80,
    uid: 0,
    gid: 0,
    mode: 0o600,
  }]);
  assertEquals(names(terminal.streams), ["stdio.set"]);
  assertEquals(names(terminal.control), ["tty.control"]);
  const streams = planTerminal({
    ...PROCESS,
    stdio: { stdin: { fd: 9 }, stdout: "inherit", stderr: { fd: 0 } },
  });
  assertEquals(streams.slots, [0, 2]);
  assertEquals(streams.streams, [
    { op: "stdio.set", flags: 0, stdin: 0, stdout: -1, stderr: 2 },
  ]);
});

import { assertEquals } from "@std/assert";
import { encodeSlots, SlotAllocator } from "../../../lib/plan/slots.ts";
import { planTerminal } from "../../../lib/plan/terminal.ts";
import { configWith, names, PROCESS } from "./support.ts";

const CONFIG = configWith({});
const TTY = { ...PROCESS, tty: true };

Deno.test("planTerminal makes a terminal of the wanted size, or uses the given streams", () => {
  const terminal = planTerminal(
    { ...TTY, terminalSize: { rows: 24, columns: 80 } },
    CONFIG,
  );
  assertEquals(terminal.open, [{
    op: "tty.open",
    flags: 0,
    rows: 24,
    columns: 80,
    uid: 0,
    gid: 0,
    mode: 0o600,
  }]);
  const plain = planTerminal({ ...TTY, plainNewlines: true }, CONFIG);
  assertEquals(plain.open, [{
    op: "tty.open",
    flags: 1,
    rows: 0,
    columns: 0,
    uid: 0,
    gid: 0,
    mode: 0o600,
  }]);
  assertEquals(names(terminal.streams), ["tty.own", "stdio.set"]);
  assertEquals(names(terminal.control), ["tty.control"]);
  const streams = planTerminal({
    ...PROCESS,
    stdio: { stdin: { fd: 9 }, stdout: "inherit", stderr: { fd: 0 } },
  }, CONFIG);
  assertEquals(streams.slots, [0, 2]);
  assertEquals(streams.streams, [
    { op: "stdio.set", flags: 0, stdin: 0, stdout: -1, stderr: 2 },
    { op: "stdio.own" },
  ]);
  assertEquals(streams.close, [{ op: "fds.close", keep: 2 }]);
});

Deno.test("planTerminal gives the terminal to the group that devpts names, if it exists inside", () => {
  const mapping = { containerId: 0, hostId: 1000 };
  const user = [...CONFIG.namespaces, { type: "NEWUSER" } as const];
  const ownerIn = (changes: Parameters<typeof configWith>[0]) =>
    planTerminal(TTY, configWith(changes)).streams[0];

  assertEquals(ownerIn({}), { op: "tty.own", gid: 5, mode: 0o620 });
  assertEquals(
    ownerIn({ namespaces: user, gidMappings: [{ ...mapping, size: 65536 }] }),
    { op: "tty.own", gid: 5, mode: 0o620 },
  );
  const noGroup = { op: "tty.own", gid: -1, mode: 0o600 } as const;
  assertEquals(
    ownerIn({ namespaces: user, gidMappings: [{ ...mapping, size: 1 }] }),
    noGroup,
  );
  assertEquals(ownerIn({ mounts: [] }), noGroup);
  assertEquals(
    ownerIn({ namespaces: [{ type: "NEWNS", path: "/proc/1/ns/mnt" }] }),
    noGroup,
  );
});

Deno.test("planTerminal takes extra files from the caller and keeps them open inside", () => {
  const process = { ...PROCESS, extraFiles: [9, 12] };
  const slots = new SlotAllocator();
  slots.take();

  const part = planTerminal(process, CONFIG, slots);

  assertEquals(part.slots, [17, 18]);
  assertEquals(part.parent, [
    { op: "fd.use", slot: 17, fd: 9, note: "descriptor 3" },
    { op: "fd.use", slot: 18, fd: 12, note: "descriptor 4" },
  ]);
  assertEquals(part.close, [
    { op: "fds.place", slots: encodeSlots([17, 18]) },
    { op: "fds.close", keep: 4 },
  ]);
});

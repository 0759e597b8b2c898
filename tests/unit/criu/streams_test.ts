import { assertEquals } from "@std/assert";
import { describeStream, terminalOf } from "../../../lib/criu/streams.ts";

const INSIDE = new Set([10, 11]);

Deno.test("pipes are given back by what the kernel calls them", () => {
  assertEquals(
    describeStream({ link: "pipe:[77]", mountId: 15, inode: 77n }, INSIDE),
    { link: "pipe:[77]", key: "pipe:[77]" },
  );
});

Deno.test("sockets have to be told of as well", () => {
  assertEquals(
    describeStream({ link: "socket:[77]", mountId: 9, inode: 77n }, INSIDE),
    { link: "socket:[77]", external: "unix[77]", key: "socket:[77]" },
  );
});

Deno.test("files of the container come back by themselves, those of the host do not", () => {
  const link = "/dev/null";
  assertEquals(
    describeStream({ link, mountId: 10, inode: 3n }, INSIDE),
    { link },
  );
  assertEquals(describeStream({ link, mountId: 26, inode: 300n }, INSIDE), {
    link,
    external: "file[1a:12c]",
    key: "file[1a:12c]",
  });
});

Deno.test("a closed stream stays closed", () => {
  assertEquals(describeStream({ mountId: -1, inode: 0n }, INSIDE), {
    link: "",
  });
});

Deno.test("terminals are known by their name in devpts", () => {
  assertEquals(terminalOf({ link: "/dev/pts/12" }), 12);
  for (const link of ["/dev/pts/ptmx", "/dev/tty", "", "/x/dev/pts/1"]) {
    assertEquals(terminalOf({ link }), undefined);
  }
});

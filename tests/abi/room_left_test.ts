import { assert, assertEquals, assertThrows } from "@std/assert";
import { roomLeft } from "../../ffi/native.ts";
import { KernelError } from "../../lib/errors.ts";

async function statRoom(path: string): Promise<number> {
  const { stdout } = await new Deno.Command("stat", {
    args: ["--file-system", "--format=%a %S", path],
  }).output();
  const [blocks = 0, size = 0] = new TextDecoder().decode(stdout)
    .trim().split(" ").map(Number);
  return blocks * size;
}

Deno.test("roomLeft() counts the bytes that stat(1) counts", async () => {
  const path = "/dev/shm";
  const before = await statRoom(path);
  const left = Number(roomLeft(path));
  const after = await statRoom(path);
  // Others may write there meanwhile.
  const slack = 64 * 1024 * 1024;
  assert(left >= Math.min(before, after) - slack, `${left}`);
  assert(left <= Math.max(before, after) + slack, `${left}`);
});

Deno.test("roomLeft() has no bound where a file system counts nothing", () => {
  assertEquals(roomLeft("/proc"), 2n ** 63n - 1n);
});

Deno.test("roomLeft() tells of a path that is not there", () => {
  assertThrows(
    () => roomLeft("/nowhere/at/all"),
    KernelError,
    "Cannot see how full the disk of /nowhere/at/all is: no such file or directory (ENOENT)",
  );
});

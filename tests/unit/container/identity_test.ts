import { assertEquals, assertThrows } from "@std/assert";
import { checkId, deriveId } from "../../../lib/container/identity.ts";
import { markerNames } from "../../../lib/container/markers.ts";
import { StateError } from "../../../lib/errors.ts";

Deno.test("checkId() accepts the letters of ids", () => {
  for (const id of ["a", "A-b_c+d.e", "...", "x".repeat(255)]) {
    assertEquals(checkId(id), id);
  }
});

Deno.test("checkId() refuses what could leave the state root", () => {
  for (
    const id of [
      "",
      ".",
      "..",
      "a/b",
      "../x",
      "a\0",
      "a\n",
      "é",
      "x".repeat(256),
      "x".repeat(1025),
    ]
  ) {
    const error = assertThrows(() => checkId(id), StateError);
    assertEquals(error.code, "InvalidIdFormat");
  }
});

Deno.test("deriveId() is the same for every name of a directory", async () => {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.symlink(dir, `${dir}-link`);
    const id = await deriveId(dir);
    assertEquals(await deriveId(`${dir}-link/.`), id);
    assertEquals(checkId(id), id);
  } finally {
    await Deno.remove(`${dir}-link`);
    await Deno.remove(dir);
  }
});

Deno.test("markerNames() follows the eras", () => {
  assertEquals(markerNames("A4"), [".nspid"]);
  assertEquals(markerNames("A5"), ["pid"]);
  assertEquals(markerNames("B2"), ["pid", "start"]);
  assertEquals(markerNames("C1"), ["state.json"]);
  assertEquals(markerNames(undefined), ["state.json"]);
});

import { assertEquals, assertThrows } from "@std/assert";
import { hasLeft } from "../../../lib/cli/quick/leave.ts";
import { loadText } from "../../../lib/cli/quick/state_files.ts";

const LIMIT = 100;

/** A state root with one state. */
async function makeRoot(): Promise<string> {
  const root = await Deno.makeTempDir();
  await Deno.mkdir(`${root}/demo`, { mode: 0o700 });
  await Deno.writeTextFile(`${root}/demo/state.json`, "{}");
  return root;
}

Deno.test("the short way reads states of a root that nobody else may change", async () => {
  const root = await makeRoot();
  assertEquals(loadText(`${root}/demo/state.json`, LIMIT), "{}");
  assertEquals(loadText(`${root}/other/state.json`, LIMIT), undefined);
  assertEquals(hasLeft(), false);
  await Deno.remove(root, { recursive: true });
});

Deno.test("the short way ends at a root that others may change", async () => {
  const root = await makeRoot();
  await Deno.chmod(root, 0o777);
  assertThrows(() => loadText(`${root}/demo/state.json`, LIMIT));
  assertEquals(hasLeft(), true);
  await Deno.remove(root, { recursive: true });
});

Deno.test("the short way ends at links, and at files that are too large", async () => {
  const root = await makeRoot();
  await Deno.mkdir(`${root}/link`);
  await Deno.symlink("../demo/state.json", `${root}/link/state.json`);
  assertThrows(() => loadText(`${root}/link/state.json`, LIMIT));
  await Deno.writeTextFile(`${root}/demo/state.json`, " ".repeat(LIMIT + 1));
  assertThrows(() => loadText(`${root}/demo/state.json`, LIMIT));
  await Deno.remove(root, { recursive: true });
});

Deno.test("the short way finds no process that there is not", () => {
  assertEquals(loadText("/proc/4194305/stat", LIMIT), undefined);
});

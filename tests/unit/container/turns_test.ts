import { assert } from "@std/assert";
import { readState } from "../../../lib/container/store.ts";

Deno.test("a loop that reads states lets timers through", async () => {
  const dir = await Deno.makeTempDir();
  let isDone = false;
  const timer = setTimeout(() => isDone = true, 1);
  const end = Date.now() + 20_000;
  while (!isDone && Date.now() < end) await readState(dir);
  clearTimeout(timer);
  await Deno.remove(dir);
  assert(isDone, "the timer never came");
});

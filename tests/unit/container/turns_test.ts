import { assert, assertEquals } from "@std/assert";
import { noteTurn, turnWhenDue } from "../../../ffi/turns.ts";
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

Deno.test("who was idle before goes on at once, who is always busy gives a turn", async () => {
  const busy = (ms: number): void => {
    const end = performance.now() + ms;
    while (performance.now() < end);
  };
  noteTurn();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assertEquals(turnWhenDue(), undefined);
  const found = [1, 2, 3, 4].map(() => {
    busy(6);
    return turnWhenDue();
  }).filter((turn) => turn !== undefined);
  assert(found.length > 0);
  await Promise.all(found);
});

import { assertEquals, assertRejects } from "@std/assert";
import { Throttle } from "../../../lib/container/throttle.ts";

Deno.test("no more run at once than there are places, in the order of asking", async () => {
  const throttle = new Throttle(2);
  const order: number[] = [];
  let running = 0;
  let most = 0;
  await Promise.all(
    [0, 1, 2, 3, 4].map((index) =>
      throttle.run(async () => {
        order.push(index);
        most = Math.max(most, ++running);
        await new Promise((resolve) => setTimeout(resolve, 1));
        running--;
      })
    ),
  );
  assertEquals(order, [0, 1, 2, 3, 4]);
  assertEquals(most, 2);
});

Deno.test("a failure gives its place back", async () => {
  const throttle = new Throttle(1);
  const failing = throttle.run(() => {
    throw new Error("no");
  });
  const next = throttle.run(() => "next");
  await assertRejects(() => failing, Error, "no");
  assertEquals(await next, "next");
  assertEquals(await throttle.run(() => "later"), "later");
});

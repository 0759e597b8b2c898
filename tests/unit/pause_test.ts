import { assert, assertEquals } from "@std/assert";
import { callLater, sleep } from "../../lib/pause.ts";

Deno.test("sleep takes as long as it says", async () => {
  const start = performance.now();
  await sleep(20);
  assert(performance.now() - start >= 19);
  await sleep(0);
  await sleep(0.5);
});

Deno.test("what is called off is not called", async () => {
  const called: string[] = [];
  const callOff = callLater(5, () => called.push("off"));
  callLater(5, () => called.push("on"));
  callOff();
  await sleep(30);
  assertEquals(called, ["on"]);
});

Deno.test("a process does not wait for what is called off", async () => {
  const url = import.meta.resolve("../../lib/pause.ts");
  const code = `import { callLater } from ${JSON.stringify(url)};
    callLater(600_000, () => {})();`;
  const { success } = await new Deno.Command(Deno.execPath(), {
    args: ["eval", code],
    signal: AbortSignal.timeout(60_000),
  }).output();
  assert(success);
});

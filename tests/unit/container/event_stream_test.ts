import { assertEquals, assertRejects } from "@std/assert";
import {
  type EventSink,
  EventStream,
} from "../../../lib/container/event_stream.ts";

interface Driven {
  readonly stream: EventStream<number>;
  readonly sink: EventSink<number>;
  readonly calls: string[];
}

function open(
  merge?: (earlier: number, later: number) => number | undefined,
): Driven {
  const calls: string[] = [];
  let sink: EventSink<number> | undefined;
  const stream = new EventStream<number>((given) => {
    sink = given;
    return {
      stop: () => calls.push("stop"),
      ref: () => calls.push("ref"),
      unref: () => calls.push("unref"),
    };
  }, merge);
  if (!sink) throw new Error("the source was not started");
  return { stream, sink, calls };
}

Deno.test("events come in order, those that were early first", async () => {
  const { stream, sink } = open();
  sink.push(1);
  sink.push(2);
  const all = Array.fromAsync(stream);
  await Promise.resolve();
  sink.push(3);
  sink.end();
  assertEquals(await all, [1, 2, 3]);
});

Deno.test("the end comes after the events that were not taken yet", async () => {
  const { stream, sink } = open();
  sink.push(1);
  sink.end();
  sink.push(2);
  assertEquals(await Array.fromAsync(stream), [1]);
  assertEquals((await stream.next()).done, true);
});

Deno.test("events that tell the same are added up while nobody takes them", async () => {
  const { stream, sink } = open((earlier, later) => earlier + later);
  sink.push(1);
  sink.push(2);
  sink.push(3);
  assertEquals((await stream.next()).value, 6);
  sink.push(4);
  assertEquals((await stream.next()).value, 4);
});

Deno.test("a failure is told once, after the events", async () => {
  const { stream, sink, calls } = open();
  sink.push(1);
  sink.fail(new Error("broken"));
  assertEquals((await stream.next()).value, 1);
  await assertRejects(() => stream.next(), Error, "broken");
  assertEquals((await stream.next()).done, true);
  assertEquals(calls, ["unref", "stop"]);
});

Deno.test("a failure reaches whoever waits", async () => {
  const { stream, sink } = open();
  const waiting = stream.next();
  sink.fail(new Error("broken"));
  await assertRejects(() => waiting, Error, "broken");
});

Deno.test("leaving the loop stops the source once", async () => {
  const { stream, sink, calls } = open();
  sink.push(1);
  sink.push(2);
  for await (const event of stream) {
    assertEquals(event, 1);
    break;
  }
  stream.cancel();
  await stream[Symbol.asyncDispose]();
  assertEquals(calls, ["unref", "stop"]);
  assertEquals((await stream.next()).done, true);
});

Deno.test("the source keeps the program only while somebody waits", async () => {
  const { stream, sink, calls } = open();
  assertEquals(calls, ["unref"]);
  const waiting = stream.next();
  assertEquals(calls, ["unref", "ref"]);
  sink.push(1);
  await waiting;
  assertEquals(calls, ["unref", "ref", "unref"]);
});

Deno.test("cancelling ends the wait of whoever waits", async () => {
  const { stream } = open();
  const waiting = stream.next();
  stream.cancel();
  assertEquals((await waiting).done, true);
});

Deno.test("a source that ends at once is stopped", async () => {
  let stopped = 0;
  const stream = new EventStream<number>(({ push, end }) => {
    push(7);
    end();
    return { stop: () => stopped++ };
  });
  assertEquals(await Array.fromAsync(stream), [7]);
  assertEquals(stopped, 1);
});

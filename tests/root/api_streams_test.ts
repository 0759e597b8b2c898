/**
 * Web streams of processes: order, back-pressure, ends.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { poller } from "../../ffi/poller.ts";
import { containerTests } from "../support/containers.ts";
import { delay, waitFor } from "../support/nsinit.ts";
import {
  feed,
  openDescriptors,
  TestContainer,
  textOf,
} from "../support/processes.ts";

const test = containerTests("streams");
const MIB = 1 << 20;
const PIPED = { stdin: "piped", stdout: "piped" } as const;

/** Bytes that differ everywhere, by a linear congruential generator. */
function* noise(
  total: number,
  size: number,
): Generator<Uint8Array<ArrayBuffer>> {
  let state = 12345;
  for (let done = 0; done < total;) {
    const words = new Uint32Array(Math.min(size, total - done) / 4);
    for (let at = 0; at < words.length; at++) {
      words[at] = state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    }
    done += words.byteLength;
    yield new Uint8Array(words.buffer);
  }
}

/** A checksum that depends on order and does not need all in memory: FNV-1a. */
class Checksum {
  #value = 0x811c9dc5;
  length = 0;

  add(bytes: Uint8Array): void {
    this.length += bytes.length;
    for (const byte of bytes) {
      this.#value = Math.imul(this.#value ^ byte, 0x01000193) >>> 0;
    }
  }

  get value(): string {
    return `${this.length}:${this.#value.toString(16)}`;
  }
}

function cpuTimeOf(pid: number): string {
  const text = Deno.readTextFileSync(`/proc/${pid}/stat`);
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return `${fields[0]} ${fields[11]} ${fields[12]}`;
}

/** Waits until a process neither runs nor gets on. */
async function waitUntilBlocked(pid: number): Promise<void> {
  let last = "";
  let same = 0;
  await waitFor("the process to wait", async () => {
    const now = cpuTimeOf(pid);
    same = now === last && now.startsWith("S") ? same + 1 : 0;
    last = now;
    await delay(20);
    return same > 5;
  });
}

test("a hundred megabytes go in and come out as they were", async (workspace) => {
  await using container = await TestContainer.create(workspace);
  const process = await container.start({ args: ["cat"], ...PIPED });
  const [sent, received] = [new Checksum(), new Checksum()];

  const source = noise(100 * MIB, 300_004);
  const input = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller): void {
      const { value, done } = source.next();
      if (done) return controller.close();
      sent.add(value);
      controller.enqueue(value);
    },
  });
  const sending = input.pipeTo(process.stdin);
  for await (const chunk of process.stdout) received.add(chunk);
  await sending;

  assertEquals(received.length, 100 * MIB);
  assertEquals(received.value, sent.value);
  assertEquals((await process.status).code, 0);
});

test("one large chunk is written in full", async (workspace) => {
  await using container = await TestContainer.create(workspace);
  const process = await container.start({ args: ["sha256sum"], ...PIPED });
  const [bytes = new Uint8Array()] = noise(16 * MIB, 16 * MIB);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

  await feed(process.stdin, bytes);

  assertEquals(await textOf(process.stdout), `${digest.toHex()}  -\n`);
});

test("closing stdin is the end of input inside", async (workspace) => {
  await using container = await TestContainer.create(workspace);
  const process = await container.start({ args: ["wc", "-c"], ...PIPED });

  await feed(process.stdin, "12345");

  assertEquals(await textOf(process.stdout), "5\n");
  assert((await process.status).success);
});

test("all 256 bytes pass unchanged, in any chunks and into buffers of the reader", async (workspace) => {
  await using container = await TestContainer.create(workspace);
  const process = await container.start({ args: ["cat"], ...PIPED });
  const bytes = Uint8Array.from({ length: 1024 }, (_, index) => index & 0xff);
  const writer = process.stdin.getWriter();
  for (let at = 0; at < bytes.length; at += 7) {
    writer.write(bytes.subarray(at, at + 7));
  }
  writer.close();

  const reader = process.stdout.getReader({ mode: "byob" });
  const found: number[] = [];
  for (;;) {
    const { value, done } = await reader.read(new Uint8Array(100));
    if (value) found.push(...value);
    if (done) break;
  }

  assertEquals(new Uint8Array(found), bytes);
});

test("a slow reader holds the program up, and memory stays as it was", async (workspace) => {
  await using container = await TestContainer.create(workspace);
  const process = await container.start({
    args: ["dd", "if=/dev/zero", "bs=65536", "count=1600"],
    stdout: "piped",
  });
  await waitUntilBlocked(process.pid);
  const before = Deno.memoryUsage();
  const reader = process.stdout.getReader();
  const first = await reader.read();
  await delay(100);
  const after = Deno.memoryUsage();

  assert((first.value?.length ?? 0) <= 65536);
  const grown = after.external - before.external + after.rss - before.rss;
  assert(grown < 32 * MIB, `${grown} bytes more`);
  let total = first.value?.length ?? 0;
  reader.releaseLock();
  for await (const chunk of process.stdout) total += chunk.length;
  assertEquals(total, 1600 * 65536);
  assertEquals((await process.status).code, 0);
});

test("a slow program holds the writer up", async (workspace) => {
  await using container = await TestContainer.create(workspace);
  const process = await container.start({
    args: "sleep 0.5; wc -c",
    ...PIPED,
  });
  const writer = process.stdin.getWriter();

  const writing = writer.write(new Uint8Array(MIB));
  const state = await Promise.race([
    writing.then(() => "written"),
    delay(100).then(() => "waiting"),
  ]);
  await writing;
  await writer.close();

  assertEquals(state, "waiting");
  assertEquals(await textOf(process.stdout), `${MIB}\n`);
});

test("output is readable after status has settled", async (workspace) => {
  await using container = await TestContainer.create(workspace);
  const process = await container.start({
    args: "head -c 60000 /dev/zero; echo end; echo error >&2",
    stdout: "piped",
    stderr: "piped",
  });

  await process.status;
  await delay(50);

  const text = await textOf(process.stdout);
  assertEquals([text.length, text.slice(-4)], [60004, "end\n"]);
  assertEquals(await textOf(process.stderr), "error\n");
});

test("output is readable after the container was destroyed, whose descriptors are closed", async (workspace) => {
  const before = openDescriptors();
  const container = await TestContainer.create(workspace);
  const first = await container.start({
    args: "echo first; exec sleep 100",
    ...PIPED,
  });
  // Its background child would hold the pipe open after its own end.
  const joined = await container.start({
    args: "echo joined; sleep 100 & exit 5",
    stdin: "piped",
    stdout: "piped",
  });
  const early = first.stdout.getReader();
  const pending = early.read();
  await joined.status;
  assertEquals(new TextDecoder().decode((await pending).value), "first\n");
  early.releaseLock();
  const waiting = textOf(first.stdout);

  await container.destroy();

  assertEquals(openDescriptors(), before);
  assertEquals(await textOf(joined.stdout), "joined\n");
  assertEquals(await waiting, "");
  assertEquals((await joined.status).code, 5);
  await assertRejects(
    () => feed(joined.stdin, "too late"),
    Deno.errors.BrokenPipe,
  );
});

test("writing when nobody reads any more is a broken pipe, closing is not", async (workspace) => {
  await using container = await TestContainer.create(workspace);
  const keeper = await container.start({ args: ["sleep", "100"] });
  const gone = await container.start({
    args: "exec <&-; sleep 100",
    stdin: "piped",
  });
  const ended = await container.start({ args: ["true"], stdin: "piped" });
  await ended.status;

  const writer = gone.stdin.getWriter();
  const error = await assertRejects(async () => {
    for (;;) await writer.write(new Uint8Array(65536));
  }, Deno.errors.BrokenPipe);
  await ended.stdin.close();

  assert(error.message.includes("EPIPE"), error.message);
  keeper.kill("SIGKILL");
});

test("a write that waits is given up by abort()", async (workspace) => {
  await using container = await TestContainer.create(workspace);
  const process = await container.start({
    args: ["sleep", "100"],
    stdin: "piped",
  });
  const writer = process.stdin.getWriter();

  const writing = writer.write(new Uint8Array(MIB));
  await delay(20);
  await writer.abort(new Error("enough"));

  await writing.catch(() => {});
  await assertRejects(() => writer.write(new Uint8Array(1)), Error, "enough");
});

test("cancelling stdout closes the pipe, which the program notices", async (workspace) => {
  await using container = await TestContainer.create(workspace);
  await container.start({ args: ["sleep", "100"] });
  const process = await container.start({ args: ["yes"], stdout: "piped" });
  const reader = process.stdout.getReader();
  await reader.read();

  await reader.cancel();

  assertEquals(await process.status, {
    success: false,
    code: 141,
    signal: "SIGPIPE",
  });
});

test("only bytes can be written", async (workspace) => {
  await using container = await TestContainer.create(workspace);
  const process = await container.start({ args: ["cat"], stdin: "piped" });
  const writer = process.stdin.getWriter();

  await assertRejects(
    () => writer.write("text" as unknown as Uint8Array),
    TypeError,
    "Uint8Array",
  );
});

test("many small writes arrive in order", async (workspace) => {
  await using container = await TestContainer.create(workspace);
  const process = await container.start({
    args: 'i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i+1)); done',
    stdout: "piped",
  });

  const lines = (await textOf(process.stdout)).trimEnd().split("\n");

  assertEquals(lines, Array.from({ length: 3000 }, (_, i) => `line ${i}`));
});

test("nothing is under way when no stream is read", async (workspace) => {
  {
    await using container = await TestContainer.create(workspace);
    const process = await container.start({ args: ["cat"], ...PIPED });
    process.kill("SIGKILL");
    await process.status;
    await poller.settled();

    assertEquals(poller.size, 0);
  }
  await poller.settled();
});

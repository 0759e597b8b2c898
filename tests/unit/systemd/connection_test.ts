import { assertEquals, assertInstanceOf, assertRejects } from "@std/assert";
import { HostError } from "../../../lib/errors.ts";
import { CallError, Connection } from "../../../lib/systemd/connection.ts";
import {
  decodeMessage,
  encodeMessage,
  type Message,
  MESSAGE_TYPES,
  messageLength,
} from "../../../lib/systemd/message.ts";

const CALL = {
  destination: "a.b",
  path: "/a",
  interface: "a.b",
  member: "Ask",
} as const;

/** How a peer answers a call: with messages, or by hanging up. */
type Answer = (call: Message) => readonly Message[] | "hang up";

async function serve(
  listener: Deno.UnixListener,
  greeting: string,
  answer: Answer,
): Promise<void> {
  using peer = await listener.accept();
  const chunk = new Uint8Array(65536);
  await peer.read(chunk);
  await peer.write(new TextEncoder().encode(greeting));
  for (;;) {
    const count = await peer.read(chunk);
    if (count === null) return;
    const call = decodeMessage(chunk.slice(0, messageLength(chunk)));
    const messages = answer(call);
    if (messages === "hang up") return;
    for (const message of messages) {
      const bytes = encodeMessage(message);
      // In pieces, as a socket may deliver it.
      await peer.write(bytes.subarray(0, 5));
      await peer.write(bytes.subarray(5));
    }
  }
}

async function withPeer(
  answer: Answer,
  body: (path: string) => Promise<void>,
  greeting = "DATA\r\nOK 0123\r\n",
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "nsinit-bus-" });
  const path = `${dir}/socket`;
  const listener = Deno.listen({ transport: "unix", path });
  const served = serve(listener, greeting, answer);
  try {
    await body(path);
  } finally {
    listener.close();
    await served;
    await Deno.remove(dir, { recursive: true });
  }
}

const reply = ({ serial }: Message, text: string): Message => ({
  type: MESSAGE_TYPES.reply,
  serial: 100 + serial,
  replySerial: serial,
  signature: "s",
  body: [text],
});

Deno.test("a connection matches answers with their calls and hears signals", async () => {
  const signal = {
    type: MESSAGE_TYPES.signal,
    serial: 50,
    path: "/a",
    interface: "a.b",
    member: "Happened",
    body: [],
  };
  await withPeer(
    (call) => [signal, reply(call, `re ${call.serial}`)],
    async (path) => {
      using connection = await Connection.open(path, { isBus: false });
      const heard: (string | undefined)[] = [];
      const stop = connection.listen(({ member }) => heard.push(member));
      assertEquals(await connection.call(CALL), ["re 1"]);
      stop();
      assertEquals(await connection.call(CALL), ["re 2"]);
      assertEquals(heard, ["Happened"]);
    },
  );
});

Deno.test("a connection greets a bus, and names whom it calls only there", async () => {
  const seen: (string | undefined)[] = [];
  const answer: Answer = (call) => {
    seen.push(`${call.member} ${call.destination}`);
    return [reply(call, ":1.1")];
  };
  for (const isBus of [true, false]) {
    await withPeer(answer, async (path) => {
      using connection = await Connection.open(path, { isBus });
      await connection.call(CALL);
    });
  }
  assertEquals(seen, [
    "Hello org.freedesktop.DBus",
    "Ask a.b",
    "Ask undefined",
  ]);
});

Deno.test("a refusal carries the peer's name of it and its words", async () => {
  await withPeer(
    ({ serial }) => [{
      type: MESSAGE_TYPES.error,
      serial: 9,
      replySerial: serial,
      errorName: "a.b.No",
      signature: "s",
      body: ["not today"],
    }],
    async (path) => {
      using connection = await Connection.open(path, { isBus: false });
      const error = await connection.call(CALL).catch((reason) => reason);
      assertInstanceOf(error, CallError);
      assertEquals([error.errorName, error.message], ["a.b.No", "not today"]);
    },
  );
});

Deno.test("a peer that hangs up fails the call that waits, and later ones", async () => {
  await withPeer(() => "hang up", async (path) => {
    using connection = await Connection.open(path, { isBus: false });
    await assertRejects(() => connection.call(CALL), HostError, "hung up");
    await assertRejects(() => connection.call(CALL), HostError, "hung up");
  });
});

Deno.test("a call that cannot be packed leaves nothing waiting", async () => {
  await withPeer((call) => [reply(call, "fine")], async (path) => {
    using connection = await Connection.open(path, { isBus: false });
    const wrong = { ...CALL, signature: "u", body: ["text"] };
    await assertRejects(() => connection.call(wrong), Error, "type u");
    assertEquals(await connection.call(CALL), ["fine"]);
  });
});

Deno.test("a peer that does not know us, or no D-Bus, is told so", async () => {
  for (const greeting of ["REJECTED EXTERNAL\r\n", "x".repeat(600)]) {
    await withPeer(() => [], async (path) => {
      await assertRejects(
        () => Connection.open(path, { isBus: false }),
        HostError,
        "Cannot talk to systemd",
      );
    }, greeting);
  }
  await assertRejects(
    () => Connection.open("/nonexistent/socket", { isBus: false }),
    HostError,
  );
});

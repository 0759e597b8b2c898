/**
 * Relays standard streams to a process that a server of Kubernetes' container
 * runtime interface runs, as `kubectl exec` does, and ends with its status.
 *
 *     cri_stream.ts URL [COLUMNS ROWS]
 *
 * @module
 */

const [url = "", columns, rows] = Deno.args;
const socket = new WebSocket(url.replace("http", "ws"), [
  "v4.channel.k8s.io",
]);
socket.binaryType = "arraybuffer";

/** The first byte of a message. */
const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, end: 3, size: 4 } as const;

function send(channel: number, bytes: Uint8Array): void {
  const message = new Uint8Array(bytes.length + 1);
  message[0] = channel;
  message.set(bytes, 1);
  socket.send(message);
}

let end = "";

socket.onmessage = ({ data }: MessageEvent<ArrayBuffer>) => {
  const [channel, ...bytes] = new Uint8Array(data);
  const part = Uint8Array.from(bytes);
  if (channel === CHANNEL.stdout) Deno.stdout.writeSync(part);
  if (channel === CHANNEL.stderr) Deno.stderr.writeSync(part);
  if (channel === CHANNEL.end) end += new TextDecoder().decode(part);
};

socket.onclose = () => {
  const { status, message, details } = JSON.parse(end || "{}");
  if (status === "Success") Deno.exit(0);
  const cause = details?.causes?.find(({ reason }: { reason: string }) =>
    reason === "ExitCode"
  );
  if (!cause) {
    const text = message ?? "the connection ended";
    Deno.stderr.writeSync(new TextEncoder().encode(`${text}\n`));
  }
  Deno.exit(cause ? Number(cause.message) : 125);
};

socket.onopen = async () => {
  if (columns !== undefined) {
    const size = { Width: Number(columns), Height: Number(rows) };
    send(CHANNEL.size, new TextEncoder().encode(JSON.stringify(size)));
  }
  for await (const part of Deno.stdin.readable) send(CHANNEL.stdin, part);
};

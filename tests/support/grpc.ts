/**
 * Calls of remote procedures over HTTP/2 on a Unix socket.
 *
 * @module
 */
import { connect } from "node:http2";
import { createConnection } from "node:net";
import { Buffer } from "node:buffer";

/** A call that the server refused. */
export class GrpcError extends Error {
  override readonly name = "GrpcError";

  constructor(
    /** The number of the status. */
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Makes one call on a connection of its own.
 *
 * @param socket Path of the server's socket.
 * @param path `/service/method`.
 * @param request The encoded message.
 * @param timeoutMs How long it may take.
 * @returns The encoded answer.
 */
export async function callGrpc(
  socket: string,
  path: string,
  request: Uint8Array,
  timeoutMs: number,
): Promise<Uint8Array> {
  const client = connect("http://localhost", {
    createConnection: () => createConnection({ path: socket }),
  });
  try {
    return await new Promise((resolve, reject) => {
      client.on("error", reject);
      const stream = client.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        te: "trailers",
      });
      const parts: Uint8Array[] = [];
      let status: Record<string, unknown> = {};
      const timer = setTimeout(() => {
        reject(new Error(`${path} has not answered in ${timeoutMs} ms`));
        stream.close();
      }, timeoutMs);
      const keep = (headers: Record<string, unknown>): void => {
        if ("grpc-status" in headers) status = headers;
      };
      stream.on("response", keep);
      stream.on("trailers", keep);
      stream.on("data", (part: Uint8Array) => parts.push(part));
      stream.on("error", reject);
      stream.on("end", () => {
        clearTimeout(timer);
        const code = Number(status["grpc-status"] ?? 2);
        const text = decodeURIComponent(String(status["grpc-message"] ?? ""));
        if (code !== 0) reject(new GrpcError(code, text));
        // A byte that says whether it is compressed, and four of its length.
        else resolve(Buffer.concat(parts).subarray(5));
      });
      const head = new Uint8Array(5);
      new DataView(head.buffer).setUint32(1, request.length);
      stream.end(Buffer.concat([head, request]));
    });
  } finally {
    client.destroy();
  }
}

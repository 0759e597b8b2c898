/**
 * Unix datagram sockets, by which programs tell that they are ready.
 *
 * @module
 */
import { library } from "./library.ts";
import { cString, unwrap } from "./native.ts";

/**
 * Makes a socket that everybody may write to who can reach it.
 *
 * @param dir Its directory.
 * @param name Its name there.
 * @returns The socket, non-blocking.
 * @throws {KernelError} `SystemError` if it cannot be made.
 */
export function bindDatagram(dir: string, name: string): number {
  return unwrap(
    library().nsi_datagram_bind(cString(dir), cString(name)),
    `make the socket ${dir}/${name}`,
  );
}

/**
 * Sends a datagram.
 *
 * @param path Path of the socket; `@NAME` for an abstract one.
 * @param content What is sent.
 * @param fd Descriptor that goes with it, and stays open; -1 for none.
 * @throws {KernelError} `SystemError` if nobody takes it.
 */
export function sendDatagram(
  path: string,
  content: string | Uint8Array<ArrayBuffer>,
  fd = -1,
): void {
  const data = typeof content === "string"
    ? new TextEncoder().encode(content)
    : content;
  unwrap(
    library().nsi_datagram_send(
      cString(path),
      data,
      BigInt(data.length),
      fd,
    ),
    `send to the socket ${path}`,
  );
}

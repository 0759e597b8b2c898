/**
 * The standard streams of a container as CRIU names them: which of them lie
 * outside, and by which key the restored container gets others.
 *
 * @module
 */

/** A standard stream at the time of the dump. */
export interface DumpedStream {
  /** What the descriptor's link says, e.g. `pipe:[123]`. */
  readonly link: string;
  /** How `--external` names it; absent for what needs no such word. */
  readonly external?: string;
  /** Key by which a restore gives another in its place; absent for what comes back by itself. */
  readonly key?: string;
}

/** What is looked up of a descriptor. */
export interface StreamFacts {
  /** Target of `/proc/PID/fd/N`; absent for one that is closed. */
  readonly link?: string;
  /** `mnt_id` of `/proc/PID/fdinfo/N`. */
  readonly mountId: number;
  /** Inode of the file. */
  readonly inode: bigint;
}

/**
 * Words a stream for CRIU. Pure.
 *
 * @param facts What is known of it.
 * @param mountIds Mounts of the container: files on others are the host's.
 * @returns The stream.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { describeStream } from "./streams.ts";
 *
 * const facts = { link: "/log", mountId: 26, inode: 255n };
 * assertEquals(describeStream(facts, new Set([7])).key, "file[1a:ff]");
 * ```
 */
export function describeStream(
  { link = "", mountId, inode }: StreamFacts,
  mountIds: ReadonlySet<number>,
): DumpedStream {
  if (/^pipe:\[\d+\]$/.test(link)) return { link, key: link };
  const [, socket] = /^socket:\[(\d+)\]$/.exec(link) ?? [];
  if (socket !== undefined) {
    return { link, external: `unix[${socket}]`, key: link };
  }
  if (!link.startsWith("/") || mountIds.has(mountId)) return { link };
  const key = `file[${mountId.toString(16)}:${inode.toString(16)}]`;
  return { link, external: key, key };
}

/**
 * Number of the terminal that a stream is, in the container's devpts. Pure.
 *
 * @param stream The stream.
 * @returns The number; undefined for what is no terminal.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { terminalOf } from "./streams.ts";
 *
 * assertEquals(terminalOf({ link: "/dev/pts/0" }), 0);
 * assertEquals(terminalOf({ link: "/dev/null" }), undefined);
 * ```
 */
export function terminalOf({ link }: DumpedStream): number | undefined {
  const [, number] = /^\/dev\/pts\/(\d+)$/.exec(link) ?? [];
  return number === undefined ? undefined : Number(number);
}

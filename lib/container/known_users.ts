/**
 * Users that this program has looked up in containers' passwd and group files:
 * while those are as they were, a process inside need not ask again, which takes
 * two changes of thread.
 *
 * @module
 */
import type { FindUser, KnownUser } from "../plan/types.ts";

/** Users that are kept; the oldest goes first. */
const KEPT = 64;
/** A file that was changed so shortly before may be changed again within one tick of the kernel's clock, in milliseconds. */
const SETTLED_MS = 2000;

/** `struct nsi_account`. */
const ACCOUNT = { size: 40, changed: 16, exists: 36 } as const;

const users = new Map<string, KnownUser>();

function keyOf(
  rootfs: string,
  user: string,
  groups: readonly string[],
): string {
  return JSON.stringify([rootfs, user, groups]);
}

/**
 * Tells whether files have not been changed of late.
 *
 * @param accounts Their identities and states, as C writes them.
 * @param now Milliseconds since 1970.
 * @returns False for one that may be changed again without being seen.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { areSettled } from "./known_users.ts";
 *
 * assert(areSettled(new Uint8Array(80), Date.now()));
 * ```
 */
export function areSettled(accounts: Uint8Array, now: number): boolean {
  const { buffer, byteOffset, length } = accounts;
  const view = new DataView(buffer, byteOffset, length);
  for (let at = 0; at < length; at += ACCOUNT.size) {
    if (view.getUint32(at + ACCOUNT.exists, true) === 0) continue;
    const seconds = Number(view.getBigInt64(at + ACCOUNT.changed, true));
    if ((seconds + 1) * 1000 > now - SETTLED_MS) return false;
  }
  return true;
}

/** What is known of the users of one root file system. */
export interface UserMemory {
  /** Finds one that was looked up before. */
  readonly find: FindUser;
  /** Keeps one that was looked up in these files. */
  readonly keep: (
    user: string,
    groups: readonly string[],
    found: KnownUser,
  ) => void;
}

/**
 * The users that are known in containers of one root file system.
 *
 * @param rootfs Its path, which only tells it from others: what counts is which
 * files the process inside finds.
 * @returns Access to them.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { usersIn } from "./known_users.ts";
 *
 * assertEquals(usersIn("/srv/root").find("daemon", []), undefined);
 * ```
 */
export function usersIn(rootfs: string): UserMemory {
  return {
    find: (user, groups) => users.get(keyOf(rootfs, user, groups)),
    keep: (user, groups, found) => {
      if (!areSettled(found.known, Date.now())) return;
      const key = keyOf(rootfs, user, groups);
      const [oldest] = users.keys();
      if (users.size >= KEPT && !users.has(key) && oldest !== undefined) {
        users.delete(oldest);
      }
      users.set(key, found);
    },
  };
}

/**
 * What an ordinary user may use for containers: ids, their further ranges, and
 * the programs that map those. Reads only.
 *
 * @module
 */
import type { IdRange, OrdinaryUser } from "./types.ts";

/** The programs of the package uidmap; by absolute path, never from `PATH`. */
export const ID_MAPPERS = {
  uid: "/usr/bin/newuidmap",
  gid: "/usr/bin/newgidmap",
} as const;

/** More than an administrator writes. */
const MAX_TEXT = 1 << 20;

/**
 * Parses `/etc/subuid` or `/etc/subgid`, see subuid(5). Pure.
 *
 * @param text Lines `user:first:count`.
 * @param user Name and number of the user, either of which a line may have.
 * @returns The ranges of that user in order; lines that are none are skipped,
 * as newuidmap(1) does.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseSubordinateIds } from "./user.ts";
 *
 * const text = "ann:100000:65536\nbob:165536:65536\n";
 * assertEquals(parseSubordinateIds(text, { name: "bob", uid: 1001 }), [
 *   { first: 165536, size: 65536 },
 * ]);
 * ```
 */
export function parseSubordinateIds(
  text: string,
  user: { readonly name: string; readonly uid: number },
): IdRange[] {
  return text.split("\n").flatMap((line) => {
    const match = /^([^:#]+):(\d{1,10}):(\d{1,10})\s*$/.exec(line);
    if (!match) return [];
    const [, owner, first, size] = match;
    if (owner !== user.name && owner !== String(user.uid)) return [];
    return Number(size) > 0
      ? [{ first: Number(first), size: Number(size) }]
      : [];
  });
}

/**
 * Finds the name of a user in the text of the host's passwd. Pure.
 *
 * @param passwd Text of `/etc/passwd`.
 * @param uid The user.
 * @returns The name; empty when there is none.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { nameOfUser } from "./user.ts";
 *
 * assertEquals(nameOfUser("ann:x:1000:1000::/home/ann:/bin/sh\n", 1000), "ann");
 * ```
 */
export function nameOfUser(passwd: string, uid: number): string {
  const line = passwd.split("\n").find((each) =>
    each.split(":")[2] === String(uid)
  );
  return line?.split(":")[0] ?? "";
}

function readText(path: string): string {
  try {
    const text = Deno.readTextFileSync(path);
    return text.length > MAX_TEXT ? "" : text;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return "";
  }
}

function isProgram(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return false;
  }
}

/**
 * Looks at the user of this process.
 *
 * @param uid Its effective user id, not 0.
 * @returns What it may use.
 *
 * @example
 * ```ts
 * import { probeUser } from "./user.ts";
 *
 * if (probeUser(65534).gid < 0) throw new Error("no group");
 * ```
 */
export function probeUser(uid: number): OrdinaryUser {
  const user = { uid, name: nameOfUser(readText("/etc/passwd"), uid) };
  return {
    gid: Deno.gid() ?? 0,
    subordinateUids: parseSubordinateIds(readText("/etc/subuid"), user),
    subordinateGids: parseSubordinateIds(readText("/etc/subgid"), user),
    hasMappers: Object.values(ID_MAPPERS).every(isProgram),
  };
}

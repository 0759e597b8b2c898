/**
 * Looks users and groups up in the container's own passwd and group files.
 * Pure. Their content is hostile input: sizes are bounded before, malformed
 * lines are skipped, digits always mean an id and never a name.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";

/** Largest passwd or group file that is read, in bytes. */
export const ACCOUNT_FILE_LIMIT = 4 * 1024 * 1024;
/** Largest id; 4294967295 means "no change" to the kernel. */
const MAX_ID = 4294967294;
const MAX_LINE = 65536;

/** Who a process runs as. */
export interface Identity {
  /** User id inside. */
  readonly uid: number;
  /** Group id inside. */
  readonly gid: number;
  /** Supplementary groups. */
  readonly groups: readonly number[];
  /** Home directory. */
  readonly home: string;
}

interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
}

interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/** Parses a decimal id; undefined when the text is not one, or out of range. */
function parseId(text: string): number | undefined {
  if (!/^[0-9]{1,10}$/.test(text)) return undefined;
  const id = Number(text);
  return id <= MAX_ID ? id : undefined;
}

function* linesOf(text: string): Generator<string[]> {
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("#") || line.length > MAX_LINE) continue;
    yield line.split(":");
  }
}

function* accounts(passwd: string): Generator<Account> {
  for (const fields of linesOf(passwd)) {
    const uid = parseId(fields[2] ?? "");
    const gid = parseId(fields[3] ?? "");
    if (!fields[0] || uid === undefined || gid === undefined) continue;
    yield { name: fields[0], uid, gid, home: fields[5] ?? "" };
  }
}

function* groupsOf(group: string): Generator<Group> {
  for (const fields of linesOf(group)) {
    const gid = parseId(fields[2] ?? "");
    if (!fields[0] || gid === undefined) continue;
    const members = (fields[3] ?? "").split(",").filter((name) => name !== "");
    yield { name: fields[0], gid, members };
  }
}

function find<T>(
  items: Iterable<T>,
  matches: (item: T) => boolean,
): T | undefined {
  for (const item of items) if (matches(item)) return item;
  return undefined;
}

function refuse(message: string): never {
  throw new ConfigError(message, [{ message, path: "user" }]);
}

function findAccount(name: string, passwd: string): Account {
  if (/^[0-9]+$/.test(name)) {
    const uid = parseId(name);
    if (uid === undefined) {
      refuse(`Cannot use user ${name}: ids go from 0 to ${MAX_ID}`);
    }
    // A number is never looked up as a name (CVE-2016-3697).
    return find(accounts(passwd), (account) => account.uid === uid) ??
      { name: "", uid, gid: 0, home: "/" };
  }
  return find(accounts(passwd), (account) => account.name === name) ?? refuse(
    `Cannot use user ${
      JSON.stringify(name)
    }: no matching entries in passwd file of the container; use a uid or add it to /etc/passwd inside`,
  );
}

function findGroup(name: string, groups: string): number {
  if (/^[0-9]+$/.test(name)) {
    return parseId(name) ??
      refuse(`Cannot use group ${name}: ids go from 0 to ${MAX_ID}`);
  }
  const found = find(groupsOf(groups), (group) => group.name === name);
  return found?.gid ?? refuse(
    `Cannot use group ${
      JSON.stringify(name)
    }: no matching entries in group file of the container; use a gid or add it to /etc/group inside`,
  );
}

/**
 * Resolves a user string and additional groups.
 *
 * @param user `user`, `uid`, `user:group`, `uid:gid` or a mix; empty is uid 0.
 * @param additional Groups added, by name or number.
 * @param files Text of passwd and group; empty when missing.
 * @returns The identity: without an explicit group, supplementary groups are those that list the user.
 * @throws {ConfigError} `ConfigInvalid` for an unknown name or an id out of range.
 *
 * @example
 * ```ts
 * import { resolveIdentity } from "./users.ts";
 *
 * const files = { passwd: "daemon:x:1:1::/usr/sbin:/bin/sh\n", group: "audio:x:29:daemon\n" };
 * const { uid, groups } = resolveIdentity("daemon", [], files);
 * if (uid !== 1 || groups[0] !== 29) throw new Error("wrong");
 * ```
 */
export function resolveIdentity(
  user: string,
  additional: readonly string[],
  files: { readonly passwd: string; readonly group: string },
): Identity {
  const parts = user.split(":");
  const [userPart = "", groupPart] = parts;
  if (
    parts.length > 2 || groupPart === "" || (userPart === "" && user !== "")
  ) {
    refuse(
      `Cannot use user ${
        JSON.stringify(user)
      }: write it as user, uid, user:group or uid:gid`,
    );
  }
  const account = findAccount(userPart === "" ? "0" : userPart, files.passwd);
  const gid = groupPart === undefined
    ? account.gid
    : findGroup(groupPart, files.group);
  const member = groupPart === undefined && account.name !== ""
    ? [...groupsOf(files.group)]
      .filter((group) => group.members.includes(account.name))
      .map((group) => group.gid)
    : [];
  const extra = additional.map((name) => findGroup(name, files.group));
  const groups = [...new Set([...member, ...extra])];
  if (groups.length > 1024) {
    refuse(
      `Cannot use user ${
        JSON.stringify(user)
      }: ${groups.length} supplementary groups, at most 1024 are served`,
    );
  }
  return { uid: account.uid, gid, groups, home: account.home || "/" };
}

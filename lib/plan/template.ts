/**
 * Plans of starts that differ in names alone.
 *
 * A program that starts many containers of one configuration plans the same each
 * time, but for the container's id, its mark and the descriptors of its streams.
 * So a Plan is made with signs in the place of these, and from then on they are
 * replaced.
 *
 * @module
 */
import type { Op, Plan } from "./ops.ts";
import type {
  FindUser,
  KnownUser,
  Placement,
  ProcessSpec,
  StartPlan,
  StdioSource,
} from "./types.ts";

/** What containers of one template differ in. */
export interface Names {
  /** The container's id. */
  readonly id: string;
  /** Name of its groups: the last part of their path. */
  readonly group: string;
  /** Its mark. */
  readonly alias: string;
  /** Directory of its record. */
  readonly stateDir: string;
  /** Descriptors that become 0, 1 and 2, where they are given. */
  readonly fds: readonly number[];
}

/** Characters of private use: neither ids nor anything else of a Plan may hold them. */
const SIGNS = {
  id: "\uE3A1",
  group: "\uE3A2",
  alias: "\uE3A3",
  stateDir: "\uE3A4",
} as const satisfies Record<Exclude<keyof Names, "fds">, string>;
const SIGN = /[\uE3A1-\uE3A4]/;
const SIGN_SPLIT = /([\uE3A1-\uE3A4])/;

const BY_SIGN: ReadonlyMap<string, keyof typeof SIGNS> = new Map(
  Object.entries(SIGNS).map(([name, sign]) => [
    sign,
    name as keyof typeof SIGNS,
  ]),
);

/** The descriptors that stand for those of the streams. */
const FIRST_FD = 0x3a10_0000;
const STREAMS = ["stdin", "stdout", "stderr"] as const;

/** Whether a text holds a sign. */
export function hasSign(text: string): boolean {
  return SIGN.test(text);
}

/** A text in pieces: what stands between signs, and the names that they stand for. */
export type Pieces =
  readonly (string | { readonly name: keyof typeof SIGNS })[];

/** Takes a text with signs apart. */
export function piecesOf(text: string): Pieces {
  return text.split(SIGN_SPLIT).filter((piece) => piece !== "")
    .map((piece) => {
      const name = BY_SIGN.get(piece);
      return name === undefined ? piece : { name };
    });
}

/** Puts names in. */
export function joinPieces(pieces: Pieces, names: Names): string {
  let text = "";
  for (const piece of pieces) {
    text += typeof piece === "string" ? piece : names[piece.name];
  }
  return text;
}

/** Which of the streams a descriptor stands for; undefined for any other number. */
export function streamOf(value: number | bigint): number | undefined {
  const stream = Number(value) - FIRST_FD;
  return stream >= 0 && stream < STREAMS.length ? stream : undefined;
}

function cutPath(path: string): [parent: string, name: string] {
  const cut = path.lastIndexOf("/") + 1;
  return [path.slice(0, cut), path.slice(cut)];
}

/** A start and the user that was known when it was planned. */
export interface Template {
  /** The start, with signs. */
  readonly start: StartPlan;
  /** What was asked about users, and the answer. */
  readonly asked: readonly {
    readonly user: string;
    readonly groups: readonly string[];
    readonly found: KnownUser | undefined;
  }[];
}

/**
 * Tells what a start shares with others of its configuration and machine.
 *
 * @param process Its first process.
 * @param placement Where it is made.
 * @returns A text that is the same for those; undefined for a start that has
 * more of its own than names.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { templateKey } from "./template.ts";
 *
 * const stdio = { stdin: "inherit", stdout: "inherit", stderr: "inherit" } as const;
 * const process = { args: ["/bin/sh"], env: [], user: "", cwd: "", tty: true, stdio };
 * const placement = {
 *   id: "demo",
 *   stateDir: "/run/nsinit/demo",
 *   directory: "",
 *   cgroupPath: "nsinit/demo",
 *   protect: [],
 *   hostInterfaceNames: [],
 *   alias: "nsinit:demo",
 * };
 * assertEquals(templateKey(process, placement), undefined);
 * assertEquals(typeof templateKey({ ...process, tty: false }, placement), "string");
 * ```
 */
export function templateKey(
  process: ProcessSpec,
  placement: Placement,
): string | undefined {
  const {
    id: _id,
    stateDir: _stateDir,
    alias: _alias,
    filter: _filter,
    findUser: _findUser,
    cgroupPath,
    directory,
    protect,
    hostInterfaceNames,
    hasAnchor = false,
    canRecordFirst = false,
    ...others
  } = placement;
  const { stdio, extraFiles = [], ...rest } = process;
  const isPlain = Object.keys(others).length === 0 && directory === "" &&
    protect.length + hostInterfaceNames.length + extraFiles.length === 0 &&
    !process.tty;
  if (!isPlain) return undefined;
  const [parent] = cutPath(cgroupPath);
  const given = STREAMS.map((stream) => stdio[stream] !== "inherit");
  return JSON.stringify(
    [parent, hasAnchor, canRecordFirst, given, rest],
    (_, value) => typeof value === "bigint" ? `${value}n` : value,
  );
}

/** The names of a start. */
export function namesOf(process: ProcessSpec, placement: Placement): Names {
  const { id, alias, stateDir, cgroupPath } = placement;
  const [, group] = cutPath(cgroupPath);
  const fds = STREAMS.map((stream) => {
    const source = process.stdio[stream];
    return source === "inherit" ? -1 : source.fd;
  });
  return { id, group, alias, stateDir, fds };
}

/**
 * Makes a template of a start that has a key.
 *
 * @param process Its first process.
 * @param placement Where it is made.
 * @param build Plans a start.
 * @returns The template.
 */
export function makeTemplate(
  process: ProcessSpec,
  placement: Placement,
  build: (process: ProcessSpec, placement: Placement) => StartPlan,
): Template {
  const asked: Template["asked"][number][] = [];
  const { findUser, cgroupPath } = placement;
  const [parent] = cutPath(cgroupPath);
  const ask: FindUser = (user, groups) => {
    const found = findUser?.(user, groups);
    asked.push({ user, groups, found });
    return found;
  };
  const signOf = (source: StdioSource, index: number): StdioSource =>
    source === "inherit" ? source : { fd: FIRST_FD + index };
  const { stdin, stdout, stderr } = process.stdio;
  const start = build({
    ...process,
    stdio: {
      stdin: signOf(stdin, 0),
      stdout: signOf(stdout, 1),
      stderr: signOf(stderr, 2),
    },
  }, {
    ...placement,
    id: SIGNS.id,
    cgroupPath: parent + SIGNS.group,
    alias: SIGNS.alias,
    stateDir: SIGNS.stateDir,
    ...(findUser && { findUser: ask }),
  });
  return { start, asked };
}

/** Whether what is known of users is what it was when a template was made. */
export function knowsTheSame(
  { asked }: Template,
  { findUser }: Placement,
): boolean {
  return asked.every(({ user, groups, found }) =>
    findUser?.(user, groups) === found
  );
}

function fillValue(value: unknown, names: Names): unknown {
  if (typeof value === "string") {
    return hasSign(value) ? joinPieces(piecesOf(value), names) : value;
  }
  if (typeof value === "number" || typeof value === "bigint") {
    const stream = streamOf(value);
    return stream === undefined ? value : names.fds[stream];
  }
  if (Array.isArray(value)) return value.map((item) => fillValue(item, names));
  if (typeof value !== "object" || value === null) return value;
  if (value instanceof Uint8Array) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, fillValue(item, names)]),
  );
}

/** Puts names into what is recorded of a start. */
export function fillResources(
  { start }: Template,
  names: Names,
): StartPlan["resources"] {
  return fillValue(start.resources, names) as StartPlan["resources"];
}

/** Puts names into operations: what a template stands for. */
export function fillPlan({ start }: Template, names: Names): Plan {
  const fill = <T extends Op>(list: readonly T[]): T[] =>
    fillValue(list, names) as T[];
  const { parent, child, undo } = start.plan;
  return { parent: fill(parent), child: fill(child), undo: fill(undo) };
}

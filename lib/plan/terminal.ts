/**
 * Standard streams and the terminal.
 *
 * @module
 */
import type { Config } from "../config/types.ts";
import { isMapped } from "./id_maps.ts";
import { type ChildOp, type Op, type ParentOp, SLOTS } from "./ops.ts";
import { encodeSlots, SlotAllocator } from "./slots.ts";
import type { ProcessSpec } from "./types.ts";

/** Configuration that terminals depend on. */
type TerminalConfig = Pick<Config, "mounts" | "namespaces" | "gidMappings">;

/** What the streams add to a Plan. */
export interface TerminalPart {
  /** Parent: takes the caller's descriptors. */
  readonly parent: readonly ParentOp[];
  /** Slots that the child needs. */
  readonly slots: readonly number[];
  /** Child: opens the terminal, when the root's devpts is there. */
  readonly open: readonly ChildOp[];
  /** Child: covers `/dev/console` with it. */
  readonly console: readonly ChildOp[];
  /** Child: fills descriptors 0 to 2. */
  readonly streams: readonly ChildOp[];
  /** Child: closes all other descriptors, those of extra files taking the numbers from 3 on. */
  readonly close: readonly ChildOp[];
  /** Child, as leader of its session: makes descriptor 0 the controlling terminal. */
  readonly control: readonly ChildOp[];
}

const STREAM_COUNT = 3;

/** Extra files: taken, sent, and placed when everything else is closed. */
interface ExtraPart {
  readonly parent: readonly ParentOp[];
  readonly slots: readonly number[];
  readonly close: readonly ChildOp[];
}

function planExtraFiles(
  { extraFiles = [] }: ProcessSpec,
  allocator: SlotAllocator,
): ExtraPart {
  const files = extraFiles.map((fd) => ({ fd, slot: allocator.take() }));
  const slots = files.map(({ slot }) => slot);
  const place: ChildOp = { op: "fds.place", slots: encodeSlots(slots) };
  return {
    parent: files.map(({ fd, slot }, index) => ({
      op: "fd.use",
      slot,
      fd,
      note: `descriptor ${STREAM_COUNT + index}`,
    })),
    slots,
    close: [
      ...(slots.length > 0 ? [place] : []),
      { op: "fds.close", keep: STREAM_COUNT - 1 + slots.length },
    ],
  };
}

/**
 * The group that terminals belong to: what the container's own devpts says, if
 * there is such a group inside.
 */
function terminalGroup(
  { mounts, namespaces, gidMappings }: TerminalConfig,
): number | undefined {
  const hasOwn = namespaces.some(({ type, path }) => type === "NEWNS" && !path);
  const devpts = mounts.findLast(({ device, destination }) =>
    device === "devpts" && destination.replace(/\/+$/, "") === "/dev/pts"
  );
  const [, group] = /(?:^|,)gid=(\d+)(?:,|$)/.exec(devpts?.data ?? "") ?? [];
  if (!hasOwn || group === undefined) return undefined;
  const isUser = namespaces.some(({ type, path }) =>
    type === "NEWUSER" && !path
  );
  const gid = Number(group);
  return !isUser || isMapped(gidMappings, gid) ? gid : undefined;
}

/** As after a login: the user's, and of the group of terminals, which may write to it. */
function ownOp(config: TerminalConfig): ChildOp {
  const gid = terminalGroup(config);
  return gid === undefined
    ? { op: "tty.own", gid: -1, mode: 0o600 }
    : { op: "tty.own", gid, mode: 0o620 };
}

function openOp(
  { terminalSize, plainNewlines }: ProcessSpec,
): Op<"tty.open"> {
  return {
    op: "tty.open",
    flags: plainNewlines ? 1 : 0,
    rows: terminalSize?.rows ?? 0,
    columns: terminalSize?.columns ?? 0,
    uid: 0,
    gid: 0,
    mode: 0o600,
  };
}

/**
 * Plans standard streams and terminal. Pure.
 *
 * @param process The process.
 * @param config The configuration: which group terminals have.
 * @param slots Numbers for extra files.
 * @returns The operations.
 * @throws {ConfigError} `ConfigInvalid` for too many extra files.
 *
 * @example A pipe for stdout, the caller's own stdin and stderr
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { planTerminal } from "./terminal.ts";
 *
 * const part = planTerminal({
 *   args: ["ls"],
 *   env: [],
 *   user: "",
 *   cwd: "",
 *   tty: false,
 *   stdio: { stdin: "inherit", stdout: { fd: 12 }, stderr: "inherit" },
 * }, defaultConfig("/srv/root"));
 * assertEquals(part.streams, [
 *   { op: "stdio.set", flags: 0, stdin: -1, stdout: 1, stderr: -1 },
 *   { op: "stdio.own" },
 * ]);
 * ```
 */
export function planTerminal(
  process: ProcessSpec,
  config: TerminalConfig,
  slots: SlotAllocator = new SlotAllocator(),
): TerminalPart {
  const extra = planExtraFiles(process, slots);
  const part = process.tty
    ? ownTerminal(process, config)
    : givenStreams(process);
  return {
    ...part,
    parent: [...part.parent, ...extra.parent],
    slots: [...part.slots, ...extra.slots],
    close: extra.close,
  };
}

function ownTerminal(
  process: ProcessSpec,
  config: TerminalConfig,
): Omit<TerminalPart, "close"> {
  const none = { stdin: -1, stdout: -1, stderr: -1 };
  return {
    parent: [],
    slots: [],
    open: [openOp(process)],
    console: [{ op: "tty.console", path: "/dev/console" }],
    streams: [ownOp(config), { op: "stdio.set", flags: 1, ...none }],
    control: [{ op: "tty.control" }],
  };
}

function givenStreams(
  { stdio }: ProcessSpec,
): Omit<TerminalPart, "close"> {
  const given = (["stdin", "stdout", "stderr"] as const).flatMap((name) => {
    const source = stdio[name];
    if (source === "inherit") return [];
    return [{ name, slot: SLOTS[name], fd: source.fd }];
  });
  const slotOf = (name: "stdin" | "stdout" | "stderr"): number =>
    given.some((stream) => stream.name === name) ? SLOTS[name] : -1;
  return {
    parent: given.map(({ name, slot, fd }) => ({
      op: "fd.use",
      slot,
      fd,
      note: name,
    })),
    slots: given.map(({ slot }) => slot),
    open: [],
    console: [],
    control: [],
    streams: [{
      op: "stdio.set",
      flags: 0,
      stdin: slotOf("stdin"),
      stdout: slotOf("stdout"),
      stderr: slotOf("stderr"),
    }, { op: "stdio.own" }],
  };
}

/**
 * Keeps what was decided for a command line, so that the launcher
 * (`c/launcher.c`) can start the same container again without this program.
 *
 * Kept is what is seen twice, simple and certain: everything is decided once
 * more between two looks at its facts, which must be equal. The file is for the
 * superuser alone. What is not kept takes the usual road the next time.
 *
 * @module
 */
import { encodePlan } from "../../ffi/encode_plan.ts";
import {
  encodeMarks,
  encodeStart,
  type KeptItem,
} from "../../ffi/encode_start.ts";
import { encodeUser, type PlanRun } from "../../ffi/plan_run.ts";
import { hashOf } from "../../ffi/state_files.ts";
import { probeHost } from "../host/probe.ts";
import type { Host } from "../host/types.ts";
import { type Op, OPS, type Plan, SLOTS } from "../plan/ops.ts";
import type { StartPlan } from "../plan/types.ts";
import { monitorPlan } from "./attach.ts";
import { collectFacts } from "./kept_facts.ts";
import {
  escaped,
  ifItCan,
  launcherPath,
  listText,
  LONGEST_PID,
  LONGEST_START,
  NO_INODES,
  tokenText,
  writeKept,
} from "./kept_text.ts";
import { markerContent, markerMode, markerStages } from "./markers.ts";
import { dumpedFile, undoOf } from "./recover.ts";
import type { ExecRequest, KeepRequest } from "./request.ts";
import {
  cgroupPathsOf,
  initialState,
  markersOf,
  planStart,
  settleForUser,
  type StartRequest,
  withMarkers,
} from "./start.ts";
import { statePlace, stateText } from "./store.ts";
import type { StoredState } from "./store_types.ts";
import { resolveIdentity } from "./users.ts";

/** Digits at the end of a hash that name its file. */
const NAME_DIGITS = 2;
const NO_PIDFD = 3;
const NO_LOCK = 4;

/** Operations that name what only this program has. */
const OWN_DESCRIPTORS: ReadonlySet<string> = new Set([
  "fd.use",
  "anchor.open",
]);
/** What the launcher does where this program has to decide otherwise. */
const DECIDED: ReadonlySet<string> = new Set(["user.resolve", "state.save"]);

/** A start that may be kept. */
export interface KeptStart {
  /** State directory, locked and empty. */
  readonly dir: string;
  /** Makes the request once more, from the files as they are. */
  readonly again: () => Promise<StartRequest>;
  /** What the monitor says. */
  readonly ending: {
    readonly message: string;
    readonly warning: string;
    readonly notice: string;
  };
}

/** What was decided, but for who the user is: that is known when the start has succeeded. */
export interface Keeping {
  /** Hash of the command line. */
  readonly hash: string;
  /** The items so far. */
  readonly items: readonly KeptItem[];
  /** The Plan that is among them; absent where the start is never kept. */
  readonly plan?: Plan;
}

function keyOf({ args, cwd }: KeepRequest): string {
  return listText([...args, cwd]);
}

/** Whether nothing is in a start but what the launcher knows. */
function isSimple({ plan, resources }: StartPlan): boolean {
  return resources.cgroups.length > 0 && resources.interfaces.length === 0 &&
    resources.place === undefined &&
    resources.poststop !== true &&
    plan.parent.every(({ op }) =>
      OPS[op].by === "c" ? !OWN_DESCRIPTORS.has(op) : DECIDED.has(op)
    );
}

/** The part of a mark that is random. */
function markIn(state: StoredState): string {
  const owner = state.resources.cgroups[0]?.owner ?? "";
  const mark = /:([0-9a-f]{16})$/.exec(owner)?.[1];
  if (mark === undefined) throw new TypeError("It has no mark");
  return mark;
}

function planItems(
  kind: "plan" | "undo" | "monitor",
  plan: Plan,
  mark: string,
): KeptItem[] {
  const data = encodePlan(plan);
  return [{ kind, data }, { kind: "marks", data: encodeMarks(data, mark) }];
}

/** Values of a state that differ from start to start, and what stands for them. */
function withTokens(state: StoredState): StoredState {
  return {
    ...state,
    created: escaped("created"),
    owner: { pid: LONGEST_PID - 1, startTime: escaped("ownerStart") },
  };
}

function runningState(state: StoredState): StoredState {
  return {
    ...state,
    phase: "running",
    pid: LONGEST_PID,
    startTime: escaped("start"),
  };
}

/** States, and what is undone after each. */
interface States {
  readonly before: StoredState;
  readonly marked: StoredState;
  readonly running: StoredState;
}

function statesOf(request: StartRequest, start: StartPlan): States {
  const before = withTokens(initialState(request, start));
  const dir = request.directory ?? "";
  const markers = markersOf(request)
    .map((name, at) => ({ dir, name, inode: NO_INODES[at] ?? "" }));
  const marked = markers.length === 0 ? before : withMarkers(before, markers);
  return { before, marked, running: runningState(marked) };
}

function stateItems({ before, marked, running }: States): KeptItem[] {
  const mark = markIn(before);
  const texts = [before, marked, running].map(stateText);
  const [{ head: one, tail } = { head: "", tail: "" }, two, three] = texts;
  if (tail.includes("\\u0001") || tail.includes(mark)) {
    throw new TypeError("It says what stands for something else");
  }
  const textOf = (text: string): string => tokenText(text, mark);
  return [
    { kind: "before", data: textOf(one) },
    { kind: "marked", data: textOf(two?.head ?? "") },
    { kind: "running", data: textOf(three?.head ?? "") },
    { kind: "tail", data: tail },
  ];
}

function markerItems(
  request: StartRequest,
  state: StoredState,
): KeptItem[] {
  const names = markersOf(request);
  if (names.length === 0) return [];
  const facts = {
    pid: LONGEST_PID,
    startTime: escaped("start"),
    cgroupPaths: cgroupPathsOf(state),
  };
  const words = [
    request.directory ?? "",
    ...names.flatMap((name) => [
      name,
      ...markerStages(name),
      markerMode(name).toString(8),
    ]),
  ];
  const contents = names.map((name) => markerContent(name, facts));
  return [
    { kind: "marker", data: listText(words) },
    { kind: "content", data: tokenText(listText(contents), markIn(state)) },
  ];
}

function accountFile(
  run: PlanRun,
  slot: number,
): Uint8Array<ArrayBuffer> | undefined {
  const fd = run.slot(slot);
  return fd === undefined
    ? undefined
    : Deno.readFileSync(`/proc/self/fd/${fd}`);
}

/** Who the user was, and the files that said so. */
function userItems(plan: Plan, run: PlanRun): KeptItem[] {
  const op = plan.parent.find((op): op is Op<"user.resolve"> =>
    op.op === "user.resolve"
  );
  if (op === undefined) return [];
  const passwd = accountFile(run, SLOTS.passwd);
  const group = accountFile(run, SLOTS.group);
  const textOf = (bytes: Uint8Array<ArrayBuffer> | undefined): string =>
    bytes === undefined ? "" : new TextDecoder().decode(bytes);
  const identity = resolveIdentity(op.user, op.groups, {
    passwd: textOf(passwd),
    group: textOf(group),
  });
  return [
    ...passwd === undefined ? [] : [{ kind: "passwd", data: passwd } as const],
    ...group === undefined ? [] : [{ kind: "group", data: group } as const],
    { kind: "user", data: encodeUser(identity) },
  ];
}

function startItems(
  request: StartRequest,
  start: StartPlan,
  { dir, ending }: KeptStart,
  isDetached: boolean,
): KeptItem[] {
  const states = statesOf(request, start);
  const mark = markIn(states.before);
  const dumped = dumpedFile({ pid: LONGEST_PID, startTime: LONGEST_START });
  const monitor = monitorPlan({
    ...ending,
    pidfd: NO_PIDFD,
    master: -1,
    attachment: request.attachment,
    undo: undoOf(states.running, {
      stateDir: dir,
      lockFd: NO_LOCK,
      unless: dumped,
    }),
  });
  const undo = undoOf(states.marked, { stateDir: dir });
  const { root, id } = statePlace(dir);
  return [
    { kind: "root", data: `${root}\0` },
    { kind: "id", data: `${id}\0` },
    ...isDetached ? [{ kind: "detached", data: "" } as const] : [],
    ...planItems("plan", start.plan, mark),
    ...planItems("undo", { parent: [], child: [], undo }, mark),
    ...planItems("monitor", monitor, mark),
    ...stateItems(states),
    ...markerItems(request, states.running),
  ];
}

/** Whether a Plan that is made twice is the same but for its mark. */
function isRepeatable(
  request: StartRequest,
  one: StartPlan,
  other: StartPlan,
): boolean {
  const [a, b] = [one, other].map((start) => {
    const mark = markIn(initialState(request, start));
    return new TextDecoder("latin1").decode(encodePlan(start.plan))
      .replaceAll(mark, "");
  });
  return a === b;
}

function sameItems(a: readonly KeptItem[], b: readonly KeptItem[]): boolean {
  const [one, other] = [a, b].map((items) => hashOf(encodeStart(0n, items)));
  return a.length === b.length && one === other;
}

/** What is kept of a command line that is not simple: that it is not. */
const NEVER: KeptItem = { kind: "never", data: "" };

/** Everything but the user, decided between two looks at the facts. */
async function decide(
  request: ExecRequest,
  kept: KeptStart,
): Promise<Omit<Keeping, "hash"> | undefined> {
  const host: Host = probeHost();
  const { rootfs } = await request.loadConfig();
  const look = (): KeptItem[] => {
    const { hierarchies } = host.cgroup;
    return collectFacts(request, rootfs, hierarchies, launcherPath("nsinit"));
  };
  const facts = look();
  const settled = settleForUser(await kept.again(), host);
  const start = await planStart(settled, kept.dir, host);
  if (!isSimple(start) || markersOf(settled).length > NO_INODES.length) {
    return { items: [...facts, NEVER] };
  }
  const second = await planStart(settled, kept.dir, host);
  if (!isRepeatable(settled, start, second)) {
    return { items: [...facts, NEVER] };
  }
  const items = startItems(settled, start, kept, request.detach);
  if (!sameItems(facts, look())) return undefined;
  return { items: [...facts, ...items], plan: start.plan };
}

/** Whether the configuration can be read more than once: a pipe would be emptied. */
function isReadAgain({ configPath }: ExecRequest): boolean {
  if (configPath === undefined) return true;
  try {
    return Deno.statSync(configPath).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Decides once more what a start will do, so that it can be kept.
 *
 * @param request What was asked, with a wish to keep it.
 * @param kept The start, which has not begun.
 * @returns What is to be kept; undefined when it cannot be told.
 *
 * @example
 * ```ts ignore
 * const keeping = await prepareKeeping(request, { dir, again, ending });
 * ```
 */
export async function prepareKeeping(
  request: ExecRequest,
  kept: KeptStart,
): Promise<Keeping | undefined> {
  const { keep } = request;
  if (keep === undefined || keep.hasWarned()) return undefined;
  const { hash } = keep;
  const key = keyOf(keep);
  // Whose variable it is decides nothing: it must be the hash of this command line.
  if (hashOf(new TextEncoder().encode(key)) !== hash) return undefined;
  if (!isReadAgain(request)) return undefined;
  const decided = await ifItCan(() => decide(request, kept));
  if (decided === undefined || keep.hasWarned()) return undefined;
  const { items } = decided;
  return { ...decided, hash, items: [{ kind: "key", data: key }, ...items] };
}

/**
 * Keeps a start that has succeeded.
 *
 * @param keeping What was decided.
 * @param run Its execution, with the account files of the container in their slots.
 */
export async function finishKeeping(
  { hash, items, plan }: Keeping,
  run: PlanRun,
): Promise<void> {
  await ifItCan(() => {
    const user = plan === undefined ? [] : userItems(plan, run);
    const bytes = encodeStart(BigInt(`0x${hash}`), [...items, ...user]);
    writeKept(hash.slice(-NAME_DIGITS), bytes);
    return Promise.resolve();
  });
}

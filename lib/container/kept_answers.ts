/**
 * Leaves for the launcher what an engine will ask of a container that was
 * created: its state, its start, signals, and its removal (`c/kept_oci.c`).
 *
 * It holds as long as nobody writes the record. What is not left is done by this
 * program.
 *
 * @module
 */
import { decodeReport, type Report } from "../../ffi/decode_report.ts";
import { encodePlan } from "../../ffi/encode_plan.ts";
import { encodeStart, type KeptItem } from "../../ffi/encode_start.ts";
import { hashOf } from "../../ffi/state_files.ts";
import { freezerWrite } from "../plan/cgroup/freezer.ts";
import { OPS, type Plan } from "../plan/ops.ts";
import { fileFact, versionOf } from "./kept_facts.ts";
import {
  escaped,
  ifItCan,
  launcherPath,
  listText,
  LONGEST_PID,
  tokenText,
  writeKept,
} from "./kept_text.ts";
import { undoOf } from "./recover.ts";
import { STATE_FILE, statePlace, stateText } from "./store.ts";
import type { StoredState } from "./store_types.ts";

export type { Report };

/** Digits at the end of a hash that name the file of a container. */
const NAME_DIGITS = 3;
/** Variable by which the launcher tells how a start has failed. */
const FAILED = "NSINIT_FAILED";
const REPORT_DIGITS = 80;

/** Stands in an answer for the pid. */
export const ANSWER_PID: number = LONGEST_PID;
/** Stands in an answer for what the container is doing. */
export const ANSWER_STATUS: string = escaped("status");

/** What can be asked of a container that waits to be started. */
export interface Answers {
  /** Its state directory, locked. */
  readonly dir: string;
  /** Its record, as written. */
  readonly state: StoredState;
  /** Lets it go on. */
  readonly release: Plan;
  /** What its state is, with what stands for pid and status. */
  readonly answer: string;
}

/** Whether nothing is to be done on its way that only this program can do. */
function isSimple({ state, release }: Answers): boolean {
  const { config, cgroupDriver, oci, resources } = state;
  const hooks = Object.values(config.hooks ?? {});
  return cgroupDriver === undefined && oci?.tellsReady !== true &&
    resources.cgroups.length > 0 && resources.interfaces.length === 0 &&
    resources.place === undefined &&
    hooks.every((list) => !Array.isArray(list) || list.length === 0) &&
    state.namespaces.includes("NEWPID") &&
    release.parent.every(({ op }) => OPS[op].by === "c" || op === "state.save");
}

/** What the freezers say of a container that is not paused; nothing where there are too many. */
function thawedItems({ resources: { cgroups } }: StoredState): KeptItem[] {
  const [first = "", other = "", ...more] = cgroups
    .filter(({ version, controllers }) =>
      version === 2 || controllers.includes("freezer")
    )
    .map(({ version, path }) => {
      const { file } = freezerWrite("FROZEN", version);
      return `${path}/${file}\0${version === 1 ? "THAWED" : "0"}\n`;
    });
  if (first === "" || more.length > 0) return [];
  return [
    { kind: "thawed", data: first },
    { kind: "alsoThawed", data: other },
  ];
}

function itemsOf({ dir, state, release, answer }: Answers): KeptItem[] {
  const { process: _, ...rest } = state;
  const running = stateText({
    ...rest,
    phase: "running",
    owner: { pid: LONGEST_PID - 1, startTime: escaped("ownerStart") },
  });
  const undo = undoOf(state, { stateDir: dir });
  const record = versionOf(`${dir}/${STATE_FILE}`, `${dir}/${STATE_FILE}`);
  if (running.tail.includes("\\u0001")) {
    throw new TypeError("It says what stands for something else");
  }
  return [
    versionOf(launcherPath("nsinit-oci"), "/proc/self/exe"),
    fileFact("/proc/sys/kernel/random/boot_id"),
    { ...record, kind: "record" },
    { kind: "process", data: listText([String(state.pid), state.startTime]) },
    { kind: "held", data: "" },
    { kind: "answer", data: tokenText(`${answer}\n`) },
    ...thawedItems(state),
    { kind: "plan", data: encodePlan(release) },
    { kind: "undo", data: encodePlan({ parent: [], child: [], undo }) },
    { kind: "running", data: tokenText(running.head) },
    { kind: "tail", data: running.tail },
  ];
}

/**
 * Leaves the answers, if the launcher can give them.
 *
 * @param answers What can be asked.
 *
 * @example
 * ```ts ignore
 * await keepAnswers({ dir: locked.dir, state, release, answer });
 * ```
 */
export async function keepAnswers(answers: Answers): Promise<void> {
  if (Deno.uid() !== 0 || !isSimple(answers)) return;
  await ifItCan(() => {
    const { root, id } = statePlace(answers.dir);
    const key = listText([root, id]);
    const hash = hashOf(new TextEncoder().encode(key));
    const items: KeptItem[] = [{ kind: "key", data: key }, ...itemsOf(answers)];
    const bytes = encodeStart(BigInt(`0x${hash}`), items);
    writeKept(`c${hash.slice(-NAME_DIGITS)}`, bytes);
    return Promise.resolve();
  });
}

/**
 * How the launcher says that a program could not be executed that it has let go.
 *
 * @returns The report of the process inside; undefined when there is none.
 */
export function failedStart(): Report | undefined {
  const text = Deno.env.get(FAILED) ?? "";
  if (text.length !== REPORT_DIGITS || !/^[0-9a-f]+$/.test(text)) {
    return undefined;
  }
  const bytes = Uint8Array.from(
    text.match(/../g) ?? [],
    (digits) => parseInt(digits, 16),
  );
  return decodeReport(new DataView(bytes.buffer));
}

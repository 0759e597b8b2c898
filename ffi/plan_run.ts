/**
 * Executions of Plans.
 *
 * @module
 */
import type { Plan } from "../lib/plan/ops.ts";
import { decodeReport, errorOf } from "./decode_report.ts";
import { encodePlan, type Fault } from "./encode_plan.ts";
import { ACCOUNTS, REPORT, USER } from "./layout.ts";
import { library } from "./library.ts";
import { noteTurn } from "./turns.ts";
import { cString, unwrap } from "./native.ts";

/** Identity that `user.apply` takes on. */
export interface UserRecord {
  /** User id inside, 0 to 4294967294. */
  readonly uid: number;
  /** Group id inside. */
  readonly gid: number;
  /** Supplementary group ids; at most 1024. */
  readonly groups: readonly number[];
  /** Home directory, for HOME. */
  readonly home: string;
}

/**
 * Packs a user record as `struct nsi_user`.
 *
 * @param user The record.
 * @returns The bytes, as the payload of the release of point `user`.
 * @throws {RangeError} If there are more than 1024 groups or home is too long.
 *
 * @example
 * ```ts
 * import { encodeUser } from "./plan_run.ts";
 *
 * encodeUser({ uid: 1, gid: 1, groups: [], home: "/" });
 * ```
 */
export function encodeUser(user: UserRecord): Uint8Array<ArrayBuffer> {
  const home = cString(user.home);
  if (user.groups.length > USER.groupsMax || home.length > USER.homeMax) {
    throw new RangeError(
      `Cannot pack user ${user.uid}: more than ${USER.groupsMax} groups or a home longer than ${USER.homeMax} bytes`,
    );
  }
  const bytes = new Uint8Array(USER.home + home.length);
  const view = new DataView(bytes.buffer);
  view.setUint32(USER.uid, user.uid, true);
  view.setUint32(USER.gid, user.gid, true);
  view.setUint32(USER.groupCount, user.groups.length, true);
  view.setUint32(USER.homeLength, home.length - 1, true);
  user.groups.forEach((group, index) =>
    view.setUint32(USER.groups + 4 * index, group, true)
  );
  bytes.set(home, USER.home);
  return bytes;
}

/** `NSI_LATER`. */
const LATER = 0x4000_0000;

interface RunLayout {
  readonly size: number;
  readonly reportOffset: number;
  readonly payloadOffset: number;
}

let runLayout: RunLayout | undefined;

function layoutOfRun(): RunLayout {
  if (runLayout) return runLayout;
  const sizes = new Uint32Array(9);
  unwrap(
    library().nsi_sizes(new Uint8Array(sizes.buffer), sizes.length),
    "read the library's layout",
  );
  const [, , , , size = 0, reportOffset = 0, , , payloadOffset = 0] = sizes;
  return runLayout = { size, reportOffset, payloadOffset };
}

/** A Plan that was packed before. */
export interface PackedPlan {
  /** As C takes it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** The Plan that it was packed from. */
  readonly plan: () => Plan;
}

/**
 * One execution of a Plan. Owns descriptors until {@linkcode PlanRun.close}.
 */
export class PlanRun {
  #plan: () => Plan;
  #packed: Uint8Array<ArrayBuffer>;
  readonly #run: Uint8Array<ArrayBuffer>;
  readonly #report: DataView;
  readonly #lib = library();
  #fault: Fault | undefined;

  /**
   * Packs the Plan and makes it ready; nothing is executed yet.
   *
   * @param plan The Plan.
   * @param fault An operation that is to fail, for tests.
   * @param packed The same, packed before: its `plan` is asked for when an error is to be worded.
   */
  constructor(plan: Plan, fault?: Fault, packed?: PackedPlan) {
    const { size, reportOffset } = layoutOfRun();
    this.#plan = packed?.plan ?? (() => plan);
    this.#fault = fault;
    this.#packed = packed?.bytes ?? encodePlan(plan, fault);
    this.#run = new Uint8Array(size);
    this.#report = new DataView(this.#run.buffer, reportOffset, REPORT.size);
    unwrap(
      this.#lib.nsi_run_init(
        this.#run,
        size,
        this.#packed,
        this.#packed.length,
      ),
      "read the packed Plan",
    );
  }

  /**
   * Goes on with a further Plan for the same child, which is parked.
   *
   * @throws {KernelError} `SystemError` if the Plan cannot be read; the run is as before.
   */
  continueWith(plan: Plan, fault?: Fault): void {
    const packed = encodePlan(plan, fault);
    unwrap(
      this.#lib.nsi_run_continue(this.#run, packed, packed.length),
      "read the packed Plan",
    );
    this.#plan = () => plan;
    this.#packed = packed;
    this.#fault = fault;
  }

  #check(result: number): void {
    if (result >= 0) return;
    const payload = this.#run.subarray(layoutOfRun().payloadOffset);
    throw errorOf(this.#plan(), decodeReport(this.#report, payload));
  }

  /** For operations that TypeScript does: throws the injected failure of one, as C does for its own. */
  failIfInjected(index: number): void {
    const fault = this.#fault;
    if (fault?.list !== "parent" || fault.index !== index) return;
    throw errorOf(this.#plan(), { ...fault, detail: "", value: 0n });
  }

  /**
   * Executes parent operations `from` up to, not including, `to`; blocks.
   *
   * @returns `to`, or the operation at which it stopped: that is the caller's to do.
   */
  parent(from: number, to: number): number {
    const result = this.#lib.nsi_run_parent(this.#run, from, to);
    this.#check(result);
    return result === 0 ? to : result - 1;
  }

  /**
   * As {@linkcode PlanRun.parent}, but gives up when the process inside has been
   * waited for so long: what was begun is then taken up again by another call.
   *
   * @param ms How long at most, in milliseconds.
   * @returns How far it came, and whether the time was too short.
   */
  parentWithin(
    from: number,
    to: number,
    ms: number,
  ): { readonly at: number; readonly isLate: boolean } {
    const result = this.#lib.nsi_run_parent_within(this.#run, from, to, ms);
    this.#check(result);
    if (result === 0) return { at: to, isLate: false };
    const isLate = result >= LATER;
    return { at: isLate ? result - LATER : result - 1, isLate };
  }

  /** As {@linkcode PlanRun.parent}, on another thread. One call at a time. */
  async parentAsync(from: number, to: number): Promise<number> {
    const result = await this.#lib.nsi_run_parent_async(this.#run, from, to);
    noteTurn();
    this.#check(result);
    return result === 0 ? to : result - 1;
  }

  /** Identities and states of the passwd and group files that the process inside has given. */
  accounts(): Uint8Array<ArrayBuffer> {
    const out = new Uint8Array(ACCOUNTS.size);
    unwrap(
      this.#lib.nsi_run_accounts(this.#run, out),
      "look at the account files inside",
    );
    return out;
  }

  /** Lets the child go on from `point`. */
  release(point: number, payload: Uint8Array<ArrayBuffer>): void {
    unwrap(
      this.#lib.nsi_run_release(this.#run, point, payload, payload.length),
      "release the process inside",
    );
  }

  /** Descriptor in a slot, owned by the run; undefined when empty. */
  slot(slot: number): number | undefined {
    const fd = this.#lib.nsi_run_slot(this.#run, slot);
    return fd < 0 ? undefined : fd;
  }

  /** As {@linkcode PlanRun.slot}, but the caller owns it afterwards. */
  take(slot: number): number | undefined {
    const fd = this.#lib.nsi_run_take(this.#run, slot);
    return fd < 0 ? undefined : fd;
  }

  /** Host pid of the process inside. */
  get pid(): number {
    return unwrap(this.#lib.nsi_run_pid(this.#run), "find the process inside");
  }

  /** Number of the pidfd of the process inside, owned by the run. */
  get pidfd(): number {
    return unwrap(
      this.#lib.nsi_run_pidfd(this.#run),
      "find the process inside",
    );
  }

  /** Hands over the pidfd of the process inside. */
  takePidfd(): number {
    return unwrap(
      this.#lib.nsi_run_take_pidfd(this.#run),
      "find the process inside",
    );
  }

  /** Kills and reaps what was spawned, if anything. */
  abort(): void {
    unwrap(
      this.#lib.nsi_run_abort(this.#run),
      "kill the half-made process inside",
    );
  }

  /** As {@linkcode PlanRun.abort}, on another thread. */
  async abortAsync(): Promise<void> {
    unwrap(
      await this.#lib.nsi_run_abort_async(this.#run),
      "kill the half-made process inside",
    );
  }

  /** Executes the whole undo list; throws the first failure at the end. */
  undo(): void {
    this.#check(this.#lib.nsi_run_undo(this.#run));
  }

  /** As {@linkcode PlanRun.undo}, on another thread. */
  async undoAsync(): Promise<void> {
    const result = await this.#lib.nsi_run_undo_async(this.#run);
    noteTurn();
    this.#check(result);
  }

  /** Closes all descriptors of the run. */
  close(): void {
    this.#lib.nsi_run_close(this.#run);
  }

  /** Becomes the monitor; returns only by throwing. */
  monitor(): never {
    const result = this.#lib.nsi_run_monitor(this.#run);
    unwrap(result, "become the monitor");
    throw new Error("unreachable: the monitor returned");
  }
}

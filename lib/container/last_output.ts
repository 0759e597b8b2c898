/**
 * What came out of a container whose start failed.
 *
 * @module
 */
import { makeNonBlocking, readSome, writeSome } from "../../ffi/descriptors.ts";
import { closeFd } from "../../ffi/native.ts";
import type { PlanRun } from "../../ffi/plan_run.ts";
import { SLOTS } from "../plan/ops.ts";
import type { Attachment } from "./attach.ts";

/** More than a pipe or a pty holds. */
const LIMIT = 262_144;

/** Passes on what waits; all that could still write has ended. */
function passOn(from: number, to: number): void {
  makeNonBlocking(from);
  const room = new Uint8Array(65_536);
  for (let total = 0; total < LIMIT;) {
    const count = readSome(from, room);
    if (count <= 0) return;
    total += count;
    for (let done = 0; done < count;) {
      const written = writeSome(to, room.subarray(done, count));
      // Nobody reads: the error that follows tells of the failure.
      if (written <= 0) return;
      done += written;
    }
  }
}

/**
 * Shows what a hook inside or a command around a mount said before the start
 * failed: the monitor, which would have passed it on, never came to be.
 *
 * @param attachment The caller's side of stdio.
 * @param run The execution, whose processes have ended.
 * @throws {KernelError} `SystemError` if the kernel refuses.
 */
export function passOnLastOutput(
  { relay }: Pick<Attachment, "relay">,
  run: PlanRun,
): void {
  const master = run.take(SLOTS.master);
  if (master !== undefined) {
    try {
      passOn(master, 1);
    } finally {
      closeFd(master);
    }
  }
  if (relay.stdout >= 0) passOn(relay.stdout, 1);
  if (relay.stderr >= 0) passOn(relay.stderr, 2);
}

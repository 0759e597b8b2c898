/**
 * A program that an ordinary user runs: makes every operation of a start fail,
 * one after the other. Arguments: state root, file of the configuration. Prints
 * a JSON list of what was made to fail and how it was told.
 *
 * @module
 */
import type { OpList } from "../../lib/plan/ops.ts";
import type { Fault } from "../../ffi/encode_plan.ts";
import { openNull } from "../../ffi/native.ts";
import { parseConfig } from "../../lib/config/parse.ts";
import type { Attachment } from "../../lib/container/attach.ts";
import {
  planStart,
  settleForUser,
  startContainer,
  type StartRequest,
} from "../../lib/container/start.ts";
import { listIds, lockState, unlockState } from "../../lib/container/store.ts";
import { KernelError, ProgramError } from "../../lib/errors.ts";
import { probeHost } from "../../lib/host/probe.ts";

/** One operation that was made to fail. */
export interface UserFault {
  /** Its name. */
  readonly op: string;
  /** What the error says failed. */
  readonly told: string;
  /** Ids of states that were left. */
  readonly left: readonly string[];
}

const EDQUOT = 122;

function nowhere(): Attachment {
  const stdio = { stdin: openNull(), stdout: openNull(), stderr: openNull() };
  return {
    stdio: {
      stdin: { fd: stdio.stdin },
      stdout: { fd: stdio.stdout },
      stderr: { fd: stdio.stderr },
    },
    relay: { stdin: -1, stdout: -1, stderr: -1 },
  };
}

function requestOf(config: StartRequest["config"]): StartRequest {
  return {
    id: "faulty",
    config,
    process: { args: ["/bin/true"], env: [], tty: true },
    attachment: nowhere(),
  };
}

async function attempt(
  stateRoot: string,
  request: StartRequest,
  fault: Fault,
): Promise<string> {
  const locked = await lockState(stateRoot, request.id, { make: true });
  if (!locked) return "no state directory";
  try {
    await startContainer(locked, { ...request, fault });
    return "nothing";
  } catch (error) {
    if (error instanceof ProgramError) return "exec";
    return error instanceof KernelError
      ? `${error.operation} ${error.errnoName}`
      : String(error);
  } finally {
    unlockState(locked);
  }
}

async function failAll(stateRoot: string, text: string): Promise<UserFault[]> {
  const config = await parseConfig(text);
  const host = probeHost();
  const settled = settleForUser(requestOf(config), host);
  const { plan } = await planStart(settled, `${stateRoot}/faulty`, host);
  const faults: UserFault[] = [];
  for (const list of ["parent", "child"] as const satisfies OpList[]) {
    for (const [index, { op }] of plan[list].entries()) {
      const fault = { list, index, errno: EDQUOT };
      const told = await attempt(stateRoot, requestOf(config), fault);
      faults.push({ op, told, left: await listIds(stateRoot) });
    }
  }
  return faults;
}

if (import.meta.main) {
  const [stateRoot = "", path = ""] = Deno.args;
  const faults = await failAll(stateRoot, await Deno.readTextFile(path));
  const text = new TextEncoder().encode(JSON.stringify(faults));
  await new Blob([text]).stream().pipeTo(Deno.stdout.writable);
}

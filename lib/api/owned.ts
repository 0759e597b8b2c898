/**
 * What this program has started: it alone can wait for a first process as its
 * parent, and it finishes the container of one that has ended.
 *
 * @module
 */
import { parseSignal } from "../config/names/signals.ts";
import { finishContainer, type RunIdentity } from "../container/finish.ts";
import type { RecordedExit } from "../container/store_types.ts";
import {
  finishProcess,
  type Process,
  type ProcessStatus,
  streamsClosed,
} from "./process.ts";

/** Where a container is, and which one of that id. */
export interface ContainerKey {
  /** State root. */
  readonly root: string;
  /** Its id. */
  readonly id: string;
  /** Its time of creation. */
  readonly created: string;
}

/** A first process of this program that runs, or whose container is being finished. */
export interface OwnedRun {
  /** The first process. */
  readonly process: Process;
  /** Settles when its container has been finished, or that has failed; never rejects. */
  readonly finished: Promise<void>;
}

/** What this program has in one container. */
interface Ownership {
  run?: OwnedRun;
  /** Processes whose streams may still be open. */
  readonly processes: Set<Process>;
}

const owned = new Map<string, Ownership>();

function textOf({ root, id, created }: ContainerKey): string {
  return `${created} ${root}/${id}`;
}

/** The run of a container that this program owns; undefined when it does not. */
export function ownedRun(key: ContainerKey): OwnedRun | undefined {
  return owned.get(textOf(key))?.run;
}

function exitOf({ code, signal }: ProcessStatus): RecordedExit {
  const number = signal === null ? undefined : parseSignal(signal);
  return { code, ...(number !== undefined && { signal: number }) };
}

/**
 * All in a container has ended: takes what its processes wrote into their
 * streams.
 */
export function releaseProcesses(key: ContainerKey): void {
  for (const process of owned.get(textOf(key))?.processes ?? []) {
    finishProcess(process);
  }
}

async function finish(
  key: ContainerKey,
  run: RunIdentity,
  process: Process,
): Promise<void> {
  // Rejected when something else has taken the status: then nobody knows it.
  const status = await process.status.catch(() => undefined);
  try {
    await finishContainer(key.root, run, status && exitOf(status));
    releaseProcesses(key);
  } catch {
    // What is left stays recorded: destroy() tries again, and tells why it cannot.
  }
}

/**
 * Takes a process into care.
 *
 * @param key Its container.
 * @param process The process, started.
 * @param first Which run of the container it makes, if it is the first one: the
 * container is finished when it has ended.
 */
export function ownProcess(
  key: ContainerKey,
  process: Process,
  first: RunIdentity | undefined,
): void {
  const text = textOf(key);
  const ownership = owned.get(text) ?? { processes: new Set() };
  owned.set(text, ownership);
  ownership.processes.add(process);
  const forget = (): void => {
    ownership.processes.delete(process);
    if (ownership.run?.process === process) delete ownership.run;
    if (ownership.processes.size === 0) owned.delete(text);
  };
  if (first === undefined) {
    // A child in the background may hold its pipes open beyond its end.
    streamsClosed(process).then(forget);
    return;
  }
  const finished = finish(key, first, process).then(forget);
  ownership.run = { process, finished };
}

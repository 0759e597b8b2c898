/**
 * How the kernel tells of one control group's memory, in either version.
 *
 * @module
 */
import { watchFile } from "../../ffi/inotify.ts";
import {
  openGroupEvent,
  openPressureTrigger,
  readEventCount,
} from "../../ffi/notify.ts";
import { poller, type Watch } from "../../ffi/poller.ts";
import type { ResourceCgroup } from "../plan/types.ts";
import { type GroupFiles, tableOf } from "../stats/numbers.ts";
import { readIfThere } from "./group_files.ts";

/** How long after its removal a version 1 group may still tell of it, in milliseconds. */
const REMOVAL_MS = 250;

/** What a kind of notification does with the descriptors that it opened. */
export interface Notifier extends Watch {
  /** The first process has ended: tells what is known by now, and ends. */
  readonly finish: () => void;
}

/** Adds up what is told. */
export type Told = (count: number) => void;

/** Whether there is such a file; no symlinks are followed. */
export function isFile(path: string): boolean {
  try {
    return Deno.lstatSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Counts events of a version 1 group by an eventfd.
 *
 * The kernel adds one for the removal of the group, some time after that. What
 * comes from then on is added up, and one less than all of it is what happened.
 */
export function countGroupEvents(
  { path }: ResourceCgroup,
  file: string,
  argument: string,
  told: Told,
  end: () => void,
): Notifier {
  const fd = openGroupEvent(path, file, argument);
  let late = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isStopped = false;
  const stop = (): void => {
    if (isStopped) return;
    isStopped = true;
    if (timer !== undefined) clearTimeout(timer);
    poller.close(fd);
  };
  const settle = (): void => {
    if (late > 1) told(late - 1);
    end();
  };
  const read = (): void => {
    const count = readEventCount(fd);
    // Looked at after the count was read: while the group is there, all is real.
    if (isFile(`${path}/cgroup.event_control`)) {
      if (count > 0) told(count);
      return;
    }
    late += count;
    if (late > 1) return settle();
    timer ??= setTimeout(settle, REMOVAL_MS);
  };
  const watch = poller.watch(fd, "read", () => {
    if (!isStopped) read();
  });
  const finish = (): void => {
    read();
    if (timer === undefined && !isStopped) end();
  };
  return { ...watch, stop, finish };
}

/** The files of a group, as the readers of statistics take them. */
function filesOf({ version, path }: ResourceCgroup): GroupFiles {
  return {
    version,
    path,
    read: (name) => readIfThere(`${path}/${name}`),
    names: () => [],
  };
}

/**
 * Counts kills of a version 2 group by its `memory.events`.
 *
 * @param group The group.
 * @param told Told how many there were.
 * @param end Called once nothing more will come.
 * @returns The notifier.
 * @throws {KernelError} `SystemError` if the kernel refuses.
 */
export function countKills(
  group: ResourceCgroup,
  told: Told,
  end: () => void,
): Notifier {
  const killsNow = (): number | undefined => {
    const table = tableOf(filesOf(group), "memory.events");
    return table && Number(table["oom_kill"] ?? 0);
  };
  let before = 0;
  const look = (): void => {
    const now = killsNow();
    if (now === undefined || now <= before) return;
    told(now - before);
    before = now;
  };
  // First the watch, then the count: nothing is lost in between.
  const watch = watchFile(`${group.path}/memory.events`, look);
  before = killsNow() ?? 0;
  const finish = (): void => {
    look();
    end();
  };
  return { ...watch, finish };
}

/**
 * Counts how often a version 2 group's memory was short.
 *
 * @param group The group.
 * @param trigger How short, as `memory.pressure` takes it.
 * @param told Told how often.
 * @param end Called once nothing more will come.
 * @returns The notifier.
 * @throws {KernelError} `SystemError` if the kernel refuses.
 */
export function countShortages(
  { path }: ResourceCgroup,
  trigger: string,
  told: Told,
  end: () => void,
): Notifier {
  const fd = openPressureTrigger(
    path,
    "memory.pressure",
    trigger,
  );
  let isStopped = false;
  const stop = (): void => {
    if (isStopped) return;
    isStopped = true;
    poller.close(fd);
  };
  const watch = poller.watch(fd, "priority", ({ failed, priority }) => {
    if (failed) return stop(); // the group is gone; the end is told by its process
    if (priority) told(1);
  });
  return { ...watch, stop, finish: end };
}

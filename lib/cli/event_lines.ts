/**
 * Events of containers as lines. Pure.
 *
 * @module
 */
import { formatSignal } from "../config/names/signals.ts";
import type { ContainerEvent } from "../container/events.ts";

/** How a first process ended. */
export interface EndStatus {
  /** Exit status; 128 + N after signal N. */
  readonly code: number;
  /** Number of the signal that ended it. */
  readonly signal?: number | undefined;
}

/** What the command line is told of. */
export type Event = ContainerEvent<EndStatus>;

function describeEnd(status: EndStatus | undefined): string {
  if (status === undefined) return "ended, nobody knows how";
  const { code, signal } = status;
  return signal === undefined
    ? `ended with status ${code}`
    : `killed by signal ${signal} (${formatSignal(signal)})`;
}

function often(count: number): string {
  return count === 1 ? "" : ` (${count} times)`;
}

function describe(event: Event): string {
  switch (event.type) {
    case "start":
      return `runs as process ${event.pid}`;
    case "oom":
      return `out of memory${often(event.count)}`;
    case "pressure":
      return `short of memory, ${event.level}${often(event.count)}`;
    case "exit":
      return describeEnd(event.status);
  }
}

/**
 * Renders an event for people.
 *
 * @param id The container.
 * @param event The event.
 * @returns One line: when, which container, what.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatEvent } from "./event_lines.ts";
 *
 * assertEquals(
 *   formatEvent("demo", { type: "oom", time: 0, count: 2 }),
 *   "1970-01-01T00:00:00.000Z  demo  out of memory (2 times)",
 * );
 * ```
 */
export function formatEvent(id: string, event: Event): string {
  return `${new Date(event.time).toISOString()}  ${id}  ${describe(event)}`;
}

/**
 * Renders an event as an object to be written as JSON.
 *
 * @param id The container.
 * @param event The event.
 * @returns `type`, `id`, `time` and what belongs to the event.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { eventToJson } from "./event_lines.ts";
 *
 * const event = { type: "start", time: 0, pid: 7 } as const;
 * assertEquals(eventToJson("demo", event), {
 *   type: "start",
 *   id: "demo",
 *   time: "1970-01-01T00:00:00.000Z",
 *   pid: 7,
 * });
 * ```
 */
export function eventToJson(
  id: string,
  event: Event,
): Readonly<Record<string, unknown>> {
  const { type, time, ...rest } = event;
  return { type, id, time: new Date(time).toISOString(), ...rest };
}

/**
 * Rows of `top` as JSON. Pure.
 *
 * @module
 */
import type { Row } from "./model.ts";

/**
 * Renders a row as an object to be written as JSON: sizes in bytes, rates in
 * bytes a second; what is not known is left out.
 *
 * @param row The row.
 * @returns The object.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { rowToJson } from "./json.ts";
 *
 * const summary = { id: "demo", pid: 7, status: "running", directory: "", created: "" } as const;
 * const row = { summary, startTime: "1", command: "sh", history: [], cpu: 50 };
 * assertEquals(rowToJson(row)["cpu_percent"], 50);
 * ```
 */
export function rowToJson(row: Row): Readonly<Record<string, unknown>> {
  const { id, status, pid } = row.summary;
  return {
    id,
    status,
    pid,
    cpu_percent: row.cpu,
    memory: row.memory,
    memory_limit: row.memoryLimit,
    pids: row.tasks,
    pids_limit: row.tasksLimit,
    io_read_rate: row.ioRead,
    io_write_rate: row.ioWritten,
    network_receive_rate: row.received,
    network_send_rate: row.sent,
    command: row.command,
  };
}

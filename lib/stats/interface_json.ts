/**
 * The counters of an interface as JSON: with the keys that libcontainer gave them
 * and its successors kept.
 *
 * @module
 */
import type { InterfaceStats } from "./types.ts";

/**
 * Renders the counters of an interface. Pure.
 *
 * @param each The interface.
 * @returns An object to be written as JSON.
 */
export function interfaceToJson(
  each: InterfaceStats,
): Readonly<Record<string, unknown>> {
  return {
    Name: each.name,
    RxBytes: each.rxBytes,
    RxPackets: each.rxPackets,
    RxErrors: each.rxErrors,
    RxDropped: each.rxDropped,
    TxBytes: each.txBytes,
    TxPackets: each.txPackets,
    TxErrors: each.txErrors,
    TxDropped: each.txDropped,
  };
}

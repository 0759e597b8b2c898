/**
 * (configuration, process, host, placement) -> Plan. Pure.
 *
 * The order of a start stands in `start.ts`, that of a join in `join.ts`, each
 * once, as two lists.
 *
 * @module
 */
export { buildSandboxPlan, buildStartPlan } from "./start.ts";
export { buildJoinPlan } from "./join.ts";

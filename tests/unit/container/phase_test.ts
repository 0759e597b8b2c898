import { assertEquals } from "@std/assert";
import { defaultConfig } from "../../../lib/config/defaults.ts";
import { bootId, ownIdentity } from "../../../lib/container/liveness.ts";
import { isKept } from "../../../lib/container/phase.ts";
import {
  NO_RESOURCES,
  type Phase,
  type StoredState,
} from "../../../lib/container/store_types.ts";

const DEAD = { pid: Deno.pid, startTime: "0" };

function stateOf(changes: Partial<StoredState>): StoredState {
  return {
    version: 2,
    id: "demo",
    phase: "created",
    kept: true,
    pid: 0,
    startTime: "",
    bootId: bootId(),
    owner: ownIdentity(),
    created: "2026-01-01T00:00:00Z",
    directory: "",
    config: defaultConfig("/srv/root"),
    namespaces: [],
    resources: NO_RESOURCES,
    ...changes,
  };
}

function keptPhases(changes: Partial<StoredState>): Phase[] {
  const phases = [
    "created",
    "creating",
    "running",
    "checkpointed",
    "stopped",
  ] as const;
  return phases.filter((phase) => isKept(stateOf({ ...changes, phase })));
}

Deno.test("what exec made is kept in images alone", () => {
  assertEquals(keptPhases({ kept: false }), ["checkpointed"]);
});

Deno.test("all is kept while the owner lives", () => {
  assertEquals(keptPhases({}).length, 5);
});

Deno.test("without its owner one that was being started or has ended is a remain", () => {
  const settled: Phase[] = ["created", "checkpointed", "stopped"];
  assertEquals(keptPhases({ owner: DEAD }), settled);
  assertEquals(keptPhases({ bootId: "an earlier one" }), settled);
});

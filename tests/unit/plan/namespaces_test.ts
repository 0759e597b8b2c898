import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../../lib/errors.ts";
import { NAMESPACES } from "../../../lib/config/names/namespaces.ts";
import type { NamespaceType } from "../../../lib/config/types.ts";
import {
  planNamespaces,
  splitNamespaces,
} from "../../../lib/plan/namespaces.ts";
import { SlotAllocator } from "../../../lib/plan/slots.ts";

/** Types in the order in which a user joins them all. */
function joinedBy(euid: number): NamespaceType[] {
  const types = ["NEWNS", "NEWNET", "NEWUSER", "NEWPID"] as const;
  const { child } = planNamespaces(
    types.map((type) => ({ type, path: `/run/${type}` })),
    new SlotAllocator(),
    {},
    euid,
  );
  return child.flatMap((op) =>
    op.op === "ns.enter"
      ? types.filter((type) => NAMESPACES[type].flag === Number(op.flags))
      : []
  );
}

Deno.test("planNamespaces has root join what the user namespace may not own before it", () => {
  assertEquals(joinedBy(0), ["NEWNET", "NEWPID", "NEWUSER", "NEWNS"]);
});

Deno.test("planNamespaces has others join the user namespace first", () => {
  assertEquals(joinedBy(1000), ["NEWUSER", "NEWNET", "NEWPID", "NEWNS"]);
});

Deno.test("splitNamespaces refuses a type that is listed twice", () => {
  assertThrows(
    () => splitNamespaces([{ type: "NEWNET" }, { type: "NEWNET", path: "/x" }]),
    ConfigError,
  );
});

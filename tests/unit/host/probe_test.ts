import { assert, assertEquals } from "@std/assert";
import { probeHost } from "../../../lib/host/probe.ts";
import { isKernelAtLeast } from "../../../lib/host/types.ts";

Deno.test("probeHost describes this machine", () => {
  const host = probeHost();
  assert(host.kernel[0] >= 3);
  assert(host.lastCapability >= 37);
  const { mode, hierarchies } = host.cgroup;
  assertEquals(mode === "none", hierarchies.length === 0);
  for (const { version, mount, base } of hierarchies) {
    assert(base === mount || base.startsWith(`${mount}/`));
    const file = version === 2 ? "cgroup.controllers" : "tasks";
    assert(Deno.lstatSync(`${base}/${file}`).isFile);
  }
});

Deno.test("probeHost puts the unified hierarchy last", () => {
  const versions = probeHost().cgroup.hierarchies.map(({ version }) => version);
  assertEquals(versions, [...versions].sort());
});

Deno.test("isKernelAtLeast compares both numbers", () => {
  const kernel = [5, 10] as const;
  assert(isKernelAtLeast({ kernel }, 5, 10));
  assert(isKernelAtLeast({ kernel }, 4, 20));
  assert(!isKernelAtLeast({ kernel }, 5, 11));
  assert(!isKernelAtLeast({ kernel }, 6, 0));
});

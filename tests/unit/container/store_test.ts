import { assert, assertEquals, assertRejects } from "@std/assert";
import { StateError } from "../../../lib/errors.ts";
import {
  lockState,
  readState,
  unlockState,
} from "../../../lib/container/store.ts";

async function withRoot(
  body: (root: string) => Promise<void>,
): Promise<void> {
  const root = await Deno.makeTempDir();
  try {
    await body(root);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
}

Deno.test("those who wait for a lock get it in the order of asking", async () => {
  await withRoot(async (root) => {
    const order: number[] = [];
    let holders = 0;
    await Promise.all([0, 1, 2, 3].map(async (index) => {
      const locked = await lockState(root, "demo", { make: true });
      assert(locked);
      assertEquals(++holders, 1);
      order.push(index);
      await new Promise((resolve) => setTimeout(resolve, 1));
      holders--;
      unlockState(locked);
    }));
    assertEquals(order, [0, 1, 2, 3]);
  });
});

Deno.test("who finds no directory holds nobody up", async () => {
  await withRoot(async (root) => {
    const none = await Promise.all(
      [0, 1].map(() => lockState(root, "demo", { make: false })),
    );
    assertEquals(none, [undefined, undefined]);
    const locked = await lockState(root, "demo", { make: true });
    assert(locked);
    unlockState(locked);
  });
});

Deno.test("a lock of one container does not hold up another", async () => {
  await withRoot(async (root) => {
    const one = await lockState(root, "one", { make: true });
    const two = await lockState(root, "two", { make: true });
    assert(one && two);
    unlockState(one);
    unlockState(two);
  });
});

const STATE = {
  id: "demo",
  phase: "running",
  pid: 1,
  startTime: "1",
  bootId: "boot",
  owner: { pid: 1, startTime: "1" },
  created: "2026-01-01T00:00:00Z",
  directory: "",
  config: { mounts: [], namespaces: [] },
  namespaces: [],
  resources: { cgroups: [], interfaces: [], files: [] },
};

Deno.test("a state of version 1 is read as one that is not kept", async () => {
  await withRoot(async (root) => {
    const text = JSON.stringify({ ...STATE, version: 1 });
    await Deno.writeTextFile(`${root}/state.json`, text);
    const state = await readState(root);
    assertEquals(state?.version, 2);
    assertEquals(state?.kept, false);
  });
});

Deno.test("states of other versions and damaged ones are refused", async () => {
  await withRoot(async (root) => {
    for (const version of [0, 3]) {
      const text = JSON.stringify({ ...STATE, version, kept: true });
      await Deno.writeTextFile(`${root}/state.json`, text);
      await assertRejects(() => readState(root), StateError, "version 1 or 2");
    }
    await Deno.writeTextFile(`${root}/state.json`, "{");
    await assertRejects(() => readState(root), StateError, "Cannot read");
  });
});

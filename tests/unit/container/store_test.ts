import { assert, assertEquals, assertRejects } from "@std/assert";
import { defaultConfig } from "../../../lib/config/defaults.ts";
import {
  NO_RESOURCES,
  type StoredState,
} from "../../../lib/container/store_types.ts";
import { StateError } from "../../../lib/errors.ts";
import {
  lockState,
  readState,
  unlockState,
  writeState,
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

function stateOf(created: string): StoredState {
  return {
    version: 2,
    id: "demo",
    phase: "created",
    kept: true,
    pid: 0,
    startTime: "",
    bootId: "",
    owner: { pid: 1, startTime: "1" },
    created,
    directory: "",
    config: { ...defaultConfig("/srv/ä"), hostname: "größer" },
    namespaces: [],
    resources: NO_RESOURCES,
  };
}

Deno.test("a state is what was written last, by whomever", async () => {
  await withRoot(async (root) => {
    await readState(`${root}/none`);
    const dir = `${root}/demo`;
    const other = `${root}/other`;
    await Deno.mkdir(dir);
    await Deno.mkdir(other);
    const states = ["one", "two", "six"].map(stateOf);
    for (const state of states) {
      writeState(dir, state);
      assertEquals(await readState(dir), state);
      const text = await Deno.readTextFile(`${dir}/state.json`);
      assertEquals(JSON.parse(text), state);
    }
    writeState(other, stateOf("ten"));
    await Deno.rename(`${other}/state.json`, `${dir}/state.json`);
    assertEquals((await readState(dir))?.created, "ten");
    writeState(dir, stateOf("one"));
    await Deno.writeTextFile(`${dir}/state.json`, "{}");
    await assertRejects(() => readState(dir), StateError);
    await Deno.remove(`${dir}/state.json`);
    assertEquals(await readState(dir), undefined);
  });
});

Deno.test("states of more containers than are remembered are read", async () => {
  await withRoot(async (root) => {
    const names = Array.from({ length: 40 }, (_, index) => `c${index}`);
    for (const name of names) {
      await Deno.mkdir(`${root}/${name}`);
      writeState(`${root}/${name}`, stateOf(name));
    }
    for (const name of names) {
      assertEquals((await readState(`${root}/${name}`))?.created, name);
    }
  });
});

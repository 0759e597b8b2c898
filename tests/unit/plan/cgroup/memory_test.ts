import { assertEquals, assertThrows } from "@std/assert";
import type { Resources } from "../../../../lib/config/types.ts";
import { ConfigError, HostError } from "../../../../lib/errors.ts";
import { memoryWrites } from "../../../../lib/plan/cgroup/memory.ts";

type Pairs = readonly (readonly [file: string, value: string])[];

const TABLE: readonly (readonly [Resources, v1: Pairs, v2: Pairs])[] = [
  [{}, [], []],
  [{ memory: 0, memorySwap: 0 }, [], []],
  [
    { memory: 1048576 },
    [["memory.limit_in_bytes", "1048576"]],
    [["memory.max", "1048576"]],
  ],
  [
    { memory: -1 },
    [["memory.limit_in_bytes", "-1"]],
    [["memory.max", "max"]],
  ],
  [
    { memory: 2n ** 60n },
    [["memory.limit_in_bytes", "1152921504606846976"]],
    [["memory.max", "1152921504606846976"]],
  ],
  [
    { memorySwap: 150, memory: 100 },
    [["memory.limit_in_bytes", "100"], ["memory.memsw.limit_in_bytes", "150"]],
    [["memory.max", "100"], ["memory.swap.max", "50"]],
  ],
  [
    { memory: 100, memorySwap: 100 },
    [["memory.limit_in_bytes", "100"], ["memory.memsw.limit_in_bytes", "100"]],
    [["memory.max", "100"], ["memory.swap.max", "0"]],
  ],
  [
    { memory: 100, memorySwap: -1 },
    [["memory.limit_in_bytes", "100"], ["memory.memsw.limit_in_bytes", "-1"]],
    [["memory.max", "100"], ["memory.swap.max", "max"]],
  ],
  [
    { memoryReservation: 64 },
    [["memory.soft_limit_in_bytes", "64"]],
    [["memory.low", "64"]],
  ],
  // Already bounded by memory: nothing to write on kernels without the limit.
  [
    { memory: 64, kernelMemory: 64 },
    [["memory.limit_in_bytes", "64"]],
    [["memory.max", "64"]],
  ],
  [{ kernelMemory: -1 }, [], []],
  [{ memorySwappiness: -1, oomKillDisable: false }, [], []],
];

function pairs(resources: Resources, version: 1 | 2): Pairs {
  return memoryWrites(resources, version).map(({ file, value }) =>
    [file, value] as const
  );
}

Deno.test("memoryWrites says each limit in both versions", () => {
  for (const [resources, v1, v2] of TABLE) {
    assertEquals(pairs(resources, 1), v1);
    assertEquals(pairs(resources, 2), v2);
  }
});

Deno.test("memoryWrites writes swappiness, oom_control and tcp memory on v1 only", () => {
  const resources = {
    memorySwappiness: 0,
    oomKillDisable: true,
    kernelMemoryTcp: 7,
  };
  assertEquals(pairs(resources, 1), [
    ["memory.kmem.tcp.limit_in_bytes", "7"],
    ["memory.swappiness", "0"],
    ["memory.oom_control", "1"],
  ]);
  const each: Resources[] = [
    { memorySwappiness: 0 },
    { oomKillDisable: true },
    { kernelMemoryTcp: 7 },
  ];
  for (const one of each) assertThrows(() => memoryWrites(one, 2), HostError);
});

Deno.test("memoryWrites writes the kernel memory limit only where it is kept", () => {
  const old = memoryWrites({ kernelMemory: 64 }, 1, { hasKernelLimit: true });
  assertEquals(old.map(({ file }) => file), ["memory.kmem.limit_in_bytes"]);
  for (const version of [1, 2] as const) {
    assertThrows(() => memoryWrites({ kernelMemory: 64 }, version), HostError);
    assertThrows(
      () => memoryWrites({ memory: 65, kernelMemory: 64 }, version),
      HostError,
    );
  }
});

Deno.test("memoryWrites refuses limits that contradict each other", () => {
  assertThrows(() => memoryWrites({ memorySwap: 5 }, 2), ConfigError);
  assertThrows(
    () => memoryWrites({ memory: 10, memorySwap: 5 }, 2),
    ConfigError,
  );
  for (const memorySwappiness of [-2, 101]) {
    assertThrows(() => memoryWrites({ memorySwappiness }, 1), ConfigError);
  }
});

Deno.test("memoryWrites never has memory plus swap below memory in a living group", () => {
  const files = (next: Resources, current: Resources): string[] =>
    memoryWrites(next, 1, { current }).map(({ file }) => file);
  const small = { memory: 10, memorySwap: 20 };
  const large = { memory: 30, memorySwap: 40 };
  const [alone, total] = [
    "memory.limit_in_bytes",
    "memory.memsw.limit_in_bytes",
  ];
  assertEquals(files(large, small), [total, alone]);
  assertEquals(files(small, large), [alone, total]);
  assertEquals(files({ memory: -1, memorySwap: -1 }, small), [total, alone]);
  assertEquals(files(small, {}), [alone, total]);
});

Deno.test("memoryWrites lets the kernel kill again where it was told not to", () => {
  const current = { oomKillDisable: true };
  assertEquals(
    memoryWrites({ oomKillDisable: false }, 1, { current })[0]?.value,
    "0",
  );
});

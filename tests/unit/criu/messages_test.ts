import { assertEquals, assertThrows } from "@std/assert";
import {
  CGROUP_MODES,
  type CriuOptions,
  decodeResponse,
  encodeRequest,
  REQUESTS,
} from "../../../lib/criu/messages.ts";

/** Every option, by the tag that rpc.proto gives it: number * 8 + wire type. */
const TAGS: readonly (readonly [Omit<CriuOptions, "imagesDirFd">, number[]])[] =
  [
    [{ pid: 5 }, [0x10, 5]],
    [{ leaveRunning: true }, [0x18, 1]],
    [{ extUnixSk: true }, [0x20, 1]],
    [{ tcpEstablished: true }, [0x28, 1]],
    [{ evasiveDevices: true }, [0x30, 1]],
    [{ shellJob: true }, [0x38, 1]],
    [{ fileLocks: true }, [0x40, 1]],
    [{ logLevel: 4 }, [0x48, 4]],
    [{ logFile: "a" }, [0x52, 1, 97]],
    [{ pageServer: { address: "a", port: 1 } }, [0x5a, 5, 10, 1, 97, 16, 1]],
    [{ notifyScripts: true }, [0x60, 1]],
    [{ root: "a" }, [0x6a, 1, 97]],
    [{ parentImage: "a" }, [0x72, 1, 97]],
    [{ trackMemory: true }, [0x78, 1]],
    [{ autoDedup: true }, [0x80, 1, 1]],
    [{ workDirFd: 3 }, [0x88, 1, 3]],
    [{ linkRemap: true }, [0x90, 1, 1]],
    [{ manageCgroups: true }, [0xc0, 1, 1]],
    [
      { cgroupRoots: [{ controller: "", path: "/" }] },
      [0xca, 1, 5, 10, 0, 18, 1, 47],
    ],
    [{ restoreSibling: true }, [0xd0, 1, 1]],
    [{ inheritFds: [{ key: "a", fd: 4 }] }, [0xda, 1, 5, 10, 1, 97, 16, 4]],
    [{ externalSharing: true }, [0xe8, 1, 1]],
    [{ externalMasters: true }, [0xf0, 1, 1]],
    [{ manageCgroupsMode: CGROUP_MODES.soft }, [0x90, 2, 3]],
    [{ external: ["a", "b"] }, [0xaa, 2, 1, 97, 0xaa, 2, 1, 98]],
    [{ emptyNamespaces: 1 }, [0xb0, 2, 1]],
    [{ freezeCgroup: "a" }, [0xe2, 2, 1, 97]],
    [{ timeout: 60 }, [0xe8, 2, 60]],
    [{ tcpSkipInFlight: true }, [0xf0, 2, 1]],
    [{ lazyPages: true }, [0x80, 3, 1]],
    [{ statusFd: 5 }, [0x88, 3, 5]],
    [{ orphanPtsMaster: true }, [0x90, 3, 1]],
    [{ configFile: "a" }, [0x9a, 3, 1, 97]],
    [{ lsmProfile: "a" }, [0xaa, 3, 1, 97]],
    [{ lsmMountContext: "a" }, [0xfa, 3, 1, 97]],
    [{ networkLock: 2 }, [0x80, 4, 2]],
  ];

Deno.test("options have the numbers of CRIU's rpc.proto", () => {
  for (const [option, bytes] of TAGS) {
    const packed = encodeRequest({
      type: REQUESTS.dump,
      options: { imagesDirFd: 9, ...option },
    });
    const inner = [8, 9, ...bytes];
    assertEquals([...packed], [8, 1, 18, inner.length, ...inner]);
  }
});

Deno.test("an answer to a notification says whether it was dealt with", () => {
  assertEquals(
    [...encodeRequest({ type: REQUESTS.notify, notifySuccess: false })],
    [8, 6, 24, 0],
  );
});

Deno.test("a notification names its point and the first process", () => {
  const bytes = [8, 6, 16, 1, 42, 6, 10, 1, 97, 16, 200, 1];
  const { type, notify } = decodeResponse(new Uint8Array(bytes));
  assertEquals(type, REQUESTS.notify);
  assertEquals(notify, { script: "a", pid: 200 });
});

Deno.test("a failed request has an errno and words", () => {
  const bytes = [8, 2, 16, 0, 56, 17, 74, 1, 120];
  assertEquals(decodeResponse(new Uint8Array(bytes)), {
    type: REQUESTS.restore,
    success: false,
    errno: 17,
    message: "x",
  });
});

Deno.test("an answer without type or success is refused", () => {
  for (const bytes of [[], [8, 1], [16, 1]]) {
    assertThrows(() => decodeResponse(new Uint8Array(bytes)), RangeError);
  }
});

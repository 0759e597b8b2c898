import {
  assertEquals,
  assertInstanceOf,
  assertStringIncludes,
} from "@std/assert";
import {
  decodeReport,
  errorOf,
  type Report,
} from "../../../ffi/decode_report.ts";
import { describeErrno, errnoName } from "../../../ffi/errno.ts";
import { REPORT } from "../../../ffi/layout.ts";
import { KernelError, ProgramError } from "../../../lib/errors.ts";
import type { Plan } from "../../../lib/plan/ops.ts";

const PLAN: Plan = {
  parent: [{
    op: "veth.make",
    flags: 0,
    mtu: 0,
    txqueuelen: 0,
    host: "veth1",
    name: "eth0",
    bridge: "nobr0",
    alias: "nsinit:a",
  }],
  child: [
    { op: "hostname.set", name: "demo" },
    { op: "exec", flags: 0, paths: ["/bin/no"], argv: ["no"], envp: [] },
  ],
  undo: [],
};

function report(values: Partial<Report>): Report {
  return {
    list: "child",
    index: 0,
    errno: 1,
    detail: "",
    value: 0n,
    ...values,
  };
}

Deno.test("decodeReport() reads every field", () => {
  const view = new DataView(new ArrayBuffer(REPORT.size));
  view.setUint32(REPORT.list, 1, true);
  view.setUint32(REPORT.index, 7, true);
  view.setInt32(REPORT.error, 13, true);
  view.setUint32(REPORT.detail, 8, true);
  view.setBigInt64(REPORT.value, -5n, true);
  assertEquals(decodeReport(view), {
    list: "child",
    index: 7,
    errno: 13,
    detail: "verify",
    value: -5n,
  });
});

Deno.test("errorOf() names the attempt, the object and the errno", () => {
  const error = errorOf(PLAN, report({}));
  assertInstanceOf(error, KernelError);
  assertEquals(
    error.message,
    'Cannot set hostname "demo": operation not permitted (EPERM)',
  );
  assertEquals([error.errno, error.errnoName, error.operation], [
    1,
    "EPERM",
    "hostname.set",
  ]);
});

Deno.test("errorOf() names the limit of a process that cannot be set", () => {
  const limit = { op: "rlimit.set", resource: 6n, soft: 1n, hard: 2n } as const;
  const error = errorOf({ ...PLAN, child: [limit] }, report({ index: 0 }));
  assertStringIncludes(
    error.message,
    "set rlimit RLIMIT_NPROC to soft 1 and hard 2",
  );
});

Deno.test("errorOf() says how to make a missing bridge", () => {
  const error = errorOf(
    PLAN,
    report({ list: "parent", errno: 19, detail: "bridge" }),
  );
  assertStringIncludes(error.message, "ip link add");
});

Deno.test("errorOf() tells a missing program (127) from one that cannot run (126)", () => {
  const missing = errorOf(PLAN, report({ index: 1, errno: 2 }));
  const denied = errorOf(PLAN, report({ index: 1, errno: 13 }));
  assertInstanceOf(missing, ProgramError);
  assertStringIncludes(missing.message, "executable file not found");
  assertEquals([missing.exitCode, denied.exitCode], [127, 126]);
});

Deno.test("errorOf() words an end without a report", () => {
  const error = errorOf(PLAN, report({ detail: "child", errno: 3 }));
  assertStringIncludes(error.message, "ended before it ran the program");
});

Deno.test("errnoName() and describeErrno() know and pass on numbers", () => {
  assertEquals(errnoName(17), "EEXIST");
  assertEquals(errnoName(4000), "errno 4000");
  assertEquals(describeErrno(2), "no such file or directory (ENOENT)");
});

Deno.test("decodeReport() reads what a failed hook has said", () => {
  const view = new DataView(new ArrayBuffer(REPORT.size));
  view.setUint32(REPORT.length, 4 + 3 + 4 + 1, true);
  const payload = new Uint8Array(64);
  payload.set([3, 0, 0, 0, 111, 117, 116, 1, 0, 0, 0, 33, 9, 9]);
  assertEquals(decodeReport(view, payload).said, {
    stdout: "out",
    stderr: "!",
  });
  view.setUint32(REPORT.length, 0, true);
  assertEquals(decodeReport(view, payload).said, undefined);
});

Deno.test("errorOf() says what to do about a group that another container has", () => {
  const make = {
    op: "cgroup.make",
    flags: 1,
    slot: -1,
    base: "/sys/fs/cgroup",
    path: "/sys/fs/cgroup/demo",
    owner: "o",
  } as const;
  const plan: Plan = { parent: [make], child: [], undo: [] };
  for (const errno of [17, 39]) {
    const { message } = errorOf(plan, report({ list: "parent", errno }));
    assertStringIncludes(message, "another container");
    assertStringIncludes(message, "--root");
  }
});

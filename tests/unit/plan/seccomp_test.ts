import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../../lib/errors.ts";
import { planSeccomp } from "../../../lib/plan/seccomp.ts";
import { configWith } from "./support.ts";

Deno.test("planSeccomp sets no_new_privs without a filter when asked to", () => {
  const lock = [{ op: "privileges.lock" } as const];
  const table = [
    [{}, {}, []],
    [{ noNewPrivileges: true }, {}, lock],
    [{ noNewPrivileges: true }, { noNewPrivileges: false }, []],
    [{}, { noNewPrivileges: true }, lock],
  ] as const;
  for (const [config, process, early] of table) {
    const part = planSeccomp(configWith(config), process, undefined);
    assertEquals(part, { early: [...early], late: [], listener: [] });
  }
});

const ASKING = {
  flags: 0,
  program: new Uint8Array(8),
  notify: { flags: 8, program: new Uint8Array(16), send: "sendmmsg" },
} as const;

Deno.test("planSeccomp loads what asks first, and has the listener taken", () => {
  const seccomp = {
    defaultAction: "SCMP_ACT_ALLOW",
    architectures: [],
    listenerPath: "/run/agent.sock",
    listenerMetadata: "x",
    syscalls: [],
  } as const;
  const config = configWith({ seccomp });
  const part = planSeccomp(config, {}, ASKING);
  const { program } = ASKING.notify;
  assertEquals(part.late, [
    { op: "seccomp.notify", flags: 8, send: 1, program },
    { op: "seccomp.load", flags: 0, program: ASKING.program },
  ]);
  const path = "/run/agent.sock";
  assertEquals(part.listener, [
    { op: "await.listener" },
    { op: "listener.hand", path, metadata: "x" },
  ]);
  const own = planSeccomp(config, { listens: true }, ASKING);
  assertEquals(own.listener.at(-1), { op: "listener.hand" });
});

Deno.test("planSeccomp refuses to ask where nobody listens", () => {
  const seccomp = {
    defaultAction: "SCMP_ACT_ALLOW",
    architectures: [],
    syscalls: [],
  } as const;
  assertThrows(
    () => planSeccomp(configWith({ seccomp }), {}, ASKING),
    ConfigError,
    "nobody listens",
  );
});

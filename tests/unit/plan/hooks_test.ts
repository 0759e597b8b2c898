import { assertEquals } from "@std/assert";
import type { Hooks } from "../../../lib/config/types.ts";
import { buildStartPlan } from "../../../lib/plan/build.ts";
import { explainOp } from "../../../lib/plan/explain.ts";
import type { Plan } from "../../../lib/plan/ops.ts";
import { buildUndo } from "../../../lib/plan/undo.ts";
import { planPoststop } from "../../../lib/plan/hooks.ts";
import {
  configWith,
  find,
  HOST_V2,
  names,
  PLACEMENT,
  PROCESS,
} from "./support.ts";

const ALL: Hooks = {
  prestart: [{ path: "/bin/a", args: ["a", "b"], timeout: 0.0001 }],
  createRuntime: [{ path: "/bin/b", env: ["A=1"], dir: "/tmp" }],
  createContainer: [{ path: "/bin/c" }],
  startContainer: [{ path: "/bin/d", timeout: 5 }],
  poststart: [{ path: "/bin/e" }],
  poststop: [{ path: "/bin/f" }],
};

function plan(hooks: Hooks): Plan {
  return buildStartPlan(configWith({ hooks }), PROCESS, HOST_V2, PLACEMENT)
    .plan;
}

Deno.test("hooks of the host run while the child waits with its root furnished", () => {
  const { parent, child } = plan(ALL);
  const ops = names(parent);
  const at = ops.indexOf("hooks.begin");
  assertEquals(ops.slice(at - 1, at + 4), [
    "await",
    "hooks.begin",
    "hook.run",
    "hook.run",
    "release",
  ]);
  assertEquals(ops.slice(-2), ["await.exec", "hook.run"]);
  const inside = names(child);
  const meets = inside.indexOf("hook.run");
  assertEquals(inside.slice(meets - 1, meets + 2), [
    "sync",
    "hook.run",
    "root.pivot",
  ]);
  assertEquals(inside.slice(-3), ["hook.run", "sync", "exec"]);
});

Deno.test("a hook is run exactly as configured", () => {
  const [prestart, runtime, poststart, container, start, poststop] = find(
    plan(ALL),
    "hook.run",
  );
  assertEquals(prestart, {
    op: "hook.run",
    timeout: 1,
    argv: ["/bin/a", "a", "b"],
    envp: [],
    dir: "",
    state: [
      '{"ociVersion":"1.2.0","id":"demo","status":"creating","pid":',
      ',"bundle":"/srv"}',
    ],
    flags: 1,
    propagation: 0,
    note: "hooks.prestart[0]",
  });
  assertEquals([runtime?.argv, runtime?.envp, runtime?.dir], [
    ["/bin/b", "/bin/b"],
    ["A=1"],
    "/tmp",
  ]);
  assertEquals([container?.root, container?.flags, container?.propagation], [
    "/srv/root",
    1,
    0x80000,
  ]);
  assertEquals([start?.root, start?.flags, start?.timeout], [
    undefined,
    0,
    5000,
  ]);
  assertEquals(poststart?.note, "hooks.poststart[0]");
  assertEquals(poststop?.state, [
    '{"ociVersion":"1.2.0","id":"demo","status":"stopped","bundle":"/srv"}',
  ]);
});

Deno.test("without hooks of the host nobody waits for them", () => {
  const { parent, child } = plan({ createContainer: [{ path: "/bin/c" }] });
  assertEquals(names(parent).includes("hooks.begin"), false);
  assertEquals(names(child).filter((name) => name === "hook.run").length, 1);
});

Deno.test("poststop hooks are recorded as due even when there are no others", () => {
  const { parent } = plan({ poststop: [{ path: "/bin/f" }] });
  const at = names(parent).indexOf("hooks.begin");
  assertEquals(names(parent).slice(at, at + 2), ["hooks.begin", "release"]);
});

Deno.test("poststop hooks run between the removal of the record and of its directory", () => {
  const none = { cgroups: [], interfaces: [], files: [] };
  const hooks = planPoststop(configWith({ hooks: ALL }), PLACEMENT);
  assertEquals(names(buildUndo(none, { stateDir: "/run/demo" }, hooks)), [
    "undo.check",
    "file.remove",
    "file.remove",
    "undo.check",
    "hook.run",
    "dir.remove",
  ]);
  // Where the record stays, whoever rewrites it runs them afterwards.
  assertEquals(names(buildUndo(none, {}, hooks)), ["undo.check"]);
});

Deno.test("explain says which hook runs", () => {
  const [hook] = find(plan(ALL), "hook.run");
  assertEquals(
    hook && explainOp(hook),
    "run the hook /bin/a b for at most 0.001 s [hooks.prestart[0]]",
  );
});

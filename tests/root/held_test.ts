/**
 * A start in two steps: all is made by one, and the program is executed by
 * another.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
} from "@std/assert";
import type { Fault } from "../../ffi/encode_plan.ts";
import { closeFd, waitPidfd } from "../../ffi/native.ts";
import { PlanRun } from "../../ffi/plan_run.ts";
import { deleteContainer } from "../../lib/container/delete.ts";
import {
  holdContainer,
  type HoldRequest,
  startHeld,
} from "../../lib/container/held.ts";
import { listContainers } from "../../lib/container/list.ts";
import {
  type LockedState,
  lockState,
  readState,
  unlockState,
} from "../../lib/container/store.ts";
import type { StoredState } from "../../lib/container/store_types.ts";
import type { Config } from "../../lib/config/types.ts";
import { closeInnerEnds } from "../../lib/container/attach.ts";
import { planStart } from "../../lib/container/start.ts";
import { probeHost } from "../../lib/host/probe.ts";
import { holdStart } from "../../lib/plan/held.ts";
import type { Plan } from "../../lib/plan/ops.ts";
import {
  type ErrorCode,
  Factory,
  KernelError,
  NsinitError,
} from "../../mod.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { findCgroups } from "../support/host_state.ts";
import {
  attachToFiles,
  processRequest,
  readConfig,
} from "../support/in_process.ts";
import { nsinit, REPOSITORY, runProgram, waitFor } from "../support/nsinit.ts";
import {
  capabilitiesOf,
  isAlive,
  readKernelFile,
  statusOf,
} from "../support/process_status.ts";

const test = containerTests("held");
const SIGKILL = "SIGKILL";
/** Disk quota exceeded: no operation of ours meets it by itself. */
const ERRNO = 122;

/** A container that was held, and where its program writes. */
interface Held {
  readonly state: StoredState;
  readonly outputs: string;
  /** Its process is a child of this program, which has to wait for it. */
  readonly pidfd: number;
}

async function withLock<T>(
  workspace: Workspace,
  id: string,
  action: (locked: LockedState) => Promise<T>,
): Promise<T> {
  const locked = await lockState(workspace.stateRoot, id, { make: true });
  assert(locked);
  try {
    return await action(locked);
  } finally {
    unlockState(locked);
  }
}

async function hold(
  workspace: Workspace,
  args: string | readonly string[],
  changes: Pick<HoldRequest, "fault"> & { readonly config?: Config } = {},
): Promise<Held> {
  const outputs = await workspace.newDirectory();
  const id = workspace.newName();
  const config = await readConfig(workspace);
  return await withLock(workspace, id, async (locked) => {
    const { run, state } = await holdContainer(locked, {
      id,
      config,
      process: processRequest(args, { user: "daemon" }),
      attachment: attachToFiles(outputs),
      keep: true,
      ...changes,
    });
    const pidfd = run.takePidfd();
    run.close();
    return { state, outputs, pidfd };
  });
}

async function release(
  workspace: Workspace,
  { id }: StoredState,
  fault?: Fault,
): Promise<StoredState> {
  return await withLock(workspace, id, async (locked) => {
    const state = await readState(locked.dir);
    assert(state);
    return await startHeld(locked, state, { ...(fault && { fault }) });
  });
}

async function assertCode(
  code: ErrorCode,
  attempt: () => Promise<unknown>,
): Promise<NsinitError> {
  const error = await assertRejects(attempt);
  assertInstanceOf(error, NsinitError, String(error));
  assertEquals(error.code, code, error.message);
  return error;
}

function outOf({ outputs }: Held): string {
  return Deno.readTextFileSync(`${outputs}/out`);
}

async function remove(
  workspace: Workspace,
  { state, pidfd }: Held,
): Promise<void> {
  await deleteContainer(workspace.stateRoot, state.id, { force: true });
  waitPidfd(pidfd);
  closeFd(pidfd);
}

test("a held container has everything but its program, and goes on when it is told to", async (workspace) => {
  const held = await hold(workspace, "id -u; hostname; echo $$");
  const { state } = held;
  assertEquals(state.phase, "held");
  const [listed] = await listContainers(workspace.stateRoot);
  assertEquals([listed?.status, listed?.pid], ["created", 0]);
  assertEquals(outOf(held), "");
  // Its rights are those of the program already.
  const status = statusOf(state.pid);
  assertEquals(status["Uid"]?.split("\t")[0], "1");
  assert(!capabilitiesOf(status["CapEff"]).includes("SYS_ADMIN"));
  const name = readKernelFile(`/proc/${state.pid}/comm`).trim();
  assertEquals(name, "nsinit");
  const info = await Deno.lstat(
    `${workspace.stateRoot}/${state.id}/start.sock`,
  );
  assertEquals([info.isSocket, (info.mode ?? 0) & 0o777], [true, 0o600]);

  const started = await release(workspace, state);

  assertEquals([started.phase, started.pid], ["running", state.pid]);
  await waitFor("the output", () => outOf(held) === "1\ntesting\n1\n");
  await waitFor("the end", () => !isAlive(state.pid));
  await assertCode("ContainerNotRunning", () => release(workspace, state));
  await remove(workspace, held);
  assertEquals(findCgroups([workspace.tag]), []);
});

test("who made it may end, and another program starts it", async (workspace) => {
  const config = await readConfig(workspace, { parent_death_signal: 9 });
  const id = workspace.newName();
  const out = `${workspace.dir}/${workspace.newName()}`;
  const path = `${workspace.dir}/${workspace.newName()}.ts`;
  await Deno.writeTextFile(
    path,
    `import { holdContainer } from "file://${REPOSITORY}/lib/container/held.ts";
import { lockState } from "file://${REPOSITORY}/lib/container/store.ts";
import { openNull, replaceFile } from "file://${REPOSITORY}/ffi/native.ts";
const locked = await lockState(${JSON.stringify(workspace.stateRoot)}, ${
      JSON.stringify(id)
    }, { make: true });
const fd = replaceFile(${JSON.stringify(workspace.dir)}, ${
      JSON.stringify(out.slice(out.lastIndexOf("/") + 1))
    }, new Uint8Array(), { mode: 0o600, keep: true });
await holdContainer(locked, {
  id: ${JSON.stringify(id)},
  config: ${JSON.stringify(config)},
  process: { args: ["/bin/echo", "from another"], env: [] },
  attachment: {
    stdio: { stdin: { fd: openNull() }, stdout: { fd }, stderr: { fd: openNull() } },
    relay: { stdin: -1, stdout: -1, stderr: -1 },
  },
  keep: true,
});
`,
  );
  const flags = ["-A", "--no-check", "--no-lock"];
  const maker = await runProgram([Deno.execPath(), "run", ...flags, path]);
  assertEquals(maker.code, 0, maker.stderr);
  const [listed] = await listContainers(workspace.stateRoot);
  assertEquals([listed?.id, listed?.status], [id, "created"]);

  const state = await readState(`${workspace.stateRoot}/${id}`);
  assert(state);
  await release(workspace, state);

  await waitFor(
    "its output",
    () => Deno.readTextFileSync(out) === "from another\n",
  );
  await deleteContainer(workspace.stateRoot, id, { force: true });
});

test("a starter that goes away leaves it to the next", async (workspace) => {
  const held = await hold(workspace, "echo well");
  const { id, pid } = held.state;
  const dir = `${workspace.stateRoot}/${id}`;
  for (let round = 0; round < 3; round++) {
    const run = new PlanRun({
      parent: [
        { op: "park.connect", pid, dir, name: "start.sock" },
        { op: "await", point: 8 },
      ],
      child: [],
      undo: [],
    });
    run.parent(0, 2);
    run.close();
  }
  await release(workspace, held.state);
  await waitFor("its output", () => outOf(held) === "well\n");
  await remove(workspace, held);
});

test("nothing else starts in a held container, and it can be deleted", async (workspace) => {
  const held = await hold(workspace, "echo never");
  const { id, pid } = held.state;
  const container = await new Factory(workspace.stateRoot).load(id);
  await assertCode(
    "ContainerNotStopped",
    () => container.start({ args: ["true"] }),
  );
  const run = await nsinit([
    "--root",
    workspace.stateRoot,
    "exec",
    "--id",
    id,
    "true",
  ]);
  assertEquals(run.code, 125, run.stderr);
  await container.destroy();
  assert(!isAlive(pid));
  waitPidfd(held.pidfd);
  closeFd(held.pidfd);
  assertEquals(await listContainers(workspace.stateRoot), []);
  assertEquals(outOf(held), "");
  assertEquals(findCgroups([workspace.tag]), []);
});

test("a held process that is killed leaves a container that is swept away", async (workspace) => {
  const held = await hold(workspace, "echo never");
  Deno.kill(held.state.pid, SIGKILL);
  await waitFor("its end", () => !isAlive(held.state.pid));
  await assertCode("ContainerNotRunning", () => release(workspace, held.state));
  await remove(workspace, held);
});

test("a program that is not there is told to who makes the container", async (workspace) => {
  for (
    const [program, code] of [
      ["/no/such/program", "ProgramNotFound"],
      ["no-such-program", "ProgramNotFound"],
      ["/etc/passwd", "ProgramNotExecutable"],
      ["/bin", "ProgramNotExecutable"],
    ] as const
  ) {
    await assertCode(code, () => hold(workspace, [program]));
    assertEquals(await listContainers(workspace.stateRoot), []);
  }
  assertEquals(findCgroups([workspace.tag]), []);
});

test("a program that cannot be executed is told to who starts it", async (workspace) => {
  const script = `${workspace.rootfs}/bin/unreadable`;
  await Deno.writeTextFile(script, "#!/no/such/interpreter\n", { mode: 0o755 });
  const held = await hold(workspace, ["/bin/unreadable"]);
  await assertCode("ProgramNotFound", () => release(workspace, held.state));
  const after = await readState(`${workspace.stateRoot}/${held.state.id}`);
  assertEquals([after?.phase, after?.resources.cgroups], ["stopped", []]);
  await remove(workspace, held);
  await Deno.remove(script);
});

test("every step before and after the wait fails cleanly", async (workspace) => {
  const config = {
    ...await readConfig(workspace),
    hooks: {
      startContainer: [{ path: "/bin/true" }],
      poststart: [{ path: "/bin/true" }],
    },
    scheduler: { policy: "SCHED_BATCH", nice: 1 },
  } as const;
  const plan = await planOf(workspace, config);
  const { hold: before, release: after } = plan;
  const publish = before.parent.findIndex(({ op }) => op === "park.publish");
  for (const index of [publish - 2, publish - 1, publish]) {
    const fault: Fault = { list: "parent", index, errno: ERRNO };
    const error = await assertCode(
      "SystemError",
      () => hold(workspace, "echo never", { config, fault }),
    );
    assertEquals(operationOf(error), before.parent[index]?.op);
    assertEquals(await listContainers(workspace.stateRoot), []);
  }
  const find = before.child.findIndex(({ op }) => op === "program.find");
  const fault: Fault = { list: "child", index: find, errno: ERRNO };
  await assertCode(
    "ProgramNotExecutable",
    () => hold(workspace, "echo never", { config, fault }),
  );
  assertEquals(await listContainers(workspace.stateRoot), []);
  for (const index of after.parent.keys()) {
    const held = await hold(workspace, "echo never", { config });
    const fault: Fault = { list: "parent", index, errno: ERRNO };
    const error = await assertCode(
      "SystemError",
      () => release(workspace, held.state, fault),
    );
    assertEquals(operationOf(error), after.parent[index]?.op);
    await remove(workspace, held);
  }
  // In the list of the process the Plan that made it has the fault.
  const from = before.child.findIndex(({ op }) => op === "park") + 1;
  for (let index = from; index < before.child.length - 1; index++) {
    const fault: Fault = { list: "child", index, errno: ERRNO };
    const held = await hold(workspace, "echo never", { config, fault });
    const error = await assertCode(
      "SystemError",
      () => release(workspace, held.state),
    );
    assertEquals(operationOf(error), before.child[index]?.op);
    await remove(workspace, held);
  }
  assertEquals(findCgroups([workspace.tag]), []);
});

function operationOf(error: NsinitError): unknown {
  return error instanceof KernelError ? error.operation : undefined;
}

/** The two Plans of a container, without executing them. */
async function planOf(
  workspace: Workspace,
  config: Config,
): Promise<{ readonly hold: Plan; readonly release: Plan }> {
  const dir = `${workspace.stateRoot}/plan`;
  const attachment = attachToFiles(await workspace.newDirectory());
  const start = await planStart(
    {
      id: "plan",
      config,
      process: processRequest("echo never", { user: "daemon" }),
      attachment,
    },
    dir,
    probeHost(),
    { isHeld: true },
  );
  closeInnerEnds(attachment);
  const { hold, release } = holdStart(start, dir);
  return { hold: hold.plan, release: release(1) };
}

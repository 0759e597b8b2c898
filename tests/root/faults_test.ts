/**
 * Every operation of full Plans fails in turn: the one right error comes out,
 * and nothing is left behind.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  AssertionError,
} from "@std/assert";
import type { Fault } from "../../ffi/encode_plan.ts";
import { closeFd, waitPidfd } from "../../ffi/native.ts";
import { PlanRun } from "../../ffi/plan_run.ts";
import { closeInnerEnds } from "../../lib/container/attach.ts";
import { createContainer } from "../../lib/container/create.ts";
import { deleteContainer } from "../../lib/container/delete.ts";
import { joinContainer } from "../../lib/container/join.ts";
import {
  prepareContainer,
  startPrepared,
} from "../../lib/container/prepare.ts";
import { specOf } from "../../lib/container/process_spec.ts";
import { undoOf } from "../../lib/container/recover.ts";
import { planSandbox, planStart } from "../../lib/container/start.ts";
import {
  lockState,
  readState,
  stateDirectory,
  unlockState,
} from "../../lib/container/store.ts";
import { KernelError, NsinitError, ProgramError } from "../../lib/errors.ts";
import { probeHost } from "../../lib/host/probe.ts";
import { buildJoinPlan } from "../../lib/plan/join.ts";
import { type Op, type OpList, type OpName, OPS } from "../../lib/plan/ops.ts";
import type { Plan } from "../../lib/plan/ops.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import {
  hostRootPlan,
  hostUserPlan,
  madeRootPlan,
  overlayPlan,
  placedPlan,
  stagedPlan,
  userNamespacePlan,
} from "../support/fault_plans.ts";
import { captureHostState, type Ownership } from "../support/host_state.ts";
import {
  attachToFiles,
  InProcess,
  type InProcessRequest,
  processRequest,
  readConfig,
} from "../support/in_process.ts";
import { TestNetwork } from "../support/network.ts";
import { delay, mustRun, waitFor } from "../support/nsinit.ts";
import { OwnNetwork } from "../support/own_network.ts";

const test = containerTests("faults");
/** Disk quota exceeded: no operation of ours meets it by itself. */
const ERRNO = 122;
const SETTLE_MS = 3000;
/** Names of all operations that were made to fail. */
const failed = new Set<OpName>();

function openDescriptors(): string[] {
  const links: string[] = [];
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      links.push(Deno.readLinkSync(`/proc/self/fd/${name}`));
    } catch {
      continue; // the descriptor of the listing itself
    }
  }
  return links.filter((link) => !link.startsWith("/proc/")).sort()
    .map((link, index) => `descriptor ${index}: ${link}`);
}

/** All that a start could leave, one line each. */
function captureAll(owner: Ownership): Set<string> {
  const { cgroups, mounts, processes, files } = captureHostState(owner);
  return new Set([
    ...cgroups,
    ...mounts,
    ...processes,
    ...files,
    ...OwnNetwork.interfaces().map((name) => `interface ${name}`),
    ...openDescriptors(),
  ]);
}

/** A listener is closed when the kernel tells of its last process' end. */
async function listenersClosed(): Promise<void> {
  await waitFor(
    "the listeners of earlier containers to be closed",
    () => !openDescriptors().some((line) => line.includes("seccomp notify")),
  );
}

/** The kernel removes dead processes and their namespaces a moment later. */
async function assertSame(
  before: ReadonlySet<string>,
  owner: Ownership,
  what: string,
): Promise<void> {
  const end = Date.now() + SETTLE_MS;
  for (;;) {
    const after = captureAll(owner);
    const left = [...after.difference(before)].map((line) => `+ ${line}`);
    const gone = [...before.difference(after)].map((line) => `- ${line}`);
    if (left.length + gone.length === 0) return;
    if (Date.now() > end) {
      throw new AssertionError(
        `${what}: not as before:\n${[...left, ...gone].join("\n")}`,
      );
    }
    await delay(10);
  }
}

function assertRightError(error: unknown, op: Op, fault: Fault): void {
  if (op.op === "exec") {
    assertInstanceOf(error, ProgramError);
    assertEquals(
      [error.code, error.context["errno"]],
      ["ProgramNotExecutable", fault.errno],
    );
    return;
  }
  assertInstanceOf(error, KernelError, String(error));
  assertEquals(
    [error.operation, error.list, error.index, error.errno, error.errnoName],
    [op.op, fault.list, fault.index, fault.errno, "EDQUOT"],
    error.message,
  );
}

/** Makes each operation of some lists fail, and looks after each. */
async function failEach(
  plan: Plan,
  lists: readonly OpList[],
  owner: Ownership,
  attempt: (fault: Fault) => Promise<unknown>,
  isWanted: (op: Op, index: number) => boolean = () => true,
): Promise<void> {
  await listenersClosed();
  const before = captureAll(owner);
  for (const list of lists) {
    for (const [index, op] of plan[list].entries()) {
      if (!isWanted(op, index)) continue;
      const fault: Fault = { list, index, errno: ERRNO };
      const error = await attempt(fault).then(
        () => new Error("it succeeded"),
        (reason) => reason,
      );
      assertRightError(error, op, fault);
      await assertSame(before, owner, `${list} ${index} ${op.op}`);
      failed.add(op.op);
    }
  }
}

function ownerOf(workspace: Workspace, ...directories: string[]): Ownership {
  return {
    names: [workspace.tag],
    directories: [workspace.stateRoot, ...directories],
  };
}

/** The Plan of a request, without executing it. */
async function planOf(
  workspace: Workspace,
  request: InProcessRequest,
): Promise<Plan> {
  const attachment = attachToFiles(await workspace.newDirectory());
  const directory = request.directory ?? await workspace.newDirectory();
  const start = await planStart(
    {
      id: "plan",
      config: request.config,
      directory,
      process: processRequest(request.args, request.process),
      attachment,
      ...(request.configPath ? { configPath: request.configPath } : {}),
    },
    `${workspace.stateRoot}/plan`,
    probeHost(),
  );
  closeInnerEnds(attachment);
  return start.plan;
}

/** Starts once for real, which also makes mount points, then fails at every step. */
async function failEachOfStart(
  workspace: Workspace,
  request: InProcessRequest,
): Promise<void> {
  await (await InProcess.start(workspace, request))[Symbol.asyncDispose]();
  const plan = await planOf(workspace, request);
  assert(plan.child.length > 15, "the Plan is not a full one");
  const { rootfs } = request.config;
  const owner = rootfs === workspace.rootfs || rootfs === "/"
    ? ownerOf(workspace)
    : ownerOf(workspace, rootfs);
  await failEach(plan, ["parent", "child"], owner, async (fault) => {
    const id = workspace.newName();
    const started = await InProcess.start(workspace, { ...request, id, fault });
    await started[Symbol.asyncDispose]();
  });
}

async function addBridge(name: string, octet: number): Promise<void> {
  const ip = (...args: string[]) => mustRun(["ip", ...args]);
  await ip("link", "add", name, "type", "bridge");
  await ip("addr", "add", `10.77.${octet}.1/24`, "dev", name);
  await ip("link", "set", name, "up");
}

test("every step of a start with a user namespace fails cleanly", async (workspace) => {
  await failEachOfStart(workspace, await userNamespacePlan(workspace));
});

test(
  "every step of a start with interfaces fails cleanly",
  async (workspace) => {
    using _network = new OwnNetwork();
    await addBridge("brfa", 1);
    await addBridge("brfb", 2);
    assert(OwnNetwork.interfaces().includes("brfa"), "programs run elsewhere");
    const request = await hostUserPlan(workspace, ["brfa", "brfb"]);

    await failEachOfStart(workspace, request);
  },
  { needs: ["ip"] },
);

test(
  "an interface that fails to move stays with the host",
  async (workspace) => {
    using _network = new OwnNetwork();
    const ends = ["brmove", "type", "veth", "peer", "name", "brstay"];
    await mustRun(["ip", "link", "add", ...ends]);
    const config = await readConfig(workspace, { networks: [] });
    const request = {
      config: { ...config, netDevices: [{ device: "brmove" }] },
      args: ["/bin/true"],
      blocking: true,
    };
    const plan = await planOf(workspace, request);
    await failEach(
      plan,
      ["parent"],
      ownerOf(workspace),
      async (fault) => {
        await InProcess.start(workspace, { ...request, fault });
      },
      ({ op }) => op === "link.move",
    );
    assert(OwnNetwork.interfaces().includes("brmove"));
  },
  { needs: ["ip"] },
);

test(
  "every step of a start that joins namespaces fails cleanly",
  async (workspace) => {
    await using network = await TestNetwork.create();

    await failEachOfStart(workspace, await stagedPlan(workspace, network.path));
  },
  { needs: ["ip"] },
);

test("every step of a start on the host's root fails cleanly", async (workspace) => {
  await failEachOfStart(workspace, await hostRootPlan(workspace));
});

test("every step of a start with an overlay fails cleanly", async (workspace) => {
  await failEachOfStart(workspace, await overlayPlan(workspace));
});

test("every step of a start that makes its root fails cleanly", async (workspace) => {
  await failEachOfStart(workspace, await madeRootPlan(workspace));
});

test("every step of a start with a root in the host's mounts fails cleanly", async (workspace) => {
  await failEachOfStart(workspace, await placedPlan(workspace));
});

/** Prepares a container and starts a process in it; a fault is in one of the two Plans. */
async function startInSandbox(
  workspace: Workspace,
  request: InProcessRequest,
  faults: { readonly sandbox?: Fault; readonly process?: Fault },
): Promise<void> {
  const { stateRoot } = workspace;
  const id = workspace.newName();
  const created = await createContainer(stateRoot, id, request.config);
  const attachment = attachToFiles(await workspace.newDirectory());
  try {
    const { sandbox, process } = faults;
    const state = await prepareContainer(stateRoot, created, {
      ...(sandbox && { fault: sandbox }),
    });
    assertEquals(state.phase, "prepared");
    const locked = await lockState(stateRoot, id, { make: false });
    assert(locked);
    try {
      const started = await startPrepared(locked, state, {
        process: processRequest(request.args, request.process),
        attachment,
        ...(process && { fault: process }),
      });
      assert(started, "the sandbox was not used");
      const pidfd = started.run.takePidfd();
      waitPidfd(pidfd);
      closeFd(pidfd);
      started.run.close();
    } finally {
      unlockState(locked);
    }
  } finally {
    closeInnerEnds(attachment);
    // The container itself is as it was created.
    const found = await readState(stateDirectory(stateRoot, id));
    assert(found?.phase === "running" || found?.resources.cgroups.length === 0);
    await deleteContainer(stateRoot, id, { force: true });
  }
}

/** Where the lists of a sandbox and its process begin and end. */
const ENDS: ReadonlySet<OpName> = new Set(
  ["spawn", "await", "state.save", "root.pivot", "park"],
);

async function failEachOfSandbox(
  workspace: Workspace,
  request: InProcessRequest,
): Promise<void> {
  await startInSandbox(workspace, request, {});
  const { config } = request;
  const attachment = attachToFiles(await workspace.newDirectory());
  const sandbox = await planSandbox(
    { id: "plan", config, cgroupNameTaken: true },
    `${workspace.stateRoot}/plan`,
    probeHost(),
  );
  const process = processRequest(request.args, request.process);
  const rest = sandbox.planProcess(specOf(config, process, attachment));
  closeInnerEnds(attachment);
  const owner = ownerOf(workspace, config.rootfs);
  const lists = ["parent", "child"] as const;
  await failEach(
    sandbox.start.plan,
    lists,
    owner,
    (fault) => startInSandbox(workspace, request, { sandbox: fault }),
    // Most are those of an ordinary start.
    ({ op }, index) => ENDS.has(op) || index % 5 === 0,
  );
  await failEach(
    rest,
    lists,
    owner,
    (fault) => startInSandbox(workspace, request, { process: fault }),
  );
}

test("every step of a sandbox that waits, and of its process, fails cleanly", async (workspace) => {
  await failEachOfSandbox(workspace, await userNamespacePlan(workspace));
});

for (const tty of [false, true]) {
  const kind = tty ? "with a terminal" : "without a terminal";
  test(`every step of a join ${kind} fails cleanly and leaves the container alone`, async (workspace) => {
    const request = await userNamespacePlan(workspace);
    await using container = await InProcess.start(workspace, {
      ...request,
      args: ["/bin/sleep", "100"],
    });
    const { state } = container;
    const process = processRequest(["/bin/true"], {
      tty,
      user: "user",
      extraFiles: [0],
    });
    const outputs = await workspace.newDirectory();
    const join = async (fault?: Fault): Promise<void> => {
      const run = await joinContainer(
        state,
        process,
        attachToFiles(outputs),
        fault ? { fault } : {},
      );
      const pidfd = run.takePidfd();
      assertEquals(waitPidfd(pidfd).code, 0);
      closeFd(pidfd);
      run.close();
    };
    await join();
    const plan = joinPlanOf(state, process.user ?? "", tty);
    const owner = ownerOf(workspace, request.config.rootfs);
    await failEach(
      plan,
      ["parent", "child"],
      owner,
      join,
    );
    await join();
  });
}

/** The Plan that `joinContainer` makes; slots and descriptors do not matter here. */
function joinPlanOf(
  state: InProcess["state"],
  user: string,
  tty: boolean,
): Plan {
  const groups = state.resources.cgroups;
  const unified = groups.find(({ version }) => version === 2);
  const limits = state.config.rlimits ?? [];
  const fd = { fd: 0 };
  return buildJoinPlan(
    {
      id: state.id,
      config: state.config,
      pid: state.pid,
      pidfd: 0,
      namespaces: state.namespaces,
      cgroupPaths: groups.filter(({ version }) => version === 1)
        .map(({ path }) => ({ version: 1, path, file: "tasks" })),
      ...(unified ? { cgroupV2: unified.path } : {}),
      filter: { flags: 0, program: new Uint8Array(8) },
    },
    {
      args: ["/bin/true"],
      env: [],
      user,
      cwd: "",
      tty,
      stdio: { stdin: fd, stdout: fd, stderr: fd },
      extraFiles: [0],
      rlimits: limits,
    },
    probeHost(),
  );
}

/** Ends a container for each step of its removal, fails there, and deletes it. */
async function failEachOfUndo(
  workspace: Workspace,
  request: InProcessRequest,
): Promise<void> {
  const owner = ownerOf(workspace, request.config.rootfs);
  await (await InProcess.start(workspace, request))[Symbol.asyncDispose]();
  const before = captureAll(owner);

  for (let index = 0;; index++) {
    const container = await InProcess.start(workspace, request);
    const { state, locked } = container;
    const undo = undoOf(state, {
      stateDir: locked.dir,
      lockFd: locked.lockFd,
    });
    const op = undo[index];
    if (op === undefined) {
      await container[Symbol.asyncDispose]();
      break;
    }
    const fault: Fault = { list: "undo", index, errno: ERRNO };
    assertRightError(
      undoWith({ parent: [], child: [], undo }, fault),
      op,
      fault,
    );
    container.unlock();
    // A hook that fails leaves nothing to delete.
    if (op.op !== "hook.run") {
      await deleteContainer(workspace.stateRoot, state.id, {
        force: true,
        blocking: true,
      });
    }
    await container.ended();
    await container[Symbol.asyncDispose]();
    await assertSame(before, owner, `undo ${index} ${op.op}`);
    failed.add(op.op);
  }
}

test(
  "what a failed removal left is removed by the next delete",
  async (workspace) => {
    using _network = new OwnNetwork();
    await addBridge("brfa", 1);
    await addBridge("brfb", 2);
    await failEachOfUndo(
      workspace,
      await hostUserPlan(workspace, ["brfa", "brfb"]),
    );
  },
  { needs: ["ip"] },
);

test("what a failed removal left of a root in the host's mounts is removed by the next delete", async (workspace) => {
  await failEachOfUndo(workspace, await placedPlan(workspace));
});

/** Runs an undo list with a fault and gives its error. */
function undoWith(plan: Plan, fault: Fault): unknown {
  const run = new PlanRun(plan, fault);
  try {
    run.undo();
    return undefined;
  } catch (error) {
    return error;
  } finally {
    run.close();
  }
}

test("a start that fails by itself says where", async (workspace) => {
  const config = await readConfig(workspace, { hostname: "x".repeat(64) });
  const error = await InProcess.start(workspace, {
    config: { ...config, hostname: "x".repeat(65) },
    args: ["/bin/true"],
  }).then(() => undefined, (reason) => reason);

  assertInstanceOf(error, NsinitError);
});

/** What this machine's Plans cannot hold. */
function notHere(): Set<string> {
  const { cgroup, apparmor, selinux } = probeHost();
  // Only users have ids mapped by others, see rootless_test.ts; those of systemd
  // need it, see systemd_driver_test.ts; starts in two steps are in held_test.ts.
  const names = new Set([
    "monitor",
    "idmap.run",
    "systemd.scope",
    "cgroup.adopt",
    "park.publish",
    "park.connect",
    "program.find",
    // Of restores, see restore_test.ts; the last one is the monitor's.
    "await.end",
    "process.use",
    "undo.unless",
  ]);
  const controllers = (version: 1 | 2) =>
    cgroup.hierarchies.filter((each) => each.version === version)
      .flatMap((each) => each.controllers);
  const enabled = ["cpu", "io", "memory", "pids"];
  if (!controllers(2).some((name) => enabled.includes(name))) {
    names.add("cgroup.enable");
  }
  if (controllers(1).includes("devices")) names.add("cgroup.devices");
  if (!controllers(1).includes("cpuset")) names.add("cgroup.cpuset");
  if (!apparmor) names.add("label.apparmor");
  if (!selinux) names.add("label.selinux");
  // A unified hierarchy is entered by clone3(2) and shown by one mount.
  if (cgroup.mode === "v2") names.add("cgroup.join").add("dir.make");
  return names;
}

test("every operation that this machine can execute was made to fail", () => {
  const missing = Object.keys(OPS).filter((name) =>
    !failed.has(name as OpName) && !notHere().has(name)
  );

  assertEquals(missing, []);
}, { needs: ["ip"] });

/**
 * What starts, joins, commands and containers cost, in counts.
 *
 * @module
 */
import { probeHost } from "../../lib/host/probe.ts";
import { checkBudget, hasBudget } from "../support/budgets.ts";
import { makeBundle, skipAloud } from "../support/bundle.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { mustRun, REPOSITORY, runProgram, waitFor } from "../support/nsinit.ts";
import { type Call, isOfEngine, traceCalls } from "../support/strace.ts";

const test = containerTests("budgets");
/** An end may come a little earlier or later than what is done meanwhile. */
const CALLS_ROOM = 0.08;
const MODULES_ROOM = 0.05;
/** What is promised, whatever is measured. */
const CONTAINER_BYTES = 8192;
const MONITOR_KIB = 256;

const DENO = Deno.execPath();
const SOURCE = [DENO, "run", "-A", "--no-check", "--no-lock"];
const OPEN = "open,openat";

/** Files of that kind below a folder that were opened, each once. */
function filesOpened(
  calls: readonly Call[],
  folder: string,
  extension: string,
): string[] {
  const paths = calls.map(({ text }) => /"([^"]+)"/.exec(text)?.[1] ?? "");
  return [...new Set(paths)].filter((path) =>
    path.startsWith(`${folder}/`) && path.endsWith(extension)
  );
}

/** Commands of the program, with what they are counted as. */
const COMMANDS: Readonly<Record<string, readonly string[]>> = {
  "--version": ["--version"],
  list: ["list"],
  state: ["state"],
  ps: ["ps"],
  stats: ["stats"],
  config: ["config", "--data-path", "/"],
  explain: ["explain", "/bin/true"],
  "exec, joining": ["exec", "/bin/true"],
};

/** Runs each command beside a container that lives, then one that starts a container. */
async function forEachCommand(
  workspace: Workspace,
  action: (
    name: string,
    args: readonly string[],
    cwd: string,
  ) => Promise<void>,
): Promise<void> {
  const container = await workspace.container();
  await using running = await container.hold();
  const root = ["--root", workspace.stateRoot];
  for (const [name, args] of Object.entries(COMMANDS)) {
    await action(name, [...root, ...args], container.dir);
  }
  await running.closeStdin();
  await running.ended();
  const start = [...root, "exec", "/bin/true"];
  await action("exec, starting", start, container.dir);
}

test("modules that each command loads from the sources", async (workspace) => {
  await forEachCommand(workspace, async (name, args, cwd) => {
    const command = [...SOURCE, `${REPOSITORY}/cli.ts`, ...args];
    const calls = await traceCalls(command, OPEN, { cwd });
    const count = filesOpened(calls, REPOSITORY, ".ts").length;
    await checkBudget(`modules loaded: ${name}`, count, { room: MODULES_ROOM });
  });
});

test("files and bytes that each command reads of the bundle", async (workspace) => {
  const folder = await makeBundle(`${await workspace.newDirectory()}/bundle`);
  if (folder === undefined) return;
  await forEachCommand(workspace, async (name, args, cwd) => {
    const command = [`${folder}/nsinit`, ...args];
    const calls = await traceCalls(command, OPEN, { cwd });
    const files = filesOpened(calls, folder, ".js");
    const sizes = files.map((path) => Deno.statSync(path).size);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    await checkBudget(`chunks of the bundle: ${name}`, files.length, {
      // A short way has one file, or is none.
      room: files.length === 1 ? 0 : MODULES_ROOM,
    });
    await checkBudget(`bytes of the bundle: ${name}`, bytes, {
      room: MODULES_ROOM,
    });
  });
});

test("files that a look of top reads of each container", async (workspace) => {
  const container = await workspace.container();
  await using running = await container.hold();
  const { pid } = JSON.parse(
    await mustRun(
      [
        ...SOURCE,
        `${REPOSITORY}/cli.ts`,
        "--root",
        workspace.stateRoot,
        "list",
        "--format",
        "json",
      ],
    ),
  )[0];
  const command = [
    ...SOURCE,
    `${REPOSITORY}/cli.ts`,
    "--root",
    workspace.stateRoot,
    "top",
    "--once",
  ];
  const calls = await traceCalls(command, OPEN);
  const own = new RegExp(
    `"(/proc/${pid}/|/sys/fs/cgroup/.*${workspace.tag}|${workspace.stateRoot}/.)`,
  );
  const looks = 2;
  const count = calls.filter(({ text }) => own.test(text)).length / looks;
  const { mode, hierarchies } = probeHost().cgroup;
  const name =
    `files that top reads (cgroup ${mode}, hierarchies: ${hierarchies.length})`;
  await running.closeStdin();
  await running.ended();
  if (!await hasBudget(name)) {
    return await skipAloud(`nobody has measured ${name}`);
  }
  await checkBudget(name, count);
});

/** Calls between two marks of `traced_start.ts`. */
function phaseOf(calls: readonly Call[], phase: string): readonly Call[] {
  const from = calls.findIndex(({ text }) =>
    text.includes(`"/budget/${phase}"`)
  );
  const rest = calls.slice(from + 1);
  const end = rest.findIndex(({ text }) => text.includes('"/budget/end"'));
  if (from < 0 || end < 0) throw new Error(`no phase ${phase} in the trace`);
  return rest.slice(0, end);
}

/** Calls of the processes inside, up to the program that they become. */
function callsInside(calls: readonly Call[]): Call[] {
  const inside = new Set(
    calls.filter(({ name, text }) =>
      name === "execveat" && text.includes('"nsinit"')
    ).map(({ thread }) => thread),
  );
  const found: Call[] = [];
  const running = new Set<string>();
  for (const call of calls) {
    // What a stage clones begins with no execveat of its own.
    const isProgram = call.name === "execve";
    if (isProgram) inside.add(call.thread);
  }
  for (const call of calls) {
    if (!inside.has(call.thread) || running.has(call.thread)) continue;
    found.push(call);
    if (call.name === "execve") running.add(call.thread);
  }
  return found;
}

test("system calls of a start and of a join of the library", async (workspace) => {
  const script = `${REPOSITORY}/tests/support/traced_start.ts`;
  const args = [workspace.stateRoot, workspace.rootfs, workspace.tag];
  const calls = await traceCalls([...SOURCE, script, ...args], undefined);
  const { mode, hierarchies } = probeHost().cgroup;
  const layout = `cgroup ${mode}, hierarchies: ${hierarchies.length}`;
  const room = CALLS_ROOM;
  for (const phase of ["start", "join"]) {
    const all = phaseOf(calls, phase);
    const inside = callsInside(all);
    const threads = new Set(inside.map(({ thread }) => thread));
    const caller = all.filter((call) =>
      !threads.has(call.thread) && !isOfEngine(call)
    );
    const name = `system calls of a ${phase} (${layout})`;
    if (!await hasBudget(`${name}: inside`)) {
      return await skipAloud(`nobody has measured a ${phase} with ${layout}`);
    }
    await checkBudget(`${name}: inside`, inside.length, { room });
    await checkBudget(`${name}: caller`, caller.length, { room });
  }
});

test("system calls of a start that the launcher repeats", async (workspace) => {
  const folder = await makeBundle(`${await workspace.newDirectory()}/bundle`);
  if (folder === undefined) return;
  const container = await workspace.container();
  const command = [`${folder}/nsinit`, "--root", workspace.stateRoot, "exec"];
  const line = [...command, "/bin/true"];
  const traced = await waitFor("a start without Deno", async () => {
    const { code, stderr } = await runProgram(line, { cwd: container.dir });
    if (code !== 0) throw new Error(stderr);
    const calls = await traceCalls(line, undefined, { cwd: container.dir });
    const isDeno = calls.some(({ name, text }) =>
      name === "execve" && text.includes('"run", ')
    );
    return isDeno ? false : calls;
  }, 60_000);
  const own = traced.filter(({ thread }) => thread === traced[0]?.thread);
  const { mode, hierarchies } = probeHost().cgroup;
  const name =
    `system calls of a repeated start (cgroup ${mode}, hierarchies: ` +
    `${hierarchies.length}): launcher and monitor`;
  if (!await hasBudget(name)) {
    return await skipAloud(`nobody has measured ${name}`);
  }
  await checkBudget(name, own.length, { room: CALLS_ROOM });
});

test("resident memory of an attached command while its container runs", async (workspace) => {
  const container = await workspace.container();
  await using running = await container.hold();
  await container.waitForMonitor(running);
  const status = await Deno.readTextFile(`/proc/${running.pid}/status`);
  const kibibytes = Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1]);
  await running.closeStdin();
  await running.ended();
  await checkBudget("KiB of the monitor", kibibytes, { agreed: MONITOR_KIB });
});

test("memory of a container that runs and is waited for", async (workspace) => {
  const script = `${REPOSITORY}/tests/support/memory_of_containers.ts`;
  const args = [workspace.stateRoot, workspace.rootfs, workspace.tag];
  const bytes = await mustRun(
    [...SOURCE, "--v8-flags=--expose-gc", script, ...args],
    { timeoutMs: 180_000 },
  );
  await checkBudget("bytes of JavaScript for a container", Number(bytes), {
    agreed: CONTAINER_BYTES,
  });
});

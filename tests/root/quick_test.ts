/**
 * The short way of commands that only read: what the bundle says is what the
 * sources say, whether it takes that way or leaves it.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { QUICK_COMMANDS } from "../../tasks/quick.ts";
import { makeBundle } from "../support/bundle.ts";
import { containerTests } from "../support/containers.ts";
import {
  nsinitCommand,
  type RunOptions,
  runProgram,
  type RunResult,
} from "../support/nsinit.ts";
import { traceCalls } from "../support/strace.ts";

const test = containerTests("quick");

/** Figures that are other ones a moment later, times, and names made by chance. */
const PASSING = /\b[0-9a-f]{12,}\b|\d+(\.\d+)?/g;

function lasting({ code, stdout, stderr }: RunResult): unknown[] {
  return [code, stdout.replace(PASSING, "N"), stderr.replace(PASSING, "N")];
}

test("the short way answers as the whole program, and is not left where all is usual", async (workspace) => {
  const folder = await makeBundle(`${await workspace.newDirectory()}/bundle`);
  if (folder === undefined) return;
  const container = await workspace.container();
  await using running = await container.hold();
  const file = `${container.dir}/container.json`;
  const bundle = `${await workspace.newDirectory()}/config.json`;
  await runProgram([
    ...nsinitCommand(),
    ...["convert", "--format", "oci", "--file", bundle, file],
  ]);
  const usual: readonly (readonly string[])[] = [
    ["list"],
    ["ls", "--format", "json"],
    ["list", "-q"],
    ["state"],
    ["state", "--format=table"],
    ["ps"],
    ["ps", "--format", "json", await container.id()],
    ["stats"],
    ["stats", "--format", "json"],
    ["config", "--data-path", "/"],
    ["config", "--data-path", "/", "--format", "oci"],
    ["config", "--memory-limit", "64m", "--data-path", "/"],
    ["config", "--bind", "/tmp:/mnt:ro", "--config", file],
    ["config", "--host-root"],
    ["config"],
    ["convert", file],
    ["convert", "--format", "oci", file],
    ["convert", bundle],
    ["explain", "/bin/true", "-x"],
    ["explain", "--json"],
    ["explain", "--hostname", "x", "--pids-limit", "9"],
    ["explain", "--host-root", "/bin/true"],
    ["doctor"],
    ["doctor", "--json"],
  ];
  const root = ["--root", workspace.stateRoot];
  const env = { DENO: Deno.execPath() };
  const options: RunOptions = { cwd: container.dir, env };
  const both = (
    line: readonly string[],
    more: RunOptions = {},
  ): Promise<RunResult[]> =>
    Promise.all(
      [[`${folder}/nsinit`], nsinitCommand()].map((program) =>
        runProgram([...program, ...root, ...line], { ...options, ...more })
      ),
    );

  for (const line of usual) {
    const [quick, whole] = await both(line);
    assert(quick && whole);
    assertEquals(lasting(quick), lasting(whole), line.join(" "));
    assertEquals(whole.code, 0, line.join(" ") + whole.stderr);
    const calls = await traceCalls(
      [`${folder}/nsinit`, ...root, ...line],
      "open,openat",
      { cwd: container.dir },
    );
    const files = calls.filter(({ text }) => text.includes(`${folder}/js/`));
    assertEquals(files.length, 1, `${line} leaves the short way`);
  }
  const covered = new Set(usual.map(([name]) => name));
  for (const name of QUICK_COMMANDS) assert(covered.has(name), name);

  const unusual: readonly (readonly string[])[] = [
    ["list", "--nonsense"],
    ["list", "more"],
    ["list", "--help"],
    ["--log-format", "json", "list", "--quit"],
    ["ps", "no-such-container"],
    ["stats", "--interval", "1s"],
    ["state", "a/b"],
    ["config", "--host-root", "--memory-limit", "much"],
    ["config", "--bind", "nothing"],
    ["config", "--config", "no-such-file"],
    ["config", "--dialect", "Z"],
    ["convert", "no-such-file"],
    ["explain", "--user"],
    ["doctor", "you"],
  ];
  for (const line of unusual) {
    const [quick, whole] = await both(line);
    assert(quick && whole);
    assertEquals(lasting(quick), lasting(whole), line.join(" "));
  }

  // What can be read once is read once.
  const stdin = await Deno.readTextFile(file);
  for (const line of [["convert", "-"], ["convert", "/dev/stdin"]]) {
    const [quick, whole] = await both(line, { stdin });
    assert(quick && whole);
    assertEquals(quick.stdout, whole.stdout, quick.stderr);
    assertEquals(quick.code, 0);
    const [broken] = await both(line, { stdin: `${stdin}x` });
    assertEquals(broken?.code, 125);
    assert(broken?.stderr.includes("/dev/stdin:"), broken?.stderr);
  }
  await running.closeStdin();
  await running.ended();
});

test("the short way leaves what killed owners left to the whole program", async (workspace) => {
  const folder = await makeBundle(`${await workspace.newDirectory()}/bundle`);
  if (folder === undefined) return;
  const container = await workspace.container();
  const running = await container.hold();
  Deno.kill(running.pid, "SIGKILL");
  await running.ended();
  const { code, stdout } = await runProgram([
    `${folder}/nsinit`,
    "--root",
    workspace.stateRoot,
    "list",
    "--quiet",
  ], { env: { DENO: Deno.execPath() } });

  assertEquals([code, stdout], [0, ""]);
  const left = await Array.fromAsync(Deno.readDir(workspace.stateRoot));
  assertEquals(left, []);
});

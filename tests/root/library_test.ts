/**
 * The library where it is not at its usual place: in memory, and imported from
 * elsewhere without a network.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { openFromMemory } from "../../ffi/library.ts";
import { ABI } from "../../ffi/layout.ts";
import { makeBundle, OFFLINE_ERRORS, skipAloud } from "../support/bundle.ts";
import { containerTests } from "../support/containers.ts";
import { compileArguments } from "../../tasks/compile.ts";
import {
  nsinit,
  REPOSITORY,
  runProgram,
  type RunResult,
} from "../support/nsinit.ts";

const test = containerTests("library");
const LIBRARY = `${REPOSITORY}/lib/libnsinit.so`;
const OFFLINE = ["unshare", "--net"];

/** What a program that only has this checkout's modules needs. */
const MODULES = ["mod.ts", "cli.ts", "deno.json", "lib", "ffi", "std"];

test("the library opens from bytes in memory", async () => {
  const library = openFromMemory(await Deno.readFile(LIBRARY));

  assertEquals(library.nsi_abi(), ABI);
  assertEquals(library.nsi_geteuid(), 0);
});

test("memory that the library was opened from cannot be changed", async () => {
  openFromMemory(await Deno.readFile(LIBRARY));
  const [line = ""] = (await Deno.readTextFile("/proc/self/maps")).split("\n")
    .filter((text) => text.includes("memfd:libnsinit.so"));
  const path = `/proc/self/map_files/${line.split(" ")[0]}`;

  const failure = await Deno.open(path, { write: true }).then(
    (file) => {
      file.close();
      return undefined;
    },
    (error) => error,
  );

  // A write seal: the file can be opened by root, but nothing can be written.
  if (failure === undefined) {
    const error = await Deno.writeFile(path, new Uint8Array([0]), {
      create: false,
      append: true,
    }).then(() => undefined, (reason) => reason);
    assertEquals(error instanceof Error, true);
  }
});

test("the bundle runs, lists and describes a container from wherever it lies", async (workspace) => {
  const dir = await workspace.newDirectory();
  const folder = await makeBundle(`${dir}/made`);
  if (folder === undefined) return;
  // Moved, and reached through a link.
  await Deno.rename(folder, `${dir}/moved`);
  await Deno.symlink(`${dir}/moved/nsinit`, `${dir}/link`);
  const home = await workspace.newDirectory();
  await Deno.writeTextFile(
    `${home}/container.json`,
    JSON.stringify(workspace.config()),
  );
  const bundled = (...args: string[]): Promise<RunResult> =>
    runProgram([`${dir}/link`, "--root", workspace.stateRoot, ...args], {
      cwd: home,
      env: { DENO: Deno.execPath() },
    });

  const attached = await bundled("exec", "/bin/hostname");
  assertEquals(attached, { ...attached, code: 0, stdout: "testing\n" });

  const sleep = "exec >/dev/null 2>&1; exec sleep 600";
  await bundled("exec", "--detach", "/bin/sh", "-c", sleep);
  const list = await bundled("list", "--quiet");
  const state = JSON.parse((await bundled("state")).stdout);
  assertEquals(list.stdout.includes(state.id), true, list.stderr);
  assertEquals(state.status, "running");

  const joined = await bundled("exec", "/bin/hostname");
  assertEquals(joined, { ...joined, code: 0, stdout: "testing\n" });
  assertEquals((await bundled("delete", "--force")).code, 0);
  const wrong = await bundled("lits");
  assertEquals([wrong.code, wrong.stderr.includes("list?")], [2, true]);
});

test("a compiled program without a library beside it runs containers from memory", async (workspace) => {
  const program = `${workspace.dir}/nsinit-compiled`;
  const folder = await makeBundle(`${await workspace.newDirectory()}/made`);
  if (folder === undefined) return;
  const compiled = await runProgram(
    [Deno.execPath(), ...compileArguments(folder, program)],
    { timeoutMs: 120_000 },
  );
  if (compiled.code !== 0) {
    // The runtime that programs are made of has to be downloaded once.
    if (!OFFLINE_ERRORS.test(compiled.stderr)) throw new Error(compiled.stderr);
    await skipAloud("deno compile has no runtime here and no network");
    return;
  }
  const dir = await workspace.newDirectory();
  const config = workspace.config();
  await Deno.writeTextFile(`${dir}/container.json`, JSON.stringify(config));
  const args = ["--root", workspace.stateRoot, "exec", "/bin/hostname"];

  const { code, stdout, stderr } = await runProgram([program, ...args], {
    cwd: dir,
  });

  assertEquals([code, stdout, stderr], [0, "testing\n", ""]);
  await Deno.remove(program);
});

test("a script elsewhere imports mod.ts with no configuration and no network", async (workspace) => {
  const dir = await workspace.newDirectory();
  const cache = await workspace.newDirectory();
  await Deno.writeTextFile(
    `${dir}/script.ts`,
    `import { parseConfig } from ${JSON.stringify(`${REPOSITORY}/mod.ts`)};
const config = await parseConfig('{"rootfs": "/srv", "hostname": "far", "namespaces": [{"type": "NEWNS"}, {"type": "NEWUTS"}],}');
console.log(config.hostname);
`,
  );

  const { code, stdout, stderr } = await runProgram(
    [Deno.execPath(), "run", "--quiet", "script.ts"],
    { cwd: dir, env: { DENO_DIR: cache }, prefix: OFFLINE },
  );

  assertEquals([code, stdout, stderr], [0, "far\n", ""]);
});

test("importing mod.ts opens no library and needs no permission", async (workspace) => {
  const dir = await workspace.newDirectory();
  await Deno.writeTextFile(
    `${dir}/script.ts`,
    `import { defaultConfig, formatConfig } from ${
      JSON.stringify(`${REPOSITORY}/mod.ts`)
    };
if ((await formatConfig(defaultConfig("/srv"), "container.json")).length < 100) throw new Error("short");
`,
  );

  const { code, stderr } = await runProgram(
    [Deno.execPath(), "run", "--quiet", "--no-prompt", "script.ts"],
    { cwd: dir, prefix: OFFLINE },
  );

  assertEquals([code, stderr], [0, ""]);
});

test("without the library the error says how to build it", async (workspace) => {
  const copy = await workspace.newDirectory();
  for (const name of MODULES) {
    const source = `${REPOSITORY}/${name}`;
    await runProgram(["cp", "-r", source, copy]);
  }
  await Deno.remove(`${copy}/lib/libnsinit.so`);
  const command = [Deno.execPath(), "run", "-A", "--no-lock", "--quiet"];

  const { code, stderr } = await runProgram(
    [...command, `${copy}/cli.ts`, "exec", "/bin/true"],
    { cwd: workspace.rootfs },
  );

  assertEquals(code, 125);
  assertEquals(stderr.includes('run "deno task build"'), true, stderr);
});

test("commands work with the network off", async () => {
  const { code, stdout } = await nsinit(["--version"], { prefix: OFFLINE });

  assertEquals(code, 0);
  assertEquals(/\d+\.\d+/.test(stdout), true);
});

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import type { ExecRequest } from "../../../lib/container/request.ts";
import { ConfigError, UsageError } from "../../../lib/errors.ts";
import { EXEC_OPTIONS } from "../../../lib/cli/exec_options.ts";
import {
  type ConfigSource,
  findConfig,
  makeExecRequest,
} from "../../../lib/cli/exec_request.ts";
import {
  GLOBAL_OPTIONS,
  outputOptions,
  stateRootOf,
} from "../../../lib/cli/globals.ts";
import { Output } from "../../../lib/cli/output.ts";
import { parseArgs } from "../../../lib/cli/parse_args.ts";
import { Values } from "../../../lib/cli/values.ts";

const OPTIONS = [...GLOBAL_OPTIONS, ...EXEC_OPTIONS];
const OUTPUT = new Output({ format: "text", debug: false });

function read(
  args: readonly string[],
  environment: Record<string, string> = {},
): { values: Values; args: readonly string[]; output: Output } {
  const { given, rest } = parseArgs(args, OPTIONS, {
    stopEarly: true,
    command: "exec",
  });
  const values = new Values(OPTIONS, given, (name) => environment[name]);
  return { values, args: rest, output: OUTPUT };
}

function request(
  args: readonly string[],
  environment: Record<string, string> = {},
): Promise<ExecRequest> {
  return Promise.try(makeExecRequest, {
    ...read(args, environment),
    line: args,
  });
}

async function withDirectory(
  run: (dir: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.realPath(await Deno.makeTempDir());
  try {
    await run(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const MINIMAL = '{"rootfs": "/srv/file", "readonlyfs": true, "mounts": [], ' +
  '"namespaces": [{"type": "NEWNS", "path": ""}, {"type": "NEWUTS"}], ' +
  '"hostname": "file", "capabilities": ["KILL"]}';

Deno.test("exec takes the template where there is no container.json", async () => {
  await withDirectory(async (dir) => {
    const made = await request(["--data-path", dir, "/bin/sh", "-c", "x"]);
    assertEquals(made.directory, dir);
    assertEquals(made.configPath, undefined);
    assertEquals(made.process, { args: ["/bin/sh", "-c", "x"], env: [] });
    const config = await made.loadConfig();
    assertEquals([config.rootfs, config.hostname], [Deno.cwd(), "nsinit"]);
    assertEquals(config.parentDeathSignal, 9);
  });
});

Deno.test("exec reads container.json, and options win over it", async () => {
  await withDirectory(async (dir) => {
    await Deno.writeTextFile(`${dir}/container.json`, MINIMAL);
    const environment = { data_path: dir };
    const made = await request(["--hostname", "flag", "sh"], environment);
    assertEquals(made.configPath, `${dir}/container.json`);
    const config = await made.loadConfig();
    assertEquals([config.rootfs, config.hostname], ["/srv/file", "flag"]);
    assertEquals(config.readonlyfs, true);
  });
});

Deno.test("exec prefers --config to container.json", async () => {
  await withDirectory(async (dir) => {
    await Deno.writeTextFile(`${dir}/container.json`, "{");
    await Deno.writeTextFile(`${dir}/other.json`, MINIMAL);
    const args = ["-root", dir, "--config", `${dir}/other.json`, "sh"];
    const made = await request(args);
    assertEquals((await made.loadConfig()).hostname, "file");
  });
});

Deno.test("exec reads nothing before the container has to be started", async () => {
  await withDirectory(async (dir) => {
    await Deno.writeTextFile(`${dir}/container.json`, '{\n  "rootfs": 7\n}');
    const made = await request(["--data-path", dir, "--dialect", "D", "sh"]);
    const error = await assertRejects(() => made.loadConfig(), ConfigError);
    assert(error.message.includes(`${dir}/container.json:2:13`), error.message);
    assertEquals(error.exitCode, 125);
  });
});

Deno.test("exec refuses a container.json that is a pipe or leads nowhere", async () => {
  await withDirectory(async (dir) => {
    await Deno.mkdir(`${dir}/container.json`);
    const args = ["--data-path", dir, "sh"];
    await assertRejects(() => request(args), ConfigError, "no regular file");
    await Deno.remove(`${dir}/container.json`);
    await Deno.symlink("nowhere", `${dir}/container.json`);
    await assertRejects(() => request(args), ConfigError, "No such file");
  });
});

Deno.test("an emptied container.json is what a shell redirects into, not one to run", async () => {
  await withDirectory(async (dir) => {
    const path = `${dir}/container.json`;
    await Deno.writeTextFile(path, "");
    const { values } = read(["--data-path", dir]);
    const find = (expectsEmptyFile: boolean): ConfigSource =>
      findConfig(values, OUTPUT, { expectsEmptyFile });
    assertEquals(find(true).path, undefined);
    const toRun = find(false);
    assertEquals(toRun.path, path);
    await assertRejects(() => toRun.load(), ConfigError, `${path}:1:1`);
    // One that nobody may read keeps the place for a container that runs.
    await Deno.chmod(path, 0);
    const kept = find(false);
    assertEquals(kept.path, undefined);
    assertEquals((await kept.load()).hostname, "nsinit");
  });
});

Deno.test("exec passes on what the program is to be", async () => {
  const line = "-u daemon --cwd /x -e A=1 -e HOME --id web -t a b";
  const made = await request(line.split(" "));
  const home = Deno.env.get("HOME");
  assertEquals(made.id, "web");
  assertEquals(made.process, {
    args: ["a", "b"],
    env: ["A=1", ...(home === undefined ? [] : [`HOME=${home}`])],
    user: "daemon",
    cwd: "/x",
    tty: true,
  });
});

Deno.test("exec --detach lets go of the program", async () => {
  const args = ["--detach", "--pid-file", "a.pid", "sleep", "1"];
  const made = await request(args);
  assertEquals([made.detach, made.process.tty], [true, false]);
  assertEquals(made.pidFile, `${Deno.cwd()}/a.pid`);
  assertEquals((await made.loadConfig()).parentDeathSignal, 0);
});

const REFUSED: readonly [string[], string][] = [
  [[], "Nothing to run"],
  [["--tty", "--detach", "sh"], "leave one of them out"],
  [["--env", "=x", "sh"], "NAME=VALUE"],
  [["--config", "", "sh"], "--config needs"],
  [["a\0b"], "NUL"],
];

for (const [args, says] of REFUSED) {
  Deno.test(`exec refuses ${JSON.stringify(args)}`, async () => {
    await withDirectory(async (dir) => {
      const all = ["--data-path", dir, ...args];
      await assertRejects(() => request(all), UsageError, says);
    });
  });
}

Deno.test("exec refuses --dialect without a file", async () => {
  await withDirectory(async (dir) => {
    const args = ["--data-path", dir, "--dialect", "A1", "sh"];
    await assertRejects(() => request(args), UsageError, "no container.json");
  });
});

Deno.test("exec refuses a directory that is none", async () => {
  for (const path of ["/nowhere-at-all", "/dev/null"]) {
    const args = ["--data-path", path, "sh"];
    await assertRejects(() => request(args), ConfigError, path);
  }
});

Deno.test("--root is made absolute, and refused when empty", () => {
  const root = (...args: string[]): string => stateRootOf(read(args).values);
  assertEquals(root("--root", "/a/../b"), "/b");
  assertEquals(root("--root", "x"), `${Deno.cwd()}/x`);
  assertThrows(() => root("--root="), UsageError, "--root is empty");
});

Deno.test("--log takes what the first versions took for no file", () => {
  for (const name of ["", "none", "stderr"]) {
    const { values } = read(["-log", name]);
    assertEquals(outputOptions(values), { format: "text", debug: false });
  }
  const { values } = read(["--log-file=/a", "--log-format=json", "--debug"]);
  assertEquals(outputOptions(values), {
    format: "json",
    debug: true,
    logFile: "/a",
  });
});

Deno.test("exec --host-root reads no container.json that nobody named", async () => {
  await withDirectory(async (dir) => {
    await Deno.writeTextFile(`${dir}/container.json`, MINIMAL);
    const made = await request([
      "--data-path",
      dir,
      "--host-root",
      "/bin/true",
    ]);
    assertEquals([made.configPath, made.hostRoot], [undefined, true]);
    const config = await made.loadConfig();
    assertEquals([config.rootfs, config.hostname], ["/", "sandbox"]);
    assertEquals(config.capabilities, []);

    const file = `${dir}/container.json`;
    const named = await request(["--config", file, "--host-root", "/bin/true"]);
    assertEquals(named.configPath, file);
    const changed = await named.loadConfig();
    assertEquals([changed.rootfs, changed.hostname], ["/", "file"]);
    assertEquals(changed.hostRoot, {});
  });
});

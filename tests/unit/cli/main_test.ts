import { assert, assertEquals } from "@std/assert";
import { VERSION } from "../../../lib/cli/version.ts";

const CLI = new URL("../../../cli.ts", import.meta.url).pathname;

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function nsinit(...args: string[]): Promise<Result> {
  return await nsinitWith({}, ...args);
}

async function nsinitWith(
  env: Record<string, string>,
  ...args: string[]
): Promise<Result> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--quiet", CLI, ...args],
    stdin: "null",
    env,
  }).output();
  const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

Deno.test("nsinit prints help without a command", async () => {
  const { code, stdout, stderr } = await nsinit();
  assertEquals([code, stderr], [0, ""]);
  assert(stdout.startsWith("Usage: nsinit"));
  assertEquals((await nsinit("--help")).stdout, stdout);
  assertEquals((await nsinit("help")).stdout, stdout);
});

Deno.test("nsinit help CMD and CMD --help are the same", async () => {
  const [help, flag] = await Promise.all([
    nsinit("help", "kill"),
    nsinit("kill", "-h"),
  ]);
  assertEquals(help, flag);
  assert(help.stdout.includes("--signal SIGNAL"));
});

Deno.test("a wrong global option is told in the form that was asked for", async () => {
  for (const format of [["--log-format", "json"], ["-log-format=json"]]) {
    const { code, stderr } = await nsinit(...format, "--nonsense", "list");
    assertEquals(code, 2);
    const { level, code: name, msg } = JSON.parse(stderr);
    assertEquals([level, name], ["error", "UsageInvalid"]);
    assert(msg.startsWith("Unknown option --nonsense"), msg);
  }
  const other = await nsinit("--log-format", "yaml", "list", "json");
  assert(other.stderr.startsWith("nsinit: --log-format cannot be"));
});

Deno.test("nsinit --version prints the version", async () => {
  const wanted = { code: 0, stdout: `nsinit ${VERSION}\n`, stderr: "" };
  assertEquals(await nsinit("--version"), wanted);
  assertEquals(await nsinit("exec", "--version"), wanted);
});

const WRONG: readonly [string[], number, string][] = [
  [["exce"], 2, 'Unknown command "exce"; did you mean exec?'],
  [["frobnicate"], 2, 'Unknown command "frobnicate" (nsinit --help lists'],
  [["constructor"], 2, 'Unknown command "constructor"'],
  [["stop", "web"], 2, 'Unknown command "stop"; did you mean kill?'],
  [["run", "sh"], 2, 'Unknown command "run"; did you mean exec?'],
  [["version"], 2, 'Unknown command "version"; did you mean --version?'],
  [["help", "exec", "ps"], 2, 'help takes one command, and "ps" is one more'],
  [["--rot", "x", "list"], 2, "did you mean --root?"],
  [["init"], 2, "init was an internal command"],
  [["execin", "sh"], 2, "use `nsinit exec CMD`, which joins"],
  [["--nspid", "1", "exec"], 2, "internal option of nsinit 1.x"],
  [["exec", "--func", "mknod", "sh"], 2, "is not served"],
  [["exec", "--data-path", "/proc/self/fdinfo"], 2, "Nothing to run"],
  [["exec", "--memroy-limit=1", "sh"], 2, "did you mean --memory-limit?"],
  [["-root", "/x", "list"], 2, "leave --data-path"],
  [["list", "x"], 2, "list takes no argument"],
  [["config", "x"], 2, "config takes no argument"],
  [["kill", "a", "TREM"], 2, "did you mean TERM?"],
  [["kill", "a", "9", "b"], 2, "Too many arguments"],
  [["kill", "--signal", "9", "a", "9"], 2, "Two signals"],
  [["state", "a", "b"], 2, "Too many arguments"],
  [["state", "a/b"], 125, "a/b"],
  [
    ["state", "--root", "/nowhere", "--data-path", "/"],
    125,
    "No container of / runs",
  ],
  [["ps", "--data-path", "/nowhere"], 125, "directory /nowhere: No such file"],
  [["help", "nope"], 2, "Unknown command"],
  [["help", "a"], 2, "(nsinit --help lists"],
  [["convert"], 2, "Nothing to convert: name a file"],
  [["convert", "a", "b"], 2, '"b" is one more'],
  [["convert", "/nowhere/a"], 125, "/nowhere/a: cannot read"],
  [["convert", "/dev/null", "--format", "yaml"], 2, "container.json, oci"],
  [["update", "a"], 2, "Nothing to change: name a limit"],
  [["update", "a", "--memory-limit", "lots"], 2, "such as 64m"],
  [["update", "a", "--memroy", "1"], 2, "did you mean --memory?"],
  [
    ["update", "--root", "/nowhere", "a", "--pids-limit", "1"],
    125,
    "container does not exist",
  ],
  [["completion"], 2, "bash, zsh, fish"],
  [["completion", "bsh"], 2, "did you mean bash?"],
  [["completion", "bash", "zsh"], 2, '"zsh" is one more'],
  [
    ["config", "--data-path", "/", "--net", "host", "--sysctl", "net.a=1"],
    125,
    "NEWNET",
  ],
];

for (const [args, code, says] of WRONG) {
  Deno.test(`nsinit ${args.join(" ")} is refused`, async () => {
    const result = await nsinit(...args);
    assertEquals([result.code, result.stdout], [code, ""], result.stderr);
    assert(result.stderr.startsWith("nsinit: "), result.stderr);
    assert(result.stderr.includes(says), result.stderr);
    assertEquals(result.stderr.trimEnd().split("\n").length, 1, result.stderr);
  });
}

Deno.test("nsinit writes errors as JSON, and to the log", async () => {
  const log = await Deno.makeTempFile();
  try {
    const { code, stderr } = await nsinit(
      "--log-format=json",
      "--log",
      log,
      "exec",
      "--wrong\x1b",
    );
    assertEquals(code, 2);
    const line = JSON.parse(stderr);
    assertEquals([line.level, line.code], ["error", "UsageInvalid"]);
    assert(line.msg.includes("--wrong\x1b"));
    assert(!Number.isNaN(Date.parse(line.time)));
    assertEquals(await Deno.readTextFile(log), stderr);
  } finally {
    await Deno.remove(log);
  }
});

Deno.test("nsinit says so when the log cannot be written", async () => {
  const { code, stderr } = await nsinit("--log", "/nowhere/log", "exce");
  assertEquals(code, 2);
  assert(stderr.includes("Cannot write to the log file /nowhere/log"), stderr);
});

Deno.test("nsinit does not mind a reader that goes away", async () => {
  const child = new Deno.Command("/bin/sh", {
    args: [
      "-c",
      '{ "$0" run --allow-all --quiet "$1" help exec; echo $? >&2; } | :',
      Deno.execPath(),
      CLI,
    ],
    stderr: "piped",
  });
  const { stderr } = await child.output();
  assertEquals(new TextDecoder().decode(stderr), "0\n");
});

Deno.test("nsinit config prints the template, and writes a file", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const args = ["--data-path", dir, "config", "--hostname", "web"];
    const { code, stdout } = await nsinit(...args);
    assertEquals(code, 0);
    assertEquals(JSON.parse(stdout).hostname, "web");
    const file = `${dir}/container.json`;
    const written = await nsinit(...args, "--file", file);
    assertEquals(written, { code: 0, stdout: "", stderr: "" });
    assertEquals(await Deno.readTextFile(file), stdout);
    const spec = await nsinit("--data-path", dir, "spec");
    assertEquals(spec.stdout, stdout);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("nsinit explain prints a Plan that knows the options", async () => {
  const args = ["explain", "--data-path", "/tmp", "--memory-limit", "64m"];
  const list = await nsinit(...args);
  assertEquals([list.code, list.stderr], [0, ""]);
  assert(list.stdout.includes("67108864"));
  const { stdout } = await nsinit(...args, "--json", "/bin/true");
  assertEquals(Object.keys(JSON.parse(stdout)), ["parent", "child", "undo"]);
});

Deno.test("nsinit convert reads a file or stdin, and warns of what is lost", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const old = `${dir}/old.json`;
    await Deno.writeTextFile(
      old,
      '{ "tty": true, "namespaces": ["NEWNS"], "capabilities": [], "network": null }',
    );
    const { code, stdout, stderr } = await nsinit("convert", old);
    assertEquals(code, 0, stderr);
    const json = JSON.parse(stdout);
    assertEquals(json.rootfs, dir);
    assertEquals(json.namespaces, [{ type: "NEWNS", path: "" }]);
    assert(stderr.includes("warning: as container.json: process.tty is not"));
    const again = `${dir}/config.json`;
    const written = await nsinit("convert", old, "--format=oci", "-f", again);
    assertEquals([written.code, written.stdout], [0, ""], written.stderr);
    const oci = JSON.parse(await Deno.readTextFile(again));
    assertEquals(oci.root, { path: dir, readonly: false });
    const piped = await new Deno.Command("/bin/sh", {
      args: [
        "-c",
        '"$0" run --allow-all --quiet "$1" --data-path "$2" convert - < "$3"',
        Deno.execPath(),
        CLI,
        dir,
        old,
      ],
    }).output();
    assertEquals(new TextDecoder().decode(piped.stdout), stdout);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("nsinit takes the options and variables of every age", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const log = `${dir}/log`;
    // 2014-03: one dash, before the command, `none` for no log.
    const first = ["-root", dir, "-log", "none", "-pipe", "3", "-console", ""];
    const config = await nsinit(...first, "config");
    assertEquals([config.code, config.stderr], [0, ""]);
    // 2014-06: variables; and a log whose lines say when.
    const wrong = await nsinitWith({ data_path: "/nowhere", log }, "spec");
    assertEquals(wrong.code, 125);
    const line = await Deno.readTextFile(log);
    const [time = "", ...rest] = line.split(" ");
    assert(!Number.isNaN(Date.parse(time)), line);
    assertEquals(rest.join(" "), wrong.stderr);
    // 2015: the option wins over the variable.
    const other = await nsinitWith(
      { data_path: "/nowhere", console: "/dev/pts/0" },
      "--data-path",
      dir,
      "--debug",
      "--log-file",
      log,
      "config",
    );
    assertEquals([other.code, other.stderr], [0, ""]);
    assertEquals(other.stdout, config.stdout);
    const lines = (await Deno.readTextFile(log)).trimEnd().split("\n");
    assert(
      / nsinit: debug: [\d.]+ ms: nsinit .*: config as user/.test(
        lines[1] ?? "",
      ),
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { VERSION } from "../../../lib/cli/version.ts";

const PROGRAM = new URL("../../../oci.ts", import.meta.url).pathname;
const CLI = new URL("../../../cli.ts", import.meta.url).pathname;

interface Result {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

async function run(file: string, args: readonly string[]): Promise<Result> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--allow-all", "--quiet", file, ...args],
    stdin: "null",
  }).output();
  const decode = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

const oci = (...args: string[]): Promise<Result> => run(PROGRAM, args);

Deno.test("nsinit-oci --version names itself first", async () => {
  for (const flag of ["--version", "-v", "-version"]) {
    const { code, stdout } = await oci(flag);
    assertEquals(code, 0);
    assert(stdout.startsWith(`nsinit-oci version ${VERSION}`), stdout);
  }
});

Deno.test("nsinit oci is the same, with global options on either side", async () => {
  const root = await Deno.makeTempDir();
  try {
    const direct = await oci("--root", root, "list", "--format", "json");
    assertEquals([direct.code, direct.stdout], [0, "null\n"]);
    for (
      const args of [
        ["--root", root, "oci", "list", "--format", "json"],
        ["oci", `--root=${root}`, "list", "--format=json"],
      ]
    ) {
      assertEquals(await run(CLI, args), direct);
    }
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

const WRONG: readonly (readonly [string[], number, string])[] = [
  [["frobnicate"], 3, "No help topic for 'frobnicate'"],
  [["--log-format", "xml", "list"], 1, "invalid log-format: xml"],
  [["--log", "/no/such/directory/log", "list"], 1, "No such file"],
  [["--log", "journald:x", "list"], 1, "Cannot log to journald: there is no"],
  [["state"], 1, "requires exactly 1 argument(s)"],
  [["state", "a", "b"], 1, "requires exactly 1 argument(s)"],
  [["delete", "--frob", "a"], 1, "--frob"],
  [["kill", "a", "NOSUCH"], 1, "NOSUCH"],
];

Deno.test("nsinit-oci says what is wrong, with the status that engines expect", async () => {
  for (const [args, code, words] of WRONG) {
    const { stderr, ...rest } = await oci(...args);
    assertEquals([args, rest.code], [args, code]);
    assertStringIncludes(stderr, words);
  }
});

Deno.test("nsinit-oci tells about a command", async () => {
  const [flag, word] = await Promise.all([
    oci("create", "--help"),
    oci("help", "create"),
  ]);
  assertEquals(flag.code, 0);
  assertEquals(flag.stdout, word.stdout);
  for (const option of ["--bundle", "--console-socket", "--preserve-fds"]) {
    assertStringIncludes(flag.stdout, option);
  }
});

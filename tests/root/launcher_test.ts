/** What the launcher of the bundle says without Deno. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { ociTexts, programTexts } from "../../tasks/texts.ts";
import { makeBundle } from "../support/bundle.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { REPOSITORY, runProgram } from "../support/nsinit.ts";

const test = containerTests("launcher");
/** With it nothing succeeds that needs Deno. */
const NO_DENO = { DENO: "/nowhere/deno" };

let folder: Promise<string | undefined> | undefined;

function bundleIn(workspace: Workspace): Promise<string | undefined> {
  return folder ??= makeBundle(`${workspace.dir}/bundle`);
}

function wordsOf(line: string): string[] {
  return line.split(" ").filter((word) => word !== "");
}

test("texts that never change are printed without Deno", async (workspace) => {
  const made = await bundleIn(workspace);
  if (made === undefined) return;
  const programs = {
    "nsinit": await programTexts(),
    "nsinit-oci": await ociTexts(),
  };
  for (const [program, texts] of Object.entries(programs)) {
    for (const [line, text] of texts) {
      const { code, stdout, stderr } = await runProgram(
        [`${made}/${program}`, ...wordsOf(line)],
        { env: NO_DENO },
      );
      assertEquals([line, code, stderr], [line, 0, ""]);
      assertEquals(stdout.trimEnd(), text.trimEnd());
    }
  }
});

test("they are those that Deno prints", async (workspace) => {
  const made = await bundleIn(workspace);
  if (made === undefined) return;
  const lines = [
    "",
    "-h",
    "help exec",
    "help rm",
    "ls --help",
    "exec -h",
    "completion zsh",
    "-v",
    "--root /a help",
    "--root=/a/b -v",
    "oci",
    "help oci",
    "oci --help",
    "oci exec -h",
    "--root /a oci --root=/b features",
  ];
  const forEngines = [
    "",
    "help",
    "-v",
    "features",
    "exec --help",
    "help ps",
    "ps -h",
    "completion fish",
    "--root /a completion bash",
  ];
  const deno = [Deno.execPath(), "run", "-A", "--no-check", "--no-lock"];
  for (
    const [program, script, all] of [
      ["nsinit", "cli.ts", lines],
      ["nsinit-oci", "oci.ts", forEngines],
    ] as const
  ) {
    for (const line of all) {
      const words = wordsOf(line);
      const ours = await runProgram([`${made}/${program}`, ...words], {
        env: NO_DENO,
      });
      const theirs = await runProgram([
        ...deno,
        `${REPOSITORY}/${script}`,
        ...words,
      ]);
      assertEquals([line, ours.code, ours.stdout], [line, 0, theirs.stdout]);
    }
  }
});

test("what is no such command line is Deno's", async (workspace) => {
  const made = await bundleIn(workspace);
  if (made === undefined) return;
  for (
    const line of [
      "help ../js/cli",
      "help nothing",
      "list",
      "help a b c",
      "--root help",
      "--root=help -v",
      "--debug help",
      "oci help ../../js/cli",
      "oci oci help",
    ]
  ) {
    const words = wordsOf(line);
    const { code, stderr } = await runProgram([`${made}/nsinit`, ...words], {
      env: NO_DENO,
    });
    assertEquals([line, code], [line, 127]);
    assertStringIncludes(stderr, "Cannot execute Deno");
  }
});

test("a link leads to the program, and PATH to Deno", async (workspace) => {
  const made = await bundleIn(workspace);
  if (made === undefined) return;
  const dir = await workspace.newDirectory();
  await Deno.symlink(`${made}/nsinit`, `${dir}/linked`);
  await Deno.writeTextFile(
    `${dir}/deno`,
    '#!/bin/sh\necho "$DENO_NO_UPDATE_CHECK" "$@"\n',
    { mode: 0o755 },
  );
  const line = [`${dir}/linked`, "ps", "--id", "a b"];
  const { stdout } = await runProgram(line, {
    env: { PATH: `/nowhere:${dir}` },
  });
  assertStringIncludes(stdout, "1 run --allow-all --no-config --no-lock");
  assertStringIncludes(stdout, `${made}/js/cli.ps.js ps --id a b\n`);
});

/** What the launcher of the bundle says without Deno. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { BUNDLE_OPTIONS, KEPT_CODE_OPTIONS } from "../../tasks/bundle.ts";
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

/** A program in place of Deno that prints how it is started. */
async function echoInPlaceOfDeno(workspace: Workspace): Promise<string> {
  const path = `${await workspace.newDirectory()}/deno`;
  const text = '#!/bin/sh\necho "in $DENO_DIR:" "$@"\n';
  await Deno.writeTextFile(path, text, { mode: 0o755 });
  return path;
}

test("compiled code is kept in the bundle, for files of commands and where it was made", async (workspace) => {
  const made = await bundleIn(workspace);
  if (made === undefined) return;
  const env = { DENO: await echoInPlaceOfDeno(workspace), DENO_DIR: "/other" };
  const started = async (program: string, ...words: string[]) =>
    (await runProgram([program, ...words], { env })).stdout;
  const kept = ["run", ...KEPT_CODE_OPTIONS].join(" ");

  for (
    const [program, command] of [
      ["nsinit", "explain"],
      ["nsinit", "exec"],
      ["nsinit", "list"],
      ["nsinit-oci", "create"],
      ["nsinit-oci", "run"],
      ["nsinit-oci", "exec"],
    ] as const
  ) {
    assertStringIncludes(
      await started(`${made}/${program}`, command),
      `in ${made}/cache: ${kept} ${made}/js/`,
    );
  }
  assertStringIncludes(
    await started(`${made}/nsinit`, "kill", "x"),
    `in /other: run ${BUNDLE_OPTIONS.join(" ")} ${made}/js/cli.js`,
  );

  const moved = `${await workspace.newDirectory()}/moved`;
  await runProgram(["cp", "-a", made, moved]);
  assertStringIncludes(
    await started(`${moved}/nsinit`, "explain"),
    `in /other: run ${BUNDLE_OPTIONS.join(" ")} --v8-flags=`,
  );
});

test("the code of every file of a command is in the bundle", async (workspace) => {
  const made = await bundleIn(workspace);
  if (made === undefined) return;
  const database = new TextDecoder("latin1")
    .decode(await Deno.readFile(`${made}/cache/v8_code_cache_v2`));
  const files = (await Array.fromAsync(Deno.readDir(`${made}/js`)))
    .map(({ name }) => name)
    .filter((name) => /^(cli|oci)\.\w+\.js$/.test(name));
  assert(files.includes("cli.exec.js") && files.includes("oci.create.js"));
  for (const name of files) {
    assertStringIncludes(database, `file://${made}/js/${name}`);
  }
});

test("a launcher that is copied alone, under any name, goes back to its folder", async (workspace) => {
  const made = await bundleIn(workspace);
  if (made === undefined) return;
  const dir = await workspace.newDirectory();
  for (const name of ["nsinit", "nsinit-oci"]) {
    const copy = `${dir}/my${name.replace("nsinit", "runtime")}`;
    await Deno.copyFile(`${made}/${name}`, copy);
    const ours = await runProgram([copy, "--version"]);
    const theirs = await runProgram([`${made}/${name}`, "--version"]);
    assertEquals([ours.code, ours.stdout], [0, theirs.stdout]);
    const { stdout } = await runProgram([copy, "list", "-q"], {
      env: { DENO: "/bin/echo" },
    });
    assertStringIncludes(stdout, ` ${made}/js/`);
  }
});

test("a launcher does not go back to a folder that is somebody else's", async (workspace) => {
  const made = await bundleIn(workspace);
  if (made === undefined) return;
  const copy = `${await workspace.newDirectory()}/nsinit`;
  await Deno.copyFile(`${made}/nsinit`, copy);
  await Deno.chown(made, 61234, 61234);
  try {
    const { stdout } = await runProgram([copy, "list"], {
      env: { DENO: "/bin/echo" },
    });
    assert(!stdout.includes(made), stdout);
  } finally {
    await Deno.chown(made, 0, 0);
  }
});

/** Runs a command that has compiled code; what it prints stays the same. */
async function convertBy(folder: string): Promise<string> {
  const { code, stdout, stderr } = await runProgram([
    ...[`${folder}/nsinit`, "convert", "--format", "oci"],
    `${REPOSITORY}/tests/fixtures/samples/2014-02-21-6415e8b-ubuntu.json`,
  ], { timeoutMs: 120_000 });
  assertEquals(code, 0, stderr);
  return stdout + stderr;
}

test("compiled code that cannot be used fails no command", async (workspace) => {
  const made = await bundleIn(workspace);
  if (made === undefined) return;
  const wanted = await convertBy(made);
  const copy = `${await workspace.newDirectory()}/copy`;
  await runProgram(["cp", "-a", made, copy]);
  const cache = `${copy}/cache`;
  await Deno.writeTextFile(`${cache}/place`, copy);
  const database = `${cache}/v8_code_cache_v2`;
  const damages = [
    `head -c 100000 /dev/urandom > ${database}`,
    `truncate -s 5000 ${database}-wal`,
    `rm -r ${cache}; mkdir ${cache}; printf %s ${copy} > ${cache}/place; mkdir ${database}`,
    `rm -r ${database}; : > ${database}`,
  ];
  for (const damage of damages) {
    const { code } = await runProgram(["sh", "-ec", damage]);
    assertEquals([damage, code], [damage, 0]);
    // With what there is, and with what the first has made of it.
    assertEquals(await convertBy(copy), wanted);
    assertEquals(await convertBy(copy), wanted);
  }
});

test("many at once compile without harm", async (workspace) => {
  const made = await bundleIn(workspace);
  if (made === undefined) return;
  const wanted = await convertBy(made);
  const copy = `${await workspace.newDirectory()}/copy`;
  await runProgram(["cp", "-a", made, copy]);
  for await (const { name } of Deno.readDir(`${copy}/cache`)) {
    await Deno.remove(`${copy}/cache/${name}`, { recursive: true });
  }
  await Deno.writeTextFile(`${copy}/cache/place`, copy);
  const all = await Promise.all(
    Array.from({ length: 12 }, () => convertBy(copy)),
  );
  assertEquals(all, all.map(() => wanted));
  assert((await Deno.stat(`${copy}/cache/v8_code_cache_v2`)).isFile);
});

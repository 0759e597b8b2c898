/** `nsinit-oci checkpoint` and `restore`, with what engines hand over. */
import {
  assert,
  assertEquals,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { containerTests, type Workspace } from "../support/containers.ts";
import { testCriu } from "../support/criu.ts";
import { waitFor } from "../support/nsinit.ts";
import { type BundleChanges, OciBundle } from "../support/oci_program.ts";

const test = containerTests("ocicheckpoint");
const NEEDS = { needs: ["criu"] } as const;

/** Counts up in a file of its root, and on its stdout. */
const COUNT =
  "i=0; while :; do i=$((i+1)); echo n=$i; echo $i >/n; sleep 0.05; done";

function counter(
  workspace: Workspace,
  changes: BundleChanges = {},
): Promise<OciBundle> {
  return OciBundle.make(workspace, {
    ...changes,
    process: { args: ["/bin/sh", "-c", COUNT], ...changes.process },
  });
}

/** The program, with the CRIU of the tests. */
function criu(...args: readonly string[]): string[] {
  return ["--criu", testCriu(), ...args];
}

/** The number that the counter has reached. */
async function numberOf(bundle: OciBundle): Promise<number> {
  // Empty for the moment between its opening and the write.
  const text = await waitFor("a number", async () => {
    const found = await Deno.readTextFile(`${bundle.rootfs}/n`)
      .catch(() => "");
    return found.endsWith("\n") && found;
  });
  return Number(text);
}

async function untilBeyond(bundle: OciBundle, least: number): Promise<void> {
  await waitFor(
    `a number beyond ${least}`,
    async () => await numberOf(bundle) > least,
  );
}

async function stateOf(bundle: OciBundle): Promise<Record<string, unknown>> {
  return JSON.parse(await bundle.must(["state", bundle.id]));
}

async function assertFails(
  bundle: OciBundle,
  args: readonly string[],
  words: string,
): Promise<void> {
  const { code, stderr } = await bundle.oci(criu(...args));
  assertEquals([args, code], [args, 1]);
  assertStringIncludes(stderr, words);
}

function isThere(path: string): Promise<boolean> {
  return Deno.lstat(path).then(() => true, () => false);
}

test(
  "a checkpoint leaves images alone, and a restore goes on from them",
  async (workspace) => {
    await using bundle = await counter(workspace);
    const { id, dir } = bundle;
    await bundle.start();
    await untilBeyond(bundle, 3);
    const { pid, created } = await stateOf(bundle);
    const images = ["--image-path", "images", "--work-path", "work"];
    assertEquals(await bundle.must(criu("checkpoint", ...images, id)), "");

    // As if it had never been, but for the images and the log.
    await waitFor("its end", async () => !await isThere(`/proc/${pid}`));
    for (const group of bundle.groups()) assert(!await isThere(group), group);
    await assertFails(bundle, ["state", id], "container does not exist");
    assert(await isThere(`${dir}/work/dump.log`));
    const at = await numberOf(bundle);

    await bundle.spawn(
      criu("restore", "-d", ...images, "--pid-file", "pid", "--no-pivot", id),
    );
    await untilBeyond(bundle, at);
    const again = await stateOf(bundle);
    assertEquals(again["status"], "running");
    assertNotEquals(again["created"], created);
    assertEquals(await Deno.readTextFile(`${dir}/pid`), String(again["pid"]));
    const groups = await Deno.readTextFile(`/proc/${again["pid"]}/cgroup`);
    assertStringIncludes(groups, bundle.group);
    assertEquals((await bundle.exec("cat /proc/1/comm")).stdout, "sh\n");
    await assertFails(
      bundle,
      ["restore", "-d", ...images, id],
      "container with given ID already exists",
    );
  },
  NEEDS,
);

test(
  "one that is left running goes on, and its images become another",
  async (workspace) => {
    await using bundle = await counter(workspace);
    const { id, dir } = bundle;
    await bundle.start();
    await untilBeyond(bundle, 3);
    const { pid } = await stateOf(bundle);
    // The images are in ./checkpoint unless a directory is named.
    await bundle.must(criu(
      "checkpoint",
      "--leave-running",
      "--file-locks",
      "--tcp-established",
      "--tcp-skip-in-flight",
      "--ext-unix-sk",
      "--link-remap",
      "--auto-dedup",
      "--empty-ns=network",
      "--manage-cgroups-mode=ignore",
      id,
    ));
    assertEquals((await stateOf(bundle))["pid"], pid);
    const at = await numberOf(bundle);
    await untilBeyond(bundle, at);
    await bundle.must(["delete", "--force", id]);

    // Another group: the configuration decides where it is restored.
    const group = `${bundle.group}-moved`;
    await bundle.write({
      process: { args: ["/bin/sh", "-c", COUNT] },
      linux: { cgroupsPath: group },
    });
    await bundle.spawn(criu(
      "restore",
      "--detach",
      "--bundle",
      dir,
      "--manage-cgroups-mode",
      "ignore",
      "--no-subreaper",
      id,
    ));
    const restored = (await stateOf(bundle))["pid"];
    const groups = await Deno.readTextFile(`/proc/${restored}/cgroup`);
    assertStringIncludes(groups, group);
  },
  NEEDS,
);

test(
  "an attached restore has the program's streams and status, and removes the container",
  async (workspace) => {
    await using bundle = await counter(workspace);
    const { id } = bundle;
    const first = bundle.open(criu("run", id));
    await untilBeyond(bundle, 3);
    await bundle.must(criu("checkpoint", "--image-path", "images", id));
    const before = await first.output();
    const numbers = (bytes: Uint8Array): number[] =>
      [...new TextDecoder().decode(bytes).matchAll(/^n=(\d+)$/gm)]
        .map(([, number]) => Number(number));
    const last = numbers(before.stdout).at(-1) ?? 0;

    const second = bundle.open(criu("restore", "--image-path", "images", id));
    await untilBeyond(bundle, last + 3);
    await bundle.must(["kill", id, "KILL"]);
    const { code, stdout } = await second.output();
    assertEquals(code, 128 + 9);
    const after = numbers(stdout);
    assertEquals(after.slice(0, 3), [last + 1, last + 2, last + 3]);
    await assertFails(bundle, ["state", id], "container does not exist");
    for (const group of bundle.groups()) assert(!await isThere(group), group);
  },
  NEEDS,
);

/** Takes a terminal at a unix socket, and prints what comes out of it. */
const CONSOLE = `
import array, os, socket, sys
server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(sys.argv[1])
server.listen(1)
client, _ = server.accept()
_, control, _, _ = client.recvmsg(4096, socket.CMSG_SPACE(4))
fds = array.array("i")
fds.frombytes(control[0][2])
while True:
    try:
        text = os.read(fds[0], 4096)
    except OSError:
        break
    if not text:
        break
    sys.stdout.buffer.write(text)
    sys.stdout.flush()
`;

interface Console {
  readonly path: string;
  /** All that was printed, once nobody has the terminal open any more. */
  readonly output: Promise<string>;
}

async function openConsole(bundle: OciBundle, name: string): Promise<Console> {
  const path = `${bundle.dir}/${name}`;
  const child = new Deno.Command("python3", {
    args: ["-c", CONSOLE, path],
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  await waitFor("the console socket", () => isThere(path));
  return {
    path,
    output: child.output().then(({ stdout }) =>
      new TextDecoder().decode(stdout)
    ),
  };
}

test(
  "a terminal goes to the console socket of the restore",
  async (workspace) => {
    await using bundle = await counter(workspace, {
      process: { terminal: true },
    });
    const { id } = bundle;
    const first = await openConsole(bundle, "first");
    await bundle.spawn(
      ["run", "--detach", "--console-socket", first.path, id],
    );
    await untilBeyond(bundle, 3);
    await bundle.must(criu("checkpoint", "--image-path", "images", id));
    assertStringIncludes(await first.output, "n=3\r\n");

    const images = ["--image-path", "images"];
    await assertFails(
      bundle,
      ["restore", "--detach", ...images, id],
      "cannot allocate tty if runc will detach without setting console socket",
    );
    const at = await numberOf(bundle);
    const second = await openConsole(bundle, "second");
    await bundle.spawn(
      criu("restore", "-d", ...images, "--console-socket", second.path, id),
    );
    await untilBeyond(bundle, at + 3);
    await bundle.must(["delete", "--force", id]);
    assertStringIncludes(await second.output, `n=${at + 2}\r\n`);
  },
  NEEDS,
);

test(
  "what has joined a restored container is restored with it",
  async (workspace) => {
    await using bundle = await counter(workspace);
    const { id } = bundle;
    const images = ["--image-path", "images"];
    const again = async (): Promise<void> => {
      await bundle.must(criu("checkpoint", ...images, id));
      await bundle.spawn(criu("restore", "-d", ...images, id));
    };
    await bundle.start();
    await again();
    const joined = await bundle.exec(
      "sleep 600 < /dev/null > /dev/null 2>&1 & echo $!",
    );
    const pid = joined.stdout.trim();
    await again();
    const { stdout } = await bundle.exec(`cat /proc/${pid}/comm`);
    assertEquals(stdout, "sleep\n");
  },
  NEEDS,
);

test("a paused container is checkpointed too", async (workspace) => {
  await using bundle = await counter(workspace);
  await bundle.start();
  await untilBeyond(bundle, 3);
  // Not of the paused one: it may have been stopped while it writes.
  const at = await numberOf(bundle);
  await bundle.must(["pause", bundle.id]);
  await bundle.must(criu("checkpoint", bundle.id));
  await bundle.spawn(criu("restore", "-d", bundle.id));
  await untilBeyond(bundle, at);
}, NEEDS);

test(
  "checkpoint refuses what cannot be, and the container goes on",
  async (workspace) => {
    await using bundle = await counter(workspace);
    const { id } = bundle;
    await assertFails(bundle, ["checkpoint", id], "container does not exist");
    await bundle.spawn(["create", id]);
    await assertFails(
      bundle,
      ["checkpoint", id],
      "Container cannot be checkpointed in created state",
    );
    await bundle.must(["start", id]);
    await untilBeyond(bundle, 1);
    const cases: [string[], string][] = [
      [["--parent-path", "/tmp"], "--parent-path"],
      [["--parent-path", "missing"], "--parent-path"],
      [["--manage-cgroups-mode", "odd"], "Invalid manage-cgroups-mode value"],
      [["--empty-ns", "pid"], "is not supported"],
      [["--page-server", "nowhere"], "--page-server"],
      [["--lazy-pages"], "--page-server"],
      [["--status-fd", "77"], "--status-fd"],
      [["--nonsense"], "nonsense"],
    ];
    for (const [options, words] of cases) {
      await assertFails(bundle, ["checkpoint", ...options, id], words);
    }
    const { code, stderr } = await bundle.oci(
      ["--criu", "/nowhere/criu", "checkpoint", id],
    );
    assertEquals(code, 1);
    assertStringIncludes(stderr, "/nowhere/criu");
    assertEquals((await stateOf(bundle))["status"], "running");
    await untilBeyond(bundle, await numberOf(bundle));
  },
  NEEDS,
);

test(
  "restore refuses what cannot be, and leaves nothing",
  async (workspace) => {
    await using bundle = await counter(workspace);
    const { id } = bundle;
    await bundle.start();
    await untilBeyond(bundle, 1);
    await bundle.must(criu("checkpoint", "--image-path", "images", id));
    const images = ["--image-path", "images"];
    const cases: [string[], string][] = [
      [["--image-path", "missing"], "there is no such directory"],
      [[...images, "--bundle", "missing"], "missing"],
      [[...images, "--lsm-profile", "x"], "TYPE:NAME"],
      [[...images, "--console-socket", "/s"], "cannot use console socket"],
      [[...images, "--pid-file", "/nowhere/pid"], "/nowhere"],
    ];
    for (const [options, words] of cases) {
      await assertFails(bundle, ["restore", "-d", ...options, id], words);
      await assertFails(bundle, ["state", id], "container does not exist");
      for (const group of bundle.groups()) assert(!await isThere(group), group);
    }
    // What has failed has not used them up.
    await bundle.spawn(criu("restore", "-d", ...images, id));
    await untilBeyond(bundle, await numberOf(bundle));
  },
  NEEDS,
);

test("checkpoint --help succeeds, which is how podman asks for it", async (workspace) => {
  await using bundle = await counter(workspace);
  for (const command of ["checkpoint", "restore"]) {
    const help = await bundle.must([command, "--help"]);
    assertStringIncludes(help, "--image-path");
  }
});

test("an annotation names a file of CRIU's settings", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  const { id, dir } = bundle;
  const file = `${dir}/criu.conf`;
  await Deno.writeTextFile(file, "log-file=other.log\n");
  await bundle.write({
    process: { args: ["/bin/sh", "-c", COUNT] },
    rest: { annotations: { "org.criu.config": file } },
  });
  await bundle.start();
  await untilBeyond(bundle, 1);
  const images = ["--image-path", "images", "--work-path", "work"];
  await bundle.must(criu("checkpoint", ...images, id));
  assert(await isThere(`${dir}/work/other.log`));
  assert(!await isThere(`${dir}/work/dump.log`));
  await bundle.spawn(criu("restore", "-d", ...images, id));
  await untilBeyond(bundle, await numberOf(bundle));
  assert(!await isThere(`${dir}/work/restore.log`));
}, NEEDS);

/**
 * buildah runs the steps of builds through the OCI command line.
 *
 * @module
 */
import { assertEquals, assertMatch } from "@std/assert";
import type { RunOptions, RunResult } from "../support/nsinit.ts";
import { type Podman, podmanTests } from "../support/podman.ts";
import { Terminal } from "../support/tmux.ts";

const test = podmanTests("buildah");
const NEEDS = ["buildah"] as const;

/** A container of buildah with the root file system of the test. */
class Working {
  private constructor(readonly podman: Podman, readonly name: string) {}

  static async from(podman: Podman): Promise<Working> {
    const name = podman.newName();
    const group = ["--cgroup-parent", `/${podman.tag}/${name}`];
    await podman.host.must(
      ["buildah", "from", "--name", name, ...group, "scratch"],
    );
    await podman.host.must(["buildah", "add", name, `${podman.dir}/rootfs`]);
    return new Working(podman, name);
  }

  command(args: readonly string[]): string[] {
    const { runtime } = this.podman;
    const flags = ["--runtime", runtime.path, "--network", "none"];
    return ["buildah", "run", ...flags, ...args];
  }

  /** `buildah run`, the options first. */
  run(
    flags: readonly string[],
    command: readonly string[],
    options: RunOptions = {},
  ): Promise<RunResult> {
    const { host } = this.podman;
    const args = [...flags, this.name, ...command];
    return host.run(this.command(args), options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.podman.host.must(["buildah", "rm", this.name]);
    await this.podman.host.removeCgroups(this.podman.tag);
  }
}

test(
  "buildah run gives what the program writes and its status",
  async (podman) => {
    await using working = await Working.from(podman);
    const script = "echo out; echo err >&2; exit 3";
    const { code, stdout, stderr } = await working.run([], [
      "sh",
      "-c",
      script,
    ]);
    assertEquals({ code, stdout }, { code: 3, stdout: "out\n" });
    assertMatch(stderr, /^err$/m);
  },
  NEEDS,
);

test("buildah run feeds the program and leaves its changes", async (podman) => {
  await using working = await Working.from(podman);
  const text = "a line\n".repeat(10_000);
  const { code } = await working.run([], ["sh", "-c", "cat > /kept"], {
    stdin: text,
  });
  assertEquals(code, 0);
  const { stdout } = await working.run([], ["wc", "-c", "/kept"]);
  assertEquals(stdout, `${text.length} /kept\n`);
}, NEEDS);

test("buildah run says what it cannot find", async (podman) => {
  await using working = await Working.from(podman);
  const { code, stderr } = await working.run([], ["no-such-program"]);
  assertEquals(code, 1);
  assertMatch(
    stderr,
    /no-such-program\\?": executable file not found in \$PATH/,
  );
}, NEEDS);

test(
  "buildah run sets user, directory, environment and volumes",
  async (podman) => {
    await using working = await Working.from(podman);
    const { stdout } = await working.run(
      ["--user", "daemon", "--workingdir", "/var", "--env", "WORD=word"]
        .concat("-v", `${podman.dir}/rootfs/etc:/given:ro`),
      [
        "sh",
        "-c",
        "id -u; pwd; echo $WORD; ls /given/passwd; touch /given/f 2>&1",
      ],
    );
    assertEquals(stdout.split("\n").slice(0, 5), [
      "1",
      "/var",
      "word",
      "/given/passwd",
      "touch: /given/f: Read-only file system",
    ]);
  },
  NEEDS,
);

test("buildah run --terminal is a terminal", async (podman) => {
  await using working = await Working.from(podman);
  const { dir } = podman;
  await using screen = await Terminal.open(dir, dir, `${dir}/unused`);
  await screen.type(podman.host.shellLine(
    working.command(["--terminal", working.name, "sh"]),
  ));
  await screen.waitFor(/# ?$/, 30_000);
  await screen.type("tty; echo $((40+2))");
  await screen.waitFor(/\/dev\/pts\/0\r?\n42\r?\n/);
  await screen.type("exit 6");
  await screen.waitFor(/outer\$ $/);
}, ["buildah", "tmux"]);

test("buildah bud makes an image of a file's steps", async (podman) => {
  await Deno.writeTextFile(
    `${podman.dir}/Containerfile`,
    "FROM localhost/busybox\nRUN echo made > /made && id -u >> /made\n" +
      'CMD ["cat", "/made"]\n',
  );
  await podman.host.must([
    "buildah",
    "bud",
    "--runtime",
    podman.runtime.path,
    "--cgroup-parent",
    `/${podman.tag}/bud`,
    "--network",
    "none",
    "-t",
    "localhost/made",
    "-f",
    `${podman.dir}/Containerfile`,
    `${podman.dir}/home`,
  ]);
  await podman.host.removeCgroups(podman.tag);
  assertEquals(await podman.must(["run", "--rm", "localhost/made"]), "made\n0");
  await podman.must(["rmi", "localhost/made"]);
}, NEEDS);

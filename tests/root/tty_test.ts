/** Terminals: a pty inside, and the caller's terminal outside. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertNotEquals,
  assertStringIncludes,
} from "@std/assert";
import { containerTests, type Workspace } from "../support/containers.ts";
import { waitFor } from "../support/nsinit.ts";
import {
  isAlive,
  isForeground,
  processesBeside,
} from "../support/process_status.ts";
import { Terminal } from "../support/tmux.ts";

const test = containerTests("tty");
const NEEDS = { needs: ["tmux"] } as const;

async function openIn(workspace: Workspace, cwd: string): Promise<Terminal> {
  return await Terminal.open(workspace.dir, cwd, workspace.stateRoot);
}

/** A key that comes before its program has the terminal is the shell's. */
async function untilSleeping(first: number): Promise<void> {
  await waitFor(
    "sleep on the terminal",
    () => processesBeside(first).some((pid) => isForeground(pid, "sleep")),
  );
}

test(
  "a shell on a terminal: size, resize, Ctrl-C, Ctrl-Z, status, restored settings",
  async (workspace) => {
    const container = await workspace.container();
    await using terminal = await openIn(workspace, container.dir);
    await terminal.type(
      "stty -g > before; nsinit exec --tty /bin/sh; " +
        "echo status=$?; stty -g > after; echo restored=$(cmp before after && echo yes)",
    );
    await terminal.waitFor(/\/ # $|\/ #$/);
    const pid = await container.pid();

    await terminal.type("echo size=$(stty size) tty=$(tty)");
    await terminal.waitFor(/^size=24 80 tty=\/dev\/(pts\/0|console)$/m);
    await terminal.resize({ rows: 30, columns: 100 });
    await waitFor("the new size", async () => {
      await terminal.type("echo size=$(stty size)");
      return /^size=30 100$/m.test(await terminal.screen());
    });

    await terminal.type("sleep 1000");
    await untilSleeping(pid);
    await terminal.press("C-c");
    await terminal.type("echo interrupted=$?");
    await terminal.waitFor(/^interrupted=130$/m);

    await terminal.type("sleep 1000");
    await untilSleeping(pid);
    await terminal.press("C-z");
    await terminal.waitFor(/Stopped/);
    await terminal.type("jobs | grep -c sleep; echo after=$?");
    await terminal.waitFor(/^1\nafter=0$/m);
    await terminal.type("fg");
    await untilSleeping(pid);
    await terminal.press("C-c");
    await terminal.type("echo again=$?");
    await terminal.waitFor(/^again=130$/m);

    await terminal.type("exit 5");
    await terminal.waitFor(/^status=5$/m);
    await terminal.waitFor(/^restored=yes$/m);
  },
  NEEDS,
);

test("the shell controls its terminal", async (workspace) => {
  const container = await workspace.container();
  await using terminal = await openIn(workspace, container.dir);
  await terminal.type("nsinit exec --tty /bin/sh");
  await terminal.waitFor(/\/ # ?$/);
  assert(!/job control|can't access tty/.test(await terminal.screen()));
  await terminal.type("cut -d' ' -f6,7 /proc/1/stat; echo > /dev/tty shown");
  await terminal.waitFor(/^1 \d+$/m);
  await terminal.waitFor(/^shown$/m);
  await terminal.type(
    "ls -l /dev/console /proc/self/fd/0; stat -c %a:%u:%g $(tty)",
  );
  await terminal.waitFor(/^620:0:5$|^600:0:\d+$|^620:0:0$/m);
  await terminal.type("exit");
  await terminal.waitFor(/outer\$ $/);
}, NEEDS);

test(
  "the end of a killed container restores the terminal",
  async (workspace) => {
    const container = await workspace.container();
    await using terminal = await openIn(workspace, container.dir);
    await terminal.type(
      "stty -g > before; nsinit exec --tty /bin/sh; echo status=$?; stty -g > after; " +
        "echo restored=$(cmp before after && echo yes)",
    );
    await terminal.waitFor(/\/ # ?$/);
    Deno.kill(await container.pid(), "SIGKILL");
    await terminal.waitFor(/status=137$/m);
    await terminal.waitFor(/^restored=yes$/m);
  },
  NEEDS,
);

for (const signal of ["SIGTERM", "SIGHUP"] as const) {
  test(
    `${signal} to nsinit ends the program and restores the terminal`,
    async (workspace) => {
      const container = await workspace.container();
      await using terminal = await openIn(workspace, container.dir);
      // A first process has no default actions: it must want to end.
      const script =
        `trap "exit 9" TERM HUP; echo held; while :; do sleep 0.05; done`;
      await terminal.type(
        `stty -g > before; nsinit exec --tty /bin/sh -c '${script}'; echo status=$?; ` +
          "stty -g > after; echo restored=$(cmp before after && echo yes)",
      );
      await terminal.waitFor(/^held$/m);
      const owner = (await container.state())?.owner.pid ?? 0;
      Deno.kill(owner, signal);
      await terminal.waitFor(/^status=9$/m);
      await terminal.waitFor(/^restored=yes$/m);
    },
    NEEDS,
  );
}

test(
  "a killed monitor takes its container along, and the next command cleans up",
  async (workspace) => {
    const container = await workspace.container();
    await using terminal = await openIn(workspace, container.dir);
    await terminal.type("nsinit exec --tty /bin/sh; echo status=$?");
    await terminal.waitFor(/\/ # ?$/);
    const pid = await container.pid();
    const owner = (await container.state())?.owner.pid ?? 0;
    Deno.kill(owner, "SIGKILL");
    await waitFor("the container's end", () => !isAlive(pid));
    await terminal.type("stty sane; echo back=$((40 + 2))");
    await terminal.waitFor(/back=42$/m);
    assertEquals(await container.output("echo fine"), "fine\n");
  },
  NEEDS,
);

test(
  "a second exec on a terminal joins, and dies with the first",
  async (workspace) => {
    const container = await workspace.container();
    await using first = await openIn(workspace, container.dir);
    await first.type("nsinit exec --tty /bin/sh");
    await first.waitFor(/\/ # ?$/);
    await using second = await openIn(workspace, container.dir);
    await second.type(
      "stty -g > before; nsinit exec --tty /bin/sh; echo status=$?; " +
        "stty -g > after; echo restored=$(cmp before after && echo yes)",
    );
    await second.waitFor(/\/ # ?$/);
    await second.type(
      "echo pid=$$ size=$(stty size) ns=$(readlink /proc/self/ns/pid)",
    );
    const [, pid, ns] = await second.waitFor(
      /^pid=(\d+) size=24 80 ns=(pid:\[\d+\])$/m,
    );
    assertNotEquals(pid, "1");
    await first.type("echo pid=$$ ns=$(readlink /proc/self/ns/pid)");
    const [, one, same] = await first.waitFor(/^pid=(\d+) ns=(pid:\[\d+\])$/m);
    assertEquals([one, same], ["1", ns]);
    await second.type("sleep 1000");
    await untilSleeping(await container.pid());
    await second.press("C-c");
    await second.type("echo interrupted=$?");
    await second.waitFor(/^interrupted=130$/m);
    await first.type("exit");
    await first.waitFor(/outer\$ $/);
    await second.waitFor(/status=137$/m);
    await second.waitFor(/^restored=yes$/m);
  },
  NEEDS,
);

test("--tty works without a terminal outside", async (workspace) => {
  const container = await workspace.container();
  const { code, stdout } = await container.exec(
    [
      "--tty",
      "/bin/sh",
      "-c",
      "tty; test -t 0 && test -t 1 && test -t 2; exit $((3 + $?))",
    ],
  );
  assertEquals(code, 3, stdout);
  assertMatch(stdout, /^\/dev\/(pts\/0|console)\r\n$/);
});

test("the end of the caller's input is the end of the terminal's", async (workspace) => {
  const container = await workspace.container();
  const { code, stdout } = await container.exec(["--tty", "/bin/cat"], {
    stdin: "hello\n",
  });
  assertEquals([code, stdout], [0, "hello\r\nhello\r\n"]);
});

test("nothing of a terminal's last output is lost", async (workspace) => {
  const container = await workspace.container();
  const { code, stdout } = await container.exec([
    "--tty",
    "/usr/bin/seq",
    "20000",
  ]);
  assertEquals(code, 0);
  const lines = stdout.trimEnd().split("\r\n");
  assertEquals([lines.length, lines.at(-1)], [20000, "20000"]);
});

test("the pty is the container's own", async (workspace) => {
  const container = await workspace.container();
  const { stdout } = await container.exec([
    "--tty",
    "/bin/sh",
    "-c",
    "ls /dev/pts; ls -l /proc/self/fd; stat -c '%t:%T' /dev/console",
  ]);
  assertMatch(stdout, /^0\s+ptmx\r\n/);
  assert(!/deleted|\/\.\.|ptmx ->/.test(stdout), stdout);
});

test("the terminal of another user is that user's", async (workspace) => {
  const container = await workspace.container();
  const { code, stdout } = await container.exec([
    "--tty",
    "--user=daemon",
    "/bin/sh",
    "-c",
    "echo mine > /dev/tty; stat -c %U $(tty)",
  ]);
  assertEquals(code, 0, stdout);
  assertStringIncludes(stdout, "mine\r\n");
});

test("a terminal without devpts is refused", async (workspace) => {
  const container = await workspace.container({ mounts: [] });
  const { code, stderr } = await container.exec(["--tty", "/bin/true"]);
  assertEquals(code, 125);
  assertMatch(stderr, /devpts|\/dev\/p(ts|tmx)/);
  for await (const { name } of Deno.readDir(`${workspace.rootfs}/dev`)) {
    await Deno.remove(`${workspace.rootfs}/dev/${name}`, { recursive: true });
  }
});

test(
  "a full-screen program inside fills the terminal, follows its size, and leaves it clean",
  async (workspace) => {
    const container = await workspace.container();
    await using terminal = await openIn(workspace, container.dir);
    await terminal.type(
      "stty -g > before; echo earlier; nsinit exec --tty /bin/vi /dev/shm/text; " +
        "echo status=$?; stty -g > after; echo restored=$(cmp before after && echo yes)",
    );
    // It marks lines that are not there.
    await terminal.waitFor(/(?:^~ *\n){22}/m);
    await terminal.press("i");
    await terminal.type("written inside");
    await terminal.waitFor(/^written inside *$/m);
    await terminal.resize({ rows: 12, columns: 60 });
    await terminal.waitFor(/^written inside *\n *\n(?:~ *\n){9}(?!~)/m);
    await terminal.press("Escape");
    // What follows at once would be read as the rest of one key's sequence.
    await terminal.waitFor(/^- \/dev\/shm\/text /m);
    await terminal.type(":x");
    await terminal.waitFor(/^status=0$/m);
    await terminal.waitFor(/^restored=yes$/m);
    const { isCursorShown, wraps } = await terminal.flags();
    assertEquals([isCursorShown, wraps], [true, true]);
  },
  NEEDS,
);

/**
 * Terminals of processes: the program's user is this program.
 *
 * @module
 */
import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Config, Process } from "../../mod.ts";
import { StateError, UsageError } from "../../mod.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { delay, REPOSITORY } from "../support/nsinit.ts";
import { Terminal } from "../support/tmux.ts";
import {
  openDescriptors,
  type RunOptions,
  TestContainer,
  textOf,
} from "../support/processes.ts";

const test = containerTests("terminal");
const encoder = new TextEncoder();

/** First and joined processes alike. */
async function inBoth(
  workspace: Workspace,
  check: (run: (what: RunOptions) => Promise<Process>) => Promise<void>,
  changes: Partial<Config> = {},
): Promise<void> {
  await using first = await TestContainer.create(workspace, {}, changes);
  await check((what) => first.start(what));
  await using other = await TestContainer.create(workspace, {}, changes);
  await other.start({ args: ["sleep", "1000"] });
  await check((what) => other.start(what));
}

/** A person at a terminal. */
class Person {
  readonly #process: Process;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reading: Promise<void>;
  seen = "";

  constructor(process: Process) {
    this.#process = process;
    this.#writer = process.terminal.writable.getWriter();
    this.#reading = this.#read();
  }

  async #read(): Promise<void> {
    const decoder = new TextDecoder();
    for await (const chunk of this.#process.terminal.readable) {
      this.seen += decoder.decode(chunk, { stream: true });
    }
  }

  async type(text: string): Promise<void> {
    await this.#writer.write(encoder.encode(text));
  }

  /** Waits until the terminal has shown something. */
  async sees(pattern: RegExp): Promise<void> {
    const end = Date.now() + 10_000;
    while (!pattern.test(this.seen)) {
      if (Date.now() > end) {
        throw new Error(`no ${pattern} in ${JSON.stringify(this.seen)}`);
      }
      await delay(5);
    }
  }

  /** Closes the keyboard. */
  async leave(): Promise<void> {
    await this.#writer.close();
  }

  /** Everything that was shown, at the end. */
  async all(): Promise<string> {
    await this.#reading;
    return this.seen;
  }
}

test("a shell on a terminal echoes, is interrupted by Ctrl-C and ends by Ctrl-D", (workspace) =>
  inBoth(workspace, async (run) => {
    const process = await run({ args: ["sh"], tty: true });
    const person = new Person(process);

    await person.type("echo a$((1+1))b\n");
    await person.sees(/echo a\$\(\(1\+1\)\)b\r\na2b\r\n/);
    await person.type("sleep 1000\n");
    await delay(100);
    await person.type("\x03");
    await person.sees(/\^C/);
    await person.type("echo status=$?\n");
    await person.sees(/status=130\r\n/);
    await person.type("\x04");

    assertEquals((await process.status).code, 0);
    await person.all();
  }));

test("a terminal has the size that was asked for, 80 x 24 otherwise, and can be resized", (workspace) =>
  inBoth(workspace, async (run) => {
    const plain = await run({ args: "stty size", tty: true });
    assertEquals(await textOf(plain.terminal.readable), "24 80\r\n");
    await plain.status;
    const process = await run({
      args: "trap 'stty size; exit 0' WINCH; stty size; " +
        "while true; do sleep 0.05; done",
      tty: { columns: 100, rows: 33 },
    });
    const person = new Person(process);
    await person.sees(/^33 100\r\n/);

    process.resize({ columns: 132, rows: 43 });

    assertEquals(await person.all(), "33 100\r\n43 132\r\n");
    assertEquals((await process.status).code, 0);
    assertThrows(
      () => process.resize({ columns: -1, rows: 1 }),
      UsageError,
    );
    const gone = assertThrows(
      () => process.resize({ columns: 1, rows: 1 }),
      StateError,
    );
    assertEquals(gone.code, "ProcessNotExecuted");
  }));

test("closing the terminal's writable is the end of input inside", (workspace) =>
  inBoth(workspace, async (run) => {
    const process = await run({ args: "stty -echo; cat; echo end", tty: true });
    const person = new Person(process);

    await delay(50);
    await person.type("line\n");
    await person.sees(/line\r\n/);
    await person.leave();

    assert((await person.all()).endsWith("line\r\nend\r\n"), person.seen);
    assertEquals((await process.status).code, 0);
  }));

test("the terminal belongs to the user inside and to the group of terminals", (workspace) =>
  inBoth(workspace, async (run) => {
    const process = await run({
      args: "stat -c '%u %g %a %t' -L /proc/self/fd/0; " +
        "stat -c '%u %g %a' $(tty); echo by name > $(tty)",
      user: "daemon",
      tty: true,
    });

    const lines = (await textOf(process.terminal.readable)).trim()
      .split("\r\n");

    assertEquals(lines, ["1 5 620 88", "1 5 620", "by name"]);
    assertEquals((await process.status).code, 0);
  }));

test("the console is the first process's terminal, and its user's", async (workspace) => {
  await using container = await TestContainer.create(workspace);
  const process = await container.start({
    args: "stat -c '%u %g %a' /dev/console; echo hello > /dev/console",
    user: "1000:1000",
    tty: true,
  });

  assertEquals(
    await textOf(process.terminal.readable),
    "1000 5 620\r\nhello\r\n",
  );
  await process.status;
});

test("the terminal belongs to the user inside also in a user namespace", (workspace) =>
  inBoth(
    workspace,
    async (run) => {
      const process = await run({
        args: "stat -c '%u %g %a' $(tty)",
        user: "daemon",
        tty: true,
      });

      assertEquals(await textOf(process.terminal.readable), "1 5 620\r\n");
      await process.status;
    },
    userNamespace(),
  ));

function userNamespace(): Partial<Config> {
  const mapping = { containerId: 0, hostId: 0, size: 65536 };
  return {
    uidMappings: [mapping],
    gidMappings: [mapping],
    namespaces: ["NEWNS", "NEWUTS", "NEWIPC", "NEWPID", "NEWNET", "NEWUSER"]
      .map((type) => ({ type } as Config["namespaces"][number])),
  };
}

test("a program may close its terminal and open it again", async (workspace) => {
  await using container = await TestContainer.create(workspace);
  const process = await container.start({
    args: "exec <&- >&- 2>&-; sleep 0.2; " +
      "exec > /dev/console 2>&1; echo again; exit 6",
    tty: true,
  });

  const [text, { code }] = await Promise.all([
    textOf(process.terminal.readable),
    process.status,
  ]);

  assertEquals([text, code], ["again\r\n", 6]);
});

test("what a program showed is readable after its end and its container's", async (workspace) => {
  const before = openDescriptors();
  const container = await TestContainer.create(workspace);
  const process = await container.start({
    args: "i=0; while [ $i -lt 1000 ]; do echo line $i; i=$((i+1)); done",
    tty: true,
  });

  await process.status;
  await container.destroy();

  assertEquals(openDescriptors(), before);
  const lines = (await textOf(process.terminal.readable)).trim().split("\r\n");
  assertEquals(lines, Array.from({ length: 1000 }, (_, i) => `line ${i}`));
});

test("a slow reader of a terminal loses nothing", async (workspace) => {
  await using container = await TestContainer.create(workspace);
  await container.start({ args: ["sleep", "1000"] });
  const process = await container.start({
    args:
      "i=0; while [ $i -lt 2000 ]; do echo line number $i; i=$((i+1)); done",
    tty: true,
  });
  const found: string[] = [];
  const decoder = new TextDecoder();
  for await (const chunk of process.terminal.readable) {
    found.push(decoder.decode(chunk));
    if (found.length < 10) await delay(30);
  }

  const lines = found.join("").trim().split("\r\n");
  assertEquals(
    lines,
    Array.from({ length: 2000 }, (_, i) => `line number ${i}`),
  );
  assertEquals((await process.status).code, 0);
});

test("cancelling the terminal's readable hangs up", async (workspace) => {
  await using container = await TestContainer.create(workspace);
  await container.start({ args: ["sleep", "1000"] });
  const process = await container.start({ args: ["sleep", "1000"], tty: true });

  await process.terminal.readable.cancel();

  assertEquals(await process.status, {
    success: false,
    code: 129,
    signal: "SIGHUP",
  });
});

test("what goes on writing to a terminal after its program's end holds nobody up", async (workspace) => {
  await using container = await TestContainer.create(workspace);
  await container.start({
    args: "while true; do yes 2>/dev/null > /dev/pts/0; done 2>/dev/null",
  });
  const process = await container.start({ args: ["sleep", "0.3"], tty: true });
  let total = 0;
  const reading = (async () => {
    for await (const chunk of process.terminal.readable) total += chunk.length;
  })();

  const { code } = await process.status;
  await delay(50);
  await container.destroy();
  await reading;

  assertEquals(code, 0);
  assert(total > 0);
});

test("output() has what the terminal showed", async (workspace) => {
  await using container = await TestContainer.create(workspace);
  const process = await container.start({
    args: "echo out; echo err >&2; exit 2",
    tty: true,
  });

  const { code, stdout, stderr } = await process.output();

  assertEquals([code, stderr.length], [2, 0]);
  assertEquals(new TextDecoder().decode(stdout), "out\r\nerr\r\n");
});

test("terminals are not kept open by anyone", async (workspace) => {
  await using container = await TestContainer.create(workspace);
  await container.start({ args: ["sleep", "1000"] });
  const before = openDescriptors();

  for (let round = 0; round < 20; round++) {
    const process = await container.start({ args: "echo unread", tty: true });
    await process.status;
  }

  assertEquals(openDescriptors(), before);
});

test(
  "an inherited terminal of this program is relayed, and given back at the end",
  async (workspace) => {
    await using container = await TestContainer.create(workspace);
    await container.start({ args: ["sleep", "1000"] });
    const cwd = await workspace.newDirectory();
    await Deno.writeTextFile(
      `${cwd}/run.ts`,
      `import { Factory } from "${REPOSITORY}/mod.ts";
       const factory = new Factory("${workspace.stateRoot}");
       const container = await factory.load("${container.container.id}");
       const process = await container.start({
         args: ["sh", "-c", "read x; echo got $x; test -t 0 || echo no terminal; exit 4"],
         stdin: "inherit", stdout: "inherit", stderr: "inherit" });
       const { code } = await process.status;
       console.log("code", code);
       console.log("typed", prompt("next"));`,
    );
    await using terminal = await Terminal.open(
      workspace.dir,
      cwd,
      workspace.stateRoot,
    );

    await terminal.type(`${Deno.execPath()} run -A --no-check run.ts`);
    await delay(500);
    await terminal.type("hello");
    await terminal.waitFor(/^got hello\nno terminal\ncode 4\nnext ?$/m);
    await terminal.type("for the program");

    await terminal.waitFor(/^typed for the program$/m);
  },
  { needs: ["tmux"] },
);

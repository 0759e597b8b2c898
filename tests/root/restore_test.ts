/**
 * `nsinit checkpoint` and `nsinit restore`, as they are typed.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { dirname } from "@std/path";
import { PlanRun } from "../../ffi/plan_run.ts";
import { KernelError } from "../../lib/errors.ts";
import type { Plan } from "../../lib/plan/ops.ts";
import { planRestoredNetwork } from "../../lib/plan/restore.ts";
import { runParent } from "../../lib/container/run_plan.ts";
import {
  BIND,
  containerTests,
  DEFAULT_NAMESPACES,
  mount,
  newNamespaces,
  SYSTEM_MOUNTS,
  type Workspace,
} from "../support/containers.ts";
import { testCriu } from "../support/criu.ts";
import { InProcess, readConfig } from "../support/in_process.ts";
import {
  mustRun,
  REPOSITORY,
  Running,
  type RunResult,
  SHARED_MOUNTS,
  startNsinit,
  waitFor,
} from "../support/nsinit.ts";
import { Terminal } from "../support/tmux.ts";

const test = containerTests("restore");
const NEEDS = { needs: ["criu"] } as const;

/** Counts up in its terminal or output. */
const COUNT = "i=0; while :; do i=$((i+1)); echo n=$i; sleep 0.1; done";

/** Numbers on a screen or in an output, in order. */
function numbersIn(text: string): number[] {
  return [...text.matchAll(/^n=(\d+)$/gm)].map(([, number]) => Number(number));
}

function criu(
  workspace: Workspace,
  cwd: string,
  args: readonly string[],
): Promise<RunResult> {
  return workspace.nsinit(["--criu", testCriu(), ...args], { cwd });
}

/** Numbers that follow each other. */
function assertContinuous(numbers: readonly number[]): void {
  const [first = 0] = numbers;
  assertEquals(numbers, numbers.map((_, index) => first + index));
}

test(
  "a counter in one terminal is checkpointed in a second and goes on there, also from images that have moved",
  async (workspace) => {
    const container = await workspace.container();
    const { dir } = container;
    const open = async () =>
      await Terminal.open(
        await workspace.newDirectory(),
        dir,
        workspace.stateRoot,
      );
    await using first = await open();
    await using second = await open();
    await first.type(`nsinit exec --tty sh -c '${COUNT}'; echo status=$?`);
    await first.waitFor(/^n=3$/m);

    const flags = `--criu ${testCriu()}`;
    await second.type(
      `nsinit ${flags} checkpoint --image-path images; echo done=$?; nsinit list`,
    );
    await second.waitFor(/^done=0$/m);
    await second.waitFor(/ checkpointed /);
    await first.waitFor(/^status=137$/m);
    assert(/was checkpointed$/m.test(await first.screen()));
    const before = numbersIn(await first.screen());

    await second.type(`clear; nsinit ${flags} restore --image-path images`);
    await second.waitFor(new RegExp(`^n=${(before.at(-1) ?? 0) + 3}$`, "m"));
    await first.type("clear; nsinit list");
    await first.waitFor(/ running /);
    await first.type(
      `clear; nsinit ${flags} checkpoint --image-path again; mv again moved; echo done=$?`,
    );
    await first.waitFor(/^done=0$/m);
    await second.waitFor(/was checkpointed$/m);
    const middle = numbersIn(await second.screen());
    await first.type(
      `clear; nsinit ${flags} restore --image-path moved; echo status=$?`,
    );
    await first.waitFor(new RegExp(`^n=${(middle.at(-1) ?? 0) + 3}$`, "m"));
    const after = numbersIn(await first.screen());

    assertContinuous([...before, ...middle, ...after]);
    const { pid } = await container.state() ?? { pid: 0 };
    Deno.kill(pid, "SIGKILL");
    await first.waitFor(/^status=137$/m);
    await waitFor("the end", () => container.isGone());
  },
  { needs: ["criu", "tmux"] },
);

/** The blocks of commands of a document that say something. */
async function commandsOf(file: string, says: string): Promise<string[]> {
  const text = await Deno.readTextFile(`${REPOSITORY}/${file}`);
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```$/gms)]
    .map(([, block = ""]) => block).filter((block) => block.includes(says));
  assertEquals(blocks.length, 1, `${file}: ${says}`);
  return blocks.join("").trim().split("\n");
}

for (const file of ["README.md", "docs/checkpoint.md"]) {
  test(
    `${file}: the counter goes on in the second terminal, as it is printed there`,
    async (workspace) => {
      const [count = ""] = await commandsOf(file, "while :; do");
      const [checkpoint = "", ...rest] = await commandsOf(
        file,
        "nsinit checkpoint",
      );
      const dir = `${await workspace.newDirectory()}/root`;
      await mustRun(["cp", "-a", workspace.rootfs, dir]);
      const container = await workspace.containerIn(dir, {
        ...workspace.config(),
        rootfs: dir,
      });
      const open = async (): Promise<Terminal> => {
        const terminal = await Terminal.open(
          await workspace.newDirectory(),
          dir,
          workspace.stateRoot,
        );
        await terminal.type(`PATH=$PATH:${dirname(testCriu())}; clear`);
        return terminal;
      };
      await using first = await open();
      await using second = await open();
      await first.type(count);
      await first.waitFor(/^3$/m);
      await second.type(checkpoint);
      await first.waitFor(/was checkpointed$/m, 30_000);
      const numbers = (screen: string): number[] =>
        [...screen.matchAll(/^(\d+)$/gm)].map(([number]) => Number(number));
      const before = numbers(await first.screen());

      for (const line of rest) await second.type(line);
      const last = before.at(-1) ?? 0;
      await second.waitFor(new RegExp(`^${last + 2}$`, "m"), 30_000);

      assertContinuous([...before, ...numbers(await second.screen())]);
      const { pid } = await container.state() ?? { pid: 0 };
      Deno.kill(pid, "SIGKILL");
      await waitFor("the end", () => container.isGone());
    },
    { needs: ["criu", "tmux"] },
  );
}

test(
  "a service in the background goes on under another id, its output in another file",
  async (workspace) => {
    const container = await workspace.container();
    const { dir } = container;
    const shell = (
      command: string,
    ) => ["sh", "-c", `exec "$@" ${command}`, "sh"];
    const started = await container.exec(["--detach", "sh", "-c", COUNT], {
      prefix: shell(`> ${dir}/first 2> /dev/null`),
    });
    assertEquals(started.code, 0);
    await waitFor(
      "a number",
      async () => numbersIn(await Deno.readTextFile(`${dir}/first`)).length > 2,
    );

    const dumped = await criu(workspace, dir, [
      "checkpoint",
      "--image-path",
      "images",
    ]);
    assertEquals(dumped.stderr, "");
    const before = numbersIn(await Deno.readTextFile(`${dir}/first`));
    const restored = await workspace.nsinit(
      [
        ...["--criu", testCriu(), "restore", "--detach", "--id"],
        ...[workspace.newName(), "--pid-file", "pid", "--image-path", "images"],
      ],
      { cwd: dir, prefix: shell(`> ${dir}/second 2> ${dir}/err`) },
    );

    assertEquals(await Deno.readTextFile(`${dir}/err`), "");
    assertEquals(restored.code, 0);
    await waitFor(
      "a number",
      async () =>
        numbersIn(await Deno.readTextFile(`${dir}/second`)).length > 2,
    );
    const after = numbersIn(await Deno.readTextFile(`${dir}/second`));
    assertContinuous([...before, ...after]);
    const pid = Number(await Deno.readTextFile(`${dir}/pid`));
    assert((await Deno.readTextFile(`/proc/${pid}/cmdline`)).startsWith("sh"));
    const { stdout } = await workspace.nsinit(["list"]);
    assert(/ checkpointed /.test(stdout) && / running /.test(stdout), stdout);
    await workspace.nsinit(["delete", "--force", "--all"]);
  },
  NEEDS,
);

test(
  "restored into a copy of its directory, it has the root of that",
  async (workspace) => {
    const dir = await workspace.newDirectory();
    const copy = await workspace.newDirectory();
    const config = workspace.config();
    for (const place of [dir, copy]) {
      await Deno.mkdir(`${place}/rootfs`);
      const copied = await new Deno.Command("cp", {
        args: ["-a", `${workspace.rootfs}/.`, `${place}/rootfs`],
      }).output();
      assert(copied.success);
    }
    const container = await workspace.containerIn(dir, {
      ...config,
      rootfs: `${dir}/rootfs`,
      parent_death_signal: 9,
    });
    const started = await container.detach([
      "sh",
      "-c",
      "while :; do sleep 0.1; mkdir -p /where; done",
    ]);
    assertEquals(started.code, 0);
    const images = `${dir}/images`;
    await criu(workspace, dir, ["checkpoint", "--image-path", images]);
    await workspace.nsinit(["delete", await container.id()]);

    const restored = await workspace.nsinit(
      [
        ...["--criu", testCriu(), "restore", "--detach"],
        ...["--image-path", images],
      ],
      // What it inherits it keeps.
      { cwd: copy, prefix: ["sh", "-c", 'exec "$@" > out 2>&1', "sh"] },
    );

    assertEquals(restored.code, 0, await Deno.readTextFile(`${copy}/out`));
    await waitFor(
      "the new root",
      () => Deno.stat(`${copy}/rootfs/where`).then(() => true, () => undefined),
    );
    await workspace.nsinit(["delete", "--force", "--all"]);
  },
  NEEDS,
);

test(
  "an attached command ends with the status of the restored program",
  async (workspace) => {
    const container = await workspace.container();
    const { dir } = container;
    await using first = container.start([
      "sh",
      "-c",
      "echo ready; read line; echo got $line; exit 7",
    ]);
    await first.waitForOutput("ready\n");
    await container.waitForMonitor(first);
    const images = `${dir}/images`;
    await criu(workspace, dir, ["checkpoint", "--image-path", images]);
    assertEquals((await first.result()).code, 137);

    await using second = startNsinit(
      [
        ...["--root", workspace.stateRoot, "--criu", testCriu()],
        ...["restore", "--image-path", images],
      ],
      { cwd: dir },
    );
    await container.pid();
    await second.write("hello\n");
    await second.closeStdin();
    const { code, stdout, stderr } = await second.result();

    assertEquals([code, stdout, stderr], [7, "got hello\n", ""]);
    await waitFor("the end", () => container.isGone());
  },
  NEEDS,
);

test(
  "a container in the host's pid namespace comes back with its pids",
  async (workspace) => {
    const { dir } = await workspace.container({
      namespaces: newNamespaces(
        ...DEFAULT_NAMESPACES.filter((type) => type !== "NEWPID"),
      ),
      parent_death_signal: 0,
    });
    const nsinit = async (...args: string[]): Promise<string> => {
      const { code } = await workspace.nsinit(["--criu", testCriu(), ...args], {
        cwd: dir,
        // What stays in the background keeps what it inherits.
        prefix: ["sh", "-c", `exec "$@" > ${dir}/out 2>&1`, "sh"],
      });
      const said = await Deno.readTextFile(`${dir}/out`);
      assertEquals([args[0], code], [args[0], 0], said);
      return said;
    };
    // A sleep would end, interrupted, when it comes back.
    const wait = "tail -f /dev/null & exec tail -f /dev/null";
    await nsinit("exec", "--detach", "sh", "-c", wait);
    const pids = JSON.parse(await nsinit("ps", "--format=json")).sort();
    assertEquals(pids.length, 2);

    await nsinit("checkpoint", "--image-path", "images");
    await nsinit("restore", "--detach");

    assertEquals(JSON.parse(await nsinit("ps", "--format=json")).sort(), pids);
    await nsinit("delete", "--force");
  },
  NEEDS,
);

test(
  "volumes of a host whose mounts are shared come back, and get what is mounted there",
  async (workspace) => {
    await using host = new Running([...SHARED_MOUNTS, "cat"]);
    const outer = await Deno.readLink("/proc/self/ns/mnt");
    const path = `/proc/${host.pid}/ns/mnt`;
    await waitFor(
      "mounts of its own",
      async () =>
        await Deno.readLink(path) !== outer &&
        / shared:\d+ /.test(
          await Deno.readTextFile(`/proc/${host.pid}/mountinfo`),
        ),
    );
    const volumes = [
      await workspace.newDirectory(),
      await workspace.newDirectory(),
    ];
    const { dir } = await workspace.container({
      mounts: [
        ...SYSTEM_MOUNTS,
        ...volumes.map((volume, index) =>
          mount("bind", volume, `/mnt${index}`, BIND)
        ),
      ],
      parent_death_signal: 0,
    });
    const prefix = ["nsenter", `--mount=${path}`, `--wd=${dir}`];
    let calls = 0;
    const nsinit = async (...args: string[]): Promise<string> => {
      // What stays in the background keeps what it inherits.
      const out = `${dir}/out-${++calls}`;
      const { code } = await workspace.nsinit(["--criu", testCriu(), ...args], {
        prefix: [...prefix, "sh", "-c", `exec "$@" > ${out} 2>&1`, "sh"],
      });
      const said = await Deno.readTextFile(out);
      assertEquals([args[0], code], [args[0], 0], said);
      return said;
    };
    const masters = async (): Promise<string[]> => {
      const { init_process_pid } = JSON.parse(await nsinit("state"));
      const text = await Deno.readTextFile(
        `/proc/${init_process_pid}/mountinfo`,
      );
      return text.split("\n").flatMap((line) =>
        / (\/|\/mnt\d) \S+ (master:\d+) /.exec(line)?.slice(1).join(" ") ?? []
      ).sort();
    };
    await nsinit("exec", "--detach", "tail", "-f", "/dev/null");
    const before = await masters();
    assertEquals(before.length, 3, before.join());

    await nsinit("checkpoint", "--image-path", "images");
    await nsinit("restore", "--detach");

    assertEquals(await masters(), before);
    await mustRun(["mount", "-t", "tmpfs", "tmpfs", volumes[1] ?? ""], {
      prefix,
    });
    await mustRun(["touch", `${volumes[1]}/seen`], { prefix });
    assertEquals(await nsinit("exec", "ls", "/mnt1"), "seen\n");
    await nsinit("delete", "--force");
    for (const index of volumes.keys()) {
      await Deno.remove(`${workspace.rootfs}/mnt${index}`);
    }
  },
  NEEDS,
);

test(
  "images that are not whole are told by name, and nothing is left",
  async (workspace) => {
    const container = await workspace.container();
    const { dir } = container;
    await container.detach(["sh", "-c", "while :; do sleep 1; done"]);
    const images = `${dir}/images`;
    const dumped = await criu(workspace, dir, [
      "checkpoint",
      "--image-path",
      images,
    ]);
    assertEquals(dumped.stderr, "");
    const noise = crypto.getRandomValues(new Uint8Array(3000));
    const { pid } = JSON.parse(
      await Deno.readTextFile(`${images}/nsinit.json`),
    );
    const core = `core-${pid}.img`;
    const whole = await Deno.readFile(`${images}/${core}`);
    const tries:
      readonly (readonly [string, Uint8Array | undefined, RegExp])[] = [
        [core, undefined, /there is no core-1\.img; make the checkpoint anew$/],
        [core, whole.subarray(0, 20), /core-1\.img is damaged; make/],
        [core, noise, /core-1\.img is damaged; make/],
        ["pstree.img", undefined, /there is no pstree\.img; make/],
        ["inventory.img", undefined, /there is no inventory\.img; make/],
        ["pages-1.img", undefined, /CRIU says: /],
        ["nsinit.json", noise, /nsinit\.json: .* is not valid JSON; make/],
      ];
    for (const [index, [name, bytes, says]] of tries.entries()) {
      const copy = `${dir}/copy-${index}`;
      await mustRun(["cp", "-a", images, copy]);
      await Deno.remove(`${copy}/${name}`);
      if (bytes) {
        await Deno.writeFile(`${copy}/${name}`, bytes, {
          mode: 0o600,
        });
      }
      const { code, stdout, stderr } = await criu(workspace, dir, [
        ...["restore", "--detach", "--id", workspace.newName()],
        ...["--image-path", copy],
      ]);
      assertEquals([code, stdout], [125, ""], stderr);
      assert(says.test(stderr.trimEnd()), `${name}: ${stderr}`);
      assert(/^nsinit: Cannot [^\n]*\n$/.test(stderr), stderr);
    }
    await workspace.nsinit(["delete", "--all"]);
  },
  NEEDS,
);

test("wrong usage is told in one sentence", async (workspace) => {
  const cwd = await workspace.newDirectory();
  const tries: readonly (readonly [string[], number, RegExp])[] = [
    [["checkpoint"], 2, /needs --image-path DIR/],
    [["checkpoint", "--image-path", "i"], 125, /No container of .* runs/],
    [["checkpoint", "--image-path", "i", "a", "b"], 2, /Too many arguments/],
    [
      ["checkpoint", "--image-path", "i", "--page-server", "x", "a"],
      2,
      /ADDRESS:PORT/,
    ],
    [
      ["checkpoint", "--image-path", "i", "--lazy-pages", "a"],
      2,
      /needs --page-server/,
    ],
    [["restore"], 2, /has not been checkpointed/],
    [["restore", "--image-path", "i"], 125, /no such directory/],
    [["restore", "--image-path", cwd], 125, /no nsinit.json/],
    [["restore", "--leave-runing"], 2, /leave-runing/],
  ];
  for (const [args, status, pattern] of tries) {
    const { code, stdout, stderr } = await workspace.nsinit(args, { cwd });
    assertEquals([code, stdout], [status, ""], stderr);
    assert(pattern.test(stderr), stderr);
    assertEquals(stderr.trim().split("\n").length, 1, stderr);
  }
  for await (const { name } of Deno.readDir(cwd)) {
    assertEquals(name, "nothing was made");
  }
});

/** Executes a Plan with one operation that fails, or none. */
async function execute(
  plan: Plan,
  fault?: ConstructorParameters<typeof PlanRun>[1],
): Promise<unknown> {
  const run = new PlanRun(plan, fault);
  try {
    await runParent(plan, run);
    return undefined;
  } catch (error) {
    await run.abortAsync();
    return error;
  } finally {
    run.close();
  }
}

test("each step of the network of a restored container may fail", async (workspace) => {
  const config = await readConfig(workspace, {
    networks: [],
    sysctl: { "net.ipv4.ip_forward": "1" },
  });
  await using container = await InProcess.start(workspace, {
    config,
    args: ["sleep", "1000"],
  });
  const place = { hostInterfaceNames: [], alias: "nsinit:none" };
  const plan = planRestoredNetwork(
    {
      ...config,
      networks: (await readConfig(workspace)).networks ?? [],
    },
    place,
    container.pid,
  );
  assert(plan);
  for (const list of ["parent", "child"] as const) {
    for (const [index, op] of plan[list].entries()) {
      const error = await execute(plan, { list, index, errno: 122 });
      assert(error instanceof KernelError, `${op.op}: ${error}`);
      assertEquals([error.operation, error.errnoName], [op.op, "EDQUOT"]);
    }
  }
  assertEquals(await execute(plan), undefined);
  const about: Plan = {
    parent: [{ op: "process.use", pid: container.pid }],
    child: [],
    undo: [],
  };
  const error = await execute(about, { list: "parent", index: 0, errno: 122 });
  assert(error instanceof KernelError && error.operation === "process.use");
  assertEquals(await execute(about), undefined);
});

/** The life cycle of the runtime specification, and what interrupts it. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { listIds } from "../../lib/container/store.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { findCgroups } from "../support/host_state.ts";
import { REPOSITORY, runProgram, waitFor } from "../support/nsinit.ts";
import { OciBundle } from "../support/oci_program.ts";
import { isAlive } from "../support/process_status.ts";
import { makeTestRootfs } from "../support/rootfs.ts";

const test = containerTests("ocilife");

function program(workspace: Workspace): string[] {
  return [
    ...[Deno.execPath(), "run", "-A", "--no-check", "--no-lock"],
    `${REPOSITORY}/oci.ts`,
    "--root",
    workspace.stateRoot,
  ];
}

test("every state and every transition is as the specification says", async (workspace) => {
  const dir = await workspace.newDirectory();
  await makeTestRootfs(`${dir}/rootfs`);
  await Deno.mkdir(`${dir}/rootfs/out`);
  const script = `${REPOSITORY}/tests/oci_lifecycle.sh`;
  const { code, stdout, stderr } = await runProgram(
    ["sh", script, dir, ...program(workspace)],
    { env: { OCI_ID: workspace.newName() }, timeoutMs: 180_000 },
  );
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  assert(Number(stdout.split(" ")[0]) > 70, stdout);
});

test("a container whose root is its bundle cannot change its config.json", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    rest: { root: { path: "." } },
    process: {
      cwd: "/",
      args: [
        "/rootfs/bin/busybox",
        "sh",
        "-c",
        "(echo x > /config.json) 2>/dev/null && echo wrote; " +
        "/rootfs/bin/busybox mv /config.json /x 2>/dev/null && echo moved; " +
        "/rootfs/bin/busybox rm -f /config.json 2>/dev/null && echo removed; " +
        "echo end",
      ],
    },
  });
  const before = await Deno.readTextFile(`${bundle.dir}/config.json`);
  const { code, stdout, stderr } = await bundle.oci(["run", bundle.id]);
  assertEquals([code, stdout, stderr], [0, "end\n", ""]);
  assertEquals(await Deno.readTextFile(`${bundle.dir}/config.json`), before);
});

/** How long after its start a command is killed, in milliseconds. */
const MOMENTS = [150, 180, 210, 240, 260, 280, 300, 320, 340, 360, 400, 450];

/** Starts a command and kills it, and it alone, after a while. */
async function killAfter(
  workspace: Workspace,
  bundle: OciBundle,
  args: readonly string[],
  ms: number,
): Promise<void> {
  const [file = "", ...rest] = [...program(workspace), ...args];
  const child = new Deno.Command(file, {
    args: rest,
    cwd: bundle.dir,
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  const timer = setTimeout(() => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended before.
    }
  }, ms);
  await child.status;
  clearTimeout(timer);
}

/** Host pids whose command line names a text. */
function processesNaming(text: string): number[] {
  const found: number[] = [];
  for (const { name } of Deno.readDirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === Deno.pid) continue;
    try {
      const line = Deno.readTextFileSync(`/proc/${name}/cmdline`);
      if (line.includes(text)) found.push(Number(name));
    } catch {
      // It has ended since.
    }
  }
  return found;
}

test("delete --force removes all of what a killed command leaves", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  const mark = `${workspace.tag}-mark`;
  await bundle.write({ process: { args: ["/bin/sleep", "600", mark] } });
  for (const [round, ms] of MOMENTS.entries()) {
    const { id } = bundle;
    if (round % 3 === 0) {
      await killAfter(workspace, bundle, ["run", "--detach", id], ms);
    } else await killAfter(workspace, bundle, ["create", id], ms);
    if (round % 3 === 2) await killAfter(workspace, bundle, ["start", id], ms);
    if (round % 2 === 0) {
      await killAfter(workspace, bundle, ["delete", "--force", id], ms);
    }
    const { code, stderr } = await bundle.oci(["delete", "--force", id]);
    assertEquals({ ms, code, stderr }, { ms, code: 0, stderr: "" });
    await waitFor("the end", () => processesNaming(mark).length === 0);
    assertEquals(findCgroups([id]), []);
    assertEquals(await listIds(workspace.stateRoot), []);
  }
});

test("a killed create can be made again at once", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  for (const ms of [200, 260, 320]) {
    await killAfter(workspace, bundle, ["create", bundle.id], ms);
    const state = await bundle.oci(["state", bundle.id]);
    // Killed in time there is none; else it is one as any other.
    if (state.code === 0) await bundle.must(["delete", bundle.id]);
    await bundle.start();
    await bundle.must(["delete", "--force", bundle.id]);
  }
});

test("of several creates of one id one succeeds, and of its deletes all", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  const log = (index: number): string => `${bundle.dir}/log${index}`;
  const creates = [0, 1, 2].map((index) => {
    // What waits for its start keeps the streams that it was given.
    const args = ["--log", log(index), "create", bundle.id];
    return runProgram(
      [
        "sh",
        "-c",
        'exec "$@" >/dev/null 2>&1',
        "sh",
        ...program(workspace),
        ...args,
      ],
      { cwd: bundle.dir },
    );
  });
  const codes = (await Promise.all(creates)).map(({ code }) => code);
  assertEquals(codes.toSorted(), [0, 1, 1]);
  for (const index of [0, 1, 2].filter((each) => codes[each] === 1)) {
    assertStringIncludes(
      await Deno.readTextFile(log(index)),
      "container with given ID already exists",
    );
  }
  const remove = ["delete", "--force", bundle.id];
  const ends = await Promise.all([1, 2, 3].map(() => bundle.oci(remove)));
  assertEquals(ends.map(({ code, stderr }) => [code, stderr]), [
    [0, ""],
    [0, ""],
    [0, ""],
  ]);
});

test("the first process becomes a child of who waits for orphans, and nobody stands between", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  await bundle.start();
  const { pid } = JSON.parse(await bundle.must(["state", bundle.id]));
  const stat = await Deno.readTextFile(`/proc/${pid}/stat`);
  const parent = Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  assert(
    parent === 1 || parent === Deno.pid || isSubreaper(parent),
    `parent ${parent}`,
  );
  await bundle.must(["kill", bundle.id, "KILL"]);
  await waitFor("its end", () => !isAlive(pid));
});

/** Another program's orphans come to one that has asked for them: no command of ours. */
function isSubreaper(pid: number): boolean {
  return !Deno.readTextFileSync(`/proc/${pid}/cmdline`).includes("oci.ts");
}

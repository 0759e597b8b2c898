/**
 * `explain` for every sample, as a user without any right, touching nothing.
 *
 * @module
 */
import {
  assert,
  assertEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { containerTests, type Workspace } from "../support/containers.ts";
import { captureHostState, diffHostStates } from "../support/host_state.ts";
import { nsinit, REPOSITORY, type RunResult } from "../support/nsinit.ts";
import { adaptSample, loadSamples } from "../support/samples.ts";

const test = containerTests("explain");
const NOBODY = 65534;

interface Place {
  readonly dir: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A directory that nobody may look into, and a cache that nobody may write. */
async function preparePlace(workspace: Workspace): Promise<Place> {
  const dir = await workspace.newDirectory();
  const cache = await workspace.newDirectory();
  await Deno.chown(cache, NOBODY, NOBODY);
  for (const name of ["hostname", "hosts", "resolv.conf"]) {
    await Deno.writeTextFile(`${dir}/${name}`, "");
  }
  return { dir, env: { DENO_DIR: cache, HOME: "/nonexistent" } };
}

function asNobody(
  workspace: Workspace,
  { dir, env }: Place,
  args: readonly string[],
): Promise<RunResult> {
  const id = `${NOBODY}`;
  return nsinit(["--root", workspace.stateRoot, ...args], {
    cwd: dir,
    env,
    prefix: ["setpriv", "--reuid", id, "--regid", id, "--clear-groups"],
  });
}

async function isReadableByAll(path: string): Promise<boolean> {
  for (let at = path; at !== ""; at = at.slice(0, at.lastIndexOf("/"))) {
    const { mode } = await Deno.stat(at);
    if (((mode ?? 0) & 0o001) === 0) return false;
  }
  return true;
}

for (const { name, text } of loadSamples()) {
  test(`explain ${name} as nobody touches nothing`, async (workspace) => {
    if (!await isReadableByAll(REPOSITORY)) {
      throw new Error(`nobody cannot enter ${REPOSITORY}: open it to all`);
    }
    const place = await preparePlace(workspace);
    const { dir } = place;
    await Deno.writeTextFile(
      `${dir}/container.json`,
      adaptSample(text, workspace.rootfs, dir),
    );
    const owner = {
      names: [workspace.tag],
      directories: [dir, workspace.rootfs, workspace.stateRoot],
    };
    const before = captureHostState(owner);

    const plain = await asNobody(workspace, place, ["explain", "/bin/true"]);
    const json = await asNobody(workspace, place, [
      "explain",
      "--json",
      "/bin/true",
    ]);

    assertEquals(diffHostStates(before, captureHostState(owner)), []);
    if (plain.code !== 0) {
      // What this host lacks, or what is ambiguous, is said in one sentence.
      assertEquals([plain.code, json.code], [125, 125], plain.stderr);
      assert(plain.stderr.startsWith("nsinit: "), plain.stderr);
      assertStringIncludes(plain.stderr, "Cannot");
      return;
    }
    const complaints = plain.stderr.split("\n")
      .filter((line) => line !== "" && !line.startsWith("nsinit: warning: "));
    assertEquals([plain.code, complaints], [0, []]);
    assertStringIncludes(plain.stdout, "/bin/true");
    const plan = JSON.parse(json.stdout);
    assertEquals(plan.child.at(-1).op, "exec");
    for (const { op, path } of plan.parent) {
      if (op === "cgroup.make") await assertRejects(() => Deno.lstat(path));
    }
  });
}

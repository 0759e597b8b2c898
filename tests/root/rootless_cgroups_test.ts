/** Limits of an ordinary user's containers, in a cgroup that root has given him. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { probeCgroups } from "../../lib/host/probe.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { OrdinaryUser, USER_ID } from "../support/ordinary_user.ts";

const test = containerTests("rootlesscgroups");

/** A group of version 2 that belongs to the user, and how to start in it. */
interface Delegated extends AsyncDisposable {
  readonly mount: string;
  readonly path: string;
  readonly prefix: readonly string[];
}

/** Has controllers in the groups below one; gives those that were not there. */
async function grant(
  group: string,
  controllers: readonly string[],
): Promise<string[]> {
  const file = `${group}/cgroup.subtree_control`;
  const there = (await Deno.readTextFile(file)).trim().split(" ");
  const missing = controllers.filter((name) => !there.includes(name));
  for (const name of missing) await Deno.writeTextFile(file, `+${name}`);
  return missing;
}

async function delegate(
  workspace: Workspace,
  controllers: readonly string[] = [],
): Promise<Delegated> {
  const unified = probeCgroups().hierarchies.find(({ version }) =>
    version === 2
  );
  if (!unified) throw new Error("no cgroup v2");
  const path = `${unified.base}/${workspace.tag}-delegated`;
  const start = `${path}/start`;
  const granted = await grant(unified.base, controllers);
  for (const dir of [path, start]) {
    await Deno.mkdir(dir);
    for (const file of ["", "/cgroup.procs", "/cgroup.subtree_control"]) {
      await Deno.chown(dir + file, USER_ID, USER_ID);
    }
  }
  const enter = `echo $$ > ${start}/cgroup.procs && exec "$@"`;
  return {
    mount: unified.mount,
    path,
    prefix: ["sh", "-c", enter, "sh"],
    async [Symbol.asyncDispose](): Promise<void> {
      for (const dir of [`${path}/nsinit`, start, path]) {
        await Deno.remove(dir).catch((error) => {
          if (!(error instanceof Deno.errors.NotFound)) throw error;
        });
      }
      const file = `${unified.base}/cgroup.subtree_control`;
      for (const name of granted) await Deno.writeTextFile(file, `-${name}`);
    },
  };
}

test(
  "in a delegated cgroup its processes are held, found and killed",
  async (workspace) => {
    const user = await OrdinaryUser.create(workspace);
    await using group = await delegate(workspace);
    await user.configure(workspace.config({ parent_death_signal: 0 }));
    const mark = `6${Deno.pid}`;
    const options = { prefix: group.prefix };
    const script = `sleep ${mark} & exec sleep ${mark}`;
    const started = await user.detach(["/bin/sh", "-c", script], options);
    assertEquals([started.code, started.stderr], [0, ""]);
    const state = await user.nsinit(["state"], options);
    const { unified } = JSON.parse(state.stdout).cgroup_paths;
    assert(unified.startsWith(`${group.path}/`), unified);
    const held = (await Deno.readTextFile(`${unified}/cgroup.procs`)).trim();
    const sleeping = await user.processes(`sleep ${mark}`);
    assertEquals(held.split("\n").map(Number).sort(), sleeping.sort());
    const where = ["exec", "cat", "/proc/self/cgroup"];
    const joined = await user.nsinit(where, options);
    assertEquals(joined.code, 0, joined.stderr);
    assertStringIncludes(joined.stdout, unified.slice(group.mount.length));

    const deleted = await user.nsinit(["delete", "--force"], options);
    assertEquals([deleted.code, deleted.stderr], [0, ""]);
    assertEquals(await user.processes(`sleep ${mark}`), []);
    assertEquals(user.states(), []);
    const entries = await Array.fromAsync(Deno.readDir(group.path));
    const left = entries.filter(({ isDirectory }) => isDirectory)
      .map(({ name }) => name);
    assertEquals(left, ["start"]);
  },
  { needs: ["user-namespaces", "cgroup-v2-mount"] },
);

test(
  "in a delegated cgroup with controllers the limits of a user's container apply",
  async (workspace) => {
    const user = await OrdinaryUser.create(workspace);
    await using group = await delegate(workspace, ["memory", "pids", "cpu"]);
    const options = { prefix: group.prefix };
    await user.configure(workspace.config({
      parent_death_signal: 0,
      cgroups: {
        memory: 32 << 20,
        memory_swap: 32 << 20,
        pids_limit: 20,
        cpu_shares: 512,
      },
    }));
    const mark = `5${Deno.pid}`;
    const started = await user.detach(["/bin/sleep", mark], options);
    assertEquals([started.code, started.stderr], [0, ""]);
    const state = await user.nsinit(["state"], options);
    const { unified } = JSON.parse(state.stdout).cgroup_paths;
    const read = async (file: string): Promise<string> =>
      (await Deno.readTextFile(`${unified}/${file}`)).trim();
    assertEquals(
      [await read("memory.max"), await read("pids.max")],
      [String(32 << 20), "20"],
    );
    assert(await read("cpu.weight") !== "100", "the shares are not applied");

    // What a joined program takes counts as well, and is refused by the kernel.
    const many =
      "i=0; while [ $i -lt 30 ]; do sleep 100 >/dev/null 2>&1 & i=$((i+1)); done";
    const forking = await user.nsinit(
      ["exec", "/bin/sh", "-c", many],
      options,
    );
    assert(forking.code !== 0, "more processes than the limit were made");
    assertMatch(await read("pids.events"), /^max [1-9]/);
    const deleted = await user.nsinit(["delete", "--force"], options);
    assertEquals([deleted.code, deleted.stderr], [0, ""]);
    assertEquals(await user.processes(`sleep ${mark}`), []);

    const filling = await user.nsinit(["exec", "tail", "/dev/zero"], options);
    assertEquals(filling.code, 137, filling.stderr);
  },
  { needs: ["user-namespaces", "cgroup-v2"] },
);

/**
 * The cgroups below which all containers of a run have theirs: what makes it
 * possible to find everything that a run may leave.
 *
 * @module
 */
import { join } from "@std/path";
import { probeCgroups } from "../lib/host/probe.ts";

const ATTEMPTS = 100;
const PAUSE_MS = 20;

/**
 * Makes the parents.
 *
 * @param parent Their path from the root of each hierarchy.
 */
export async function makeGroups(parent: string): Promise<void> {
  for (const { version, controllers, mount } of probeCgroups().hierarchies) {
    const dir = mount + parent;
    await Deno.mkdir(dir);
    if (version === 2) await enable([mount, dir], controllers);
    if (!controllers.includes("cpuset") || version === 2) continue;
    for (const file of ["cpuset.cpus", "cpuset.mems"]) {
      const text = await Deno.readTextFile(join(mount, file));
      await Deno.writeTextFile(join(dir, file), text);
    }
  }
}

/** What every runtime enables for the limits of the bench. */
const ENABLED = ["cpu", "memory", "pids"];

async function enable(
  dirs: readonly string[],
  offered: readonly string[],
): Promise<void> {
  const names = ENABLED.filter((name) => offered.includes(name));
  const text = names.map((name) => `+${name}`).join(" ");
  for (const dir of dirs) {
    await Deno.writeTextFile(join(dir, "cgroup.subtree_control"), text);
  }
}

/**
 * Kills what is left in them and below, and removes them.
 *
 * @param parent Their path from the root of each hierarchy.
 * @throws {Error} If something cannot be removed.
 */
export async function removeGroups(parent: string): Promise<void> {
  const dirs = probeCgroups().hierarchies.map(({ mount }) => mount + parent);
  for (let attempt = 1;; attempt++) {
    for (const dir of dirs) await killAll(dir);
    try {
      for (const dir of dirs) await removeTree(dir);
      return;
    } catch (error) {
      if (attempt === ATTEMPTS) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

async function* groupsBelow(dir: string): AsyncGenerator<string> {
  try {
    for await (const { name, isDirectory } of Deno.readDir(dir)) {
      if (isDirectory) yield* groupsBelow(join(dir, name));
    }
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return;
    throw error;
  }
  yield dir;
}

/** Reads a list of pids; empty where the group has gone. */
async function pidsOf(dir: string): Promise<number[]> {
  const text = await Deno.readTextFile(join(dir, "cgroup.procs"))
    .catch(() => "");
  return text.split("\n").filter((line) => line !== "").map(Number);
}

async function killAll(dir: string): Promise<void> {
  for await (const group of groupsBelow(dir)) {
    for (const pid of await pidsOf(group)) {
      try {
        if (pid > 0) Deno.kill(pid, "SIGKILL");
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw error;
      }
    }
  }
}

async function removeTree(dir: string): Promise<void> {
  for await (const group of groupsBelow(dir)) {
    try {
      await Deno.remove(group);
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
}

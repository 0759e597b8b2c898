/**
 * The C program that the bench compares with does the same work.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import type { Bench } from "../../bench/bench.ts";
import { benchConfig } from "../../bench/config.ts";
import { floorCommand, runFloor, writeFilter } from "../../bench/floor.ts";
import { makeGroups, removeGroups } from "../../bench/groups.ts";
import { readCounts, SCRIPT } from "../../bench/sections/work.ts";
import { probeCgroups } from "../../lib/host/probe.ts";
import { Factory } from "../../mod.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { mustRun, REPOSITORY } from "../support/nsinit.ts";

const test = containerTests("floor");
const MOUNT_POINTS = "awk '{ print $5 }' /proc/self/mountinfo | sort -u";
const END = "end of what was counted";

async function makeBench({ dir, rootfs, tag }: Workspace): Promise<Bench> {
  await mustRun(["make", "-s", "-C", `${REPOSITORY}/bench`]);
  const bench: Bench = {
    dir,
    rootfs,
    parent: `/${tag}-bench`,
    hierarchies: probeCgroups().hierarchies,
    isQuick: true,
    programs: new Map(),
    signal: new AbortController().signal,
  };
  await writeFilter(bench);
  return bench;
}

async function inFloor(bench: Bench, script: string): Promise<string> {
  const command = floorCommand(bench, "floor", ["/bin/sh", "-c", script]);
  return await mustRun(command);
}

async function inContainer(
  { parent, rootfs }: Bench,
  { stateRoot, newName }: { stateRoot: string; newName: () => string },
  script: string,
): Promise<string> {
  const args = ["/bin/sh", "-c", script];
  const config = benchConfig({ rootfs, parent, name: "" }, args);
  const factory = new Factory(stateRoot);
  await using container = await factory.create(newName(), config);
  const process = await container.start({ args, stdout: "piped" });
  return new TextDecoder().decode((await process.output()).stdout);
}

test("a program finds the same in a container as in the floor", async (workspace) => {
  const bench = await makeBench(workspace);
  const script = [SCRIPT, `echo ${END}`, MOUNT_POINTS].join("\n");
  await makeGroups(bench.parent);
  try {
    const [floor, container] = [
      await inFloor(bench, script),
      await inContainer(bench, {
        stateRoot: workspace.stateRoot,
        newName: () => workspace.newName(),
      }, script),
    ];
    const [counted = "", places = ""] = floor.split(END);
    const [ourCounted = "", ourPlaces = ""] = container.split(END);
    // Each of them may mount twice at a place.
    const { mounts: _, ...counts } = readCounts(counted);
    const { mounts: __, ...ours } = readCounts(ourCounted);
    assertEquals(ours, counts);
    const points = (text: string): string[] =>
      text.split("\n").filter((line) => line.startsWith("/"));
    assert(points(places).length > 15);
    assertEquals(points(ourPlaces), points(places));
  } finally {
    await removeGroups(bench.parent);
  }
});

test("the floor tells its times and leaves nothing", async (workspace) => {
  const bench = await makeBench(workspace);
  await makeGroups(bench.parent);
  try {
    const { exit, whole } = await runFloor(bench, "floor", ["/bin/true"]);
    assert(exit > 0 && whole >= exit);
    for (const { mount } of bench.hierarchies) {
      const entries = await Array.fromAsync(Deno.readDir(mount + bench.parent));
      assertEquals(entries.filter(({ isDirectory }) => isDirectory), []);
    }
  } finally {
    await removeGroups(bench.parent);
  }
});

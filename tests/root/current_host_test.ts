/** What a program that starts many containers knows of its machine. */
import { assert, assertEquals } from "@std/assert";
import { containerTests } from "../support/containers.ts";
import type { HostAnswers } from "../support/host_after_mounts.ts";
import { mustRun, REPOSITORY } from "../support/nsinit.ts";

const test = containerTests("currenthost");

test("mounts of others change nothing of the machine, a covered hierarchy does", async (workspace) => {
  const script = `${REPOSITORY}/tests/support/host_after_mounts.ts`;
  const deno = [Deno.execPath(), "run", "-A", "--no-check", "--no-lock"];
  const own = ["unshare", "--mount", "--propagation", "private"];
  const directory = await workspace.newDirectory();
  const answer = await mustRun([...own, ...deno, script, directory]);
  const { isSameAfterOther, mounts, covered }: HostAnswers = JSON.parse(answer);
  assert(isSameAfterOther);
  const [before, between, after] = mounts;
  assertEquals(after, before);
  assertEquals(between, before.filter((mount) => mount !== covered));
});

/**
 * Tells what a program that starts many containers knows of its machine while
 * mounts come and go. To be run in a mount namespace of its own.
 *
 *     host_after_mounts.ts DIRECTORY
 *
 * @module
 */
import { currentHost } from "../../lib/container/current_host.ts";
import { say } from "../../tasks/process.ts";

/** What it says, as JSON. */
export interface HostAnswers {
  /** Whether it is the same object after something was mounted that does not matter. */
  readonly isSameAfterOther: boolean;
  /** Mounts of the hierarchies at first, with one of them covered, and uncovered again. */
  readonly mounts: readonly [string[], string[], string[]];
  /** Which one was covered. */
  readonly covered: string;
}

async function run(
  ...[program, ...args]: [string, ...string[]]
): Promise<void> {
  const { success } = await new Deno.Command(program, { args }).output();
  if (!success) throw new Error(`${program} ${args.join(" ")} failed`);
}

function mountsNow(): string[] {
  return currentHost().cgroup.hierarchies.map(({ mount }) => mount);
}

if (import.meta.main) {
  const [directory = ""] = Deno.args;
  const first = currentHost();
  const before = mountsNow();
  await run("mount", "-t", "tmpfs", "other", directory);
  const isSameAfterOther = currentHost() === first;
  const covered = before[0] ?? "";
  await run("mount", "-t", "tmpfs", "cover", covered);
  const between = mountsNow();
  await run("umount", covered);
  const answers: HostAnswers = {
    isSameAfterOther,
    mounts: [before, between, mountsNow()],
    covered,
  };
  say(JSON.stringify(answers));
}

/**
 * Sets everything up and runs a first container: a shell on a terminal, else a
 * short self-check.
 *
 * @module
 */
import { join } from "@std/path";
import { build } from "./build.ts";
import { DENO, ROOT, run, runAndKeep, say } from "./process.ts";
import { makeRootfs } from "./rootfs.ts";
import { setup } from "./setup.ts";

const ROOTFS = join(ROOT, "build/demo/rootfs");
const CHECK = "hostname; id; echo ok";

/** Runs the demo and gives its exit status. */
async function demo(): Promise<number> {
  if (!await setup(["build", "demo"])) return 1;
  if (!await build()) return 1;
  await makeRootfs(ROOTFS);

  return Deno.stdin.isTerminal() && Deno.stdout.isTerminal()
    ? await shell()
    : await selfCheck();
}

async function shell(): Promise<number> {
  say("You are about to be root in a container: try `id`, `ps`, `hostname`.");
  say("Type `exit` to leave; the container is gone then.");

  return await run(DENO, nsinit("exec", "--tty", "/bin/sh"), { cwd: ROOTFS });
}

async function selfCheck(): Promise<number> {
  say(`demo: exec /bin/sh -c '${CHECK}'`);
  const { code, output } = await runAndKeep(
    DENO,
    nsinit("exec", "/bin/sh", "-c", CHECK),
    { cwd: ROOTFS },
  );
  const passed = code === 0 && output.trimEnd().split("\n").at(-1) === "ok";

  say(passed ? "demo: ok" : `demo: failed with exit status ${code}`);
  return passed ? 0 : code || 1;
}

function nsinit(...args: string[]): string[] {
  return ["run", "-A", join(ROOT, "cli.ts"), ...args];
}

if (import.meta.main) Deno.exit(await demo());

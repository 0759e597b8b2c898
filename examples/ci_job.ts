/**
 * Runs the steps of a job, one after the other, in one container: over a root
 * file system that stays as it is, with the artefacts in a directory.
 *
 *     deno run -A examples/ci_job.ts --rootfs DIR --out DIR [FLAGS] STEP...
 *
 *     --rootfs DIR     root file system; only read
 *     --out DIR        made if missing; it is /out inside
 *     --size MIB       how much the job may write elsewhere, 512 unless given
 *     --seconds N      time for all steps, 600 unless given
 *     --root DIR       where states are kept
 *
 * A step is a line for the shell. The first one that fails ends the job, with
 * its status; 124 means that the job was stopped.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { parseArgs } from "node:util";
import {
  bindMount,
  type Config,
  type Container,
  defaultConfig,
  Factory,
} from "../mod.ts";

const STOPPED = 124;
const FAILED = 125;

const { values: flags, positionals: steps } = parseArgs({
  allowPositionals: true,
  options: {
    rootfs: { type: "string" },
    out: { type: "string" },
    size: { type: "string", default: "512" },
    seconds: { type: "string", default: "600" },
    root: { type: "string" },
  },
});
if (!flags.rootfs || !flags.out || steps.length === 0) {
  console.error("usage: ci_job.ts --rootfs DIR --out DIR [FLAGS] STEP...");
  Deno.exit(2);
}

const stop = new AbortController();
Deno.addSignalListener("SIGINT", () => stop.abort("interrupted"));
Deno.addSignalListener("SIGTERM", () => stop.abort("interrupted"));
Deno.unrefTimer(
  setTimeout(() => stop.abort("out of time"), Number(flags.seconds) * 1000),
);

try {
  Deno.exitCode = await runJob(await configure(flags.rootfs, flags.out));
} catch (error) {
  if (!stop.signal.aborted) {
    console.error(`ci_job: ${error instanceof Error ? error.message : error}`);
    Deno.exitCode = FAILED;
  }
}
if (stop.signal.aborted) {
  console.log(`== stopped: ${stop.signal.reason}`);
  Deno.exitCode = STOPPED;
}

async function configure(rootfs: string, out: string): Promise<Config> {
  await Deno.mkdir(out, { recursive: true });
  const base = defaultConfig(await Deno.realPath(rootfs));
  return {
    ...base,
    hostname: "ci",
    noNewPrivileges: true,
    overlay: { size: Number(flags.size) * 2 ** 20 },
    mounts: [...base.mounts, bindMount(await Deno.realPath(out), "/out")],
  };
}

async function runJob(config: Config): Promise<number> {
  const id = `job-${Deno.pid}`;
  await using container = await new Factory(flags.root).create(id, config);

  // The steps join this one: what one leaves, files and services, the next has.
  await container.start({ args: ["sleep", "1000000"] });
  for (const [index, step] of steps.entries()) {
    console.log(`== ${index + 1}/${steps.length} ${step}`);
    const code = await runStep(container, step);
    if (stop.signal.aborted) return STOPPED;
    if (code !== 0) {
      console.log(`== failed with status ${code}`);
      return code;
    }
  }
  console.log("== done");
  return 0;
}

/** Runs a step to its end; what it prints appears at once. */
async function runStep(container: Container, step: string): Promise<number> {
  const process = await container.start({
    args: ["/bin/sh", "-e", "-c", step],
    env: { CI: "true", PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    stdout: "inherit",
    stderr: "inherit",
    signal: stop.signal,
  });
  return (await process.status).code;
}

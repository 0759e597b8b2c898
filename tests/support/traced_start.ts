/**
 * A program that starts and joins containers, and says so to whoever traces it:
 * what stands between the look at `/budget/start` and that at `/budget/end`
 * belongs to a start.
 *
 * @module
 */
import { defaultConfig, Factory } from "../../mod.ts";

const [stateRoot = "", rootfs = "", parent = ""] = Deno.args;
const TRUE = { args: ["/bin/true"], stdin: "null", stdout: "null" } as const;
const SLEEP = { ...TRUE, args: ["/bin/sleep", "1000"] } as const;

function mark(name: string): void {
  try {
    Deno.statSync(`/budget/${name}`);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}

const factory = new Factory(stateRoot);
const template = defaultConfig(rootfs);
// The first one loads code and makes what the others share.
for (const phase of ["first", "start"]) {
  const container = await factory.create(phase, {
    ...template,
    cgroups: { ...template.cgroups, parent, name: `${parent}-${phase}` },
  });
  mark(phase);
  const process = await container.start(TRUE);
  await process.status;
  await container.destroy(); // its groups are removed meanwhile, or before
  mark("end");
}

await using container = await factory.create("joined", {
  ...template,
  cgroups: { ...template.cgroups, parent, name: `${parent}-joined` },
});
const first = await container.start(SLEEP);
for (const phase of ["first", "join"]) {
  mark(phase);
  const process = await container.start(TRUE);
  await process.status;
  mark("end");
}
first.kill("SIGKILL");
await first.status;

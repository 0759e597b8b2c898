/**
 * A program that prints how many bytes of JavaScript's memory a container takes
 * that runs and is waited for. Needs `--v8-flags=--expose-gc`.
 *
 * @module
 */
import { type Container, defaultConfig, Factory } from "../../mod.ts";

const [stateRoot = "", rootfs = "", parent = ""] = Deno.args;
/** Made before, so that all code is compiled and all tables have grown. */
const BEFORE = 40;
const COUNTED = 80;

declare const gc: () => void;

const factory = new Factory(stateRoot);
const config = defaultConfig(rootfs);
const living: { container: Container; end: Promise<unknown> }[] = [];

async function startMany(count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    const id = `memory-${living.length}`;
    const container = await factory.create(id, {
      ...config,
      cgroups: { ...config.cgroups, parent, name: "" },
    });
    const process = await container.start({
      args: ["/bin/sleep", "1000"],
      stdin: "null",
      stdout: "null",
    });
    living.push({ container, end: process.status });
  }
}

async function usedMemory(): Promise<number> {
  for (let i = 0; i < 4; i++) {
    gc();
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const { heapUsed, external } = Deno.memoryUsage();
  return heapUsed + external;
}

await startMany(BEFORE);
const before = await usedMemory();
await startMany(COUNTED);
const bytes = Math.round((await usedMemory() - before) / COUNTED);
for (const { container, end } of living) {
  await container.signal("SIGKILL");
  await end;
  await container.destroy();
}
await Deno.stdout.write(new TextEncoder().encode(`${bytes}\n`));

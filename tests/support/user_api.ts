/**
 * A program that an ordinary user runs: a container by the library. Argument:
 * root file system. Prints what the program inside and the library tell.
 *
 * @module
 */
import { defaultConfig, Factory } from "../../mod.ts";

if (import.meta.main) {
  const [rootfs = ""] = Deno.args;
  const factory = new Factory();
  const told: unknown[] = [factory.root];
  {
    await using container = await factory.create("mine", defaultConfig(rootfs));
    const process = await container.start({
      args: ["/bin/sh", "-c", "id -u; sleep 0.1; exit 4"],
      env: { PATH: "/bin" },
      stdout: "piped",
    });
    const { code, stdout } = await process.output();
    told.push(code, new TextDecoder().decode(stdout));
  }
  told.push((await factory.list()).length);
  const text = new TextEncoder().encode(JSON.stringify(told));
  await new Blob([text]).stream().pipeTo(Deno.stdout.writable);
}

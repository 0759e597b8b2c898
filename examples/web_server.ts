/**
 * Serves a directory with busybox's web server in a container that is reached
 * by an address of its own, until Ctrl-C.
 *
 *     deno run -A examples/web_server.ts --rootfs DIR --bridge NAME --address CIDR [FLAGS]
 *
 *     --rootfs DIR     root file system with busybox; only read
 *     --bridge NAME    bridge of the host that the container is connected to
 *     --address CIDR   address of the container, e.g. 10.0.0.2/24
 *     --www DIR        what is served, the current directory unless given
 *     --port N         8080 unless given
 *     --root DIR       where states are kept
 *
 * A bridge is made by `ip link add br0 type bridge`, `ip addr add 10.0.0.1/24
 * dev br0`, `ip link set br0 up`. Needs root.
 *
 * @module
 */
// deno-lint-ignore-file no-console
import { parseArgs } from "node:util";
import {
  bindMount,
  type Config,
  defaultConfig,
  defaultSeccomp,
  Factory,
  vethNetwork,
} from "../mod.ts";

const FAILED = 125;

const { values: flags } = parseArgs({
  options: {
    rootfs: { type: "string" },
    bridge: { type: "string" },
    address: { type: "string" },
    www: { type: "string", default: "." },
    port: { type: "string", default: "8080" },
    root: { type: "string" },
  },
});
const { rootfs, bridge, address } = flags;
if (!rootfs || !bridge || !address) {
  console.error(
    "usage: web_server.ts --rootfs DIR --bridge NAME --address CIDR [FLAGS]",
  );
  Deno.exit(2);
}

const stop = new AbortController();
Deno.addSignalListener("SIGINT", () => stop.abort("interrupted"));
Deno.addSignalListener("SIGTERM", () => stop.abort("interrupted"));

const base = defaultConfig(await Deno.realPath(rootfs));
const www = bindMount(await Deno.realPath(flags.www), "/www", {
  readonly: true,
});
const config: Config = {
  ...base,
  hostname: "web",
  overlay: { size: 1 << 20 }, // for mount points; the root stays as it is
  readonlyfs: true,
  mounts: [...base.mounts, www],
  // The port is above 1023, so that nobody can serve it without privileges.
  capabilities: [],
  seccomp: defaultSeccomp,
  networks: [...base.networks, vethNetwork({ bridge, address })],
};

try {
  Deno.exitCode = await serve();
} catch (error) {
  if (!stop.signal.aborted) {
    console.error(
      `web_server: ${error instanceof Error ? error.message : error}`,
    );
    Deno.exitCode = FAILED;
  }
}

async function serve(): Promise<number> {
  const id = `web-${Deno.pid}`;
  await using container = await new Factory(flags.root).create(id, config);
  const server = await container.start({
    args: ["httpd", "-f", "-v", "-p", flags.port, "-h", "/www"],
    user: "nobody",
    stdout: "inherit",
    stderr: "inherit", // a line for each request
    signal: stop.signal,
  });

  const url = `http://${address?.split("/")[0]}:${flags.port}/`;
  const ended = server.status;
  while (!await answers(url)) {
    const status = await Promise.race([ended, delay(50)]);
    if (status) return status.code;
  }
  console.log(`serving ${url}`);
  const { code } = await ended;
  return stop.signal.aborted ? 0 : code;
}

/** Whether somebody listens there; what is answered does not matter. */
async function answers(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: stop.signal });
    await response.body?.cancel();
    return true;
  } catch (error) {
    if (error instanceof TypeError) return false; // no connection
    throw error;
  }
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

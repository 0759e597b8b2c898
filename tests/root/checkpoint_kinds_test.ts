/**
 * What comes back from images: locks, sockets, connections, networks, memory.
 * The programs inside say so where it is not as it was.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  bindMount,
  type Config,
  CriuError,
  HostError,
  type Process,
} from "../../mod.ts";
import {
  compileCheckpointPayload,
  type PayloadArgs,
} from "../support/checkpoint_payload.ts";
import {
  assertContinuous,
  Checkpointed,
  numbersOf,
  readNumbers,
} from "../support/checkpointed.ts";
import {
  type ConfigJson,
  containerTests,
  type Workspace,
} from "../support/containers.ts";
import { testCriu } from "../support/criu.ts";
import { readConfig } from "../support/in_process.ts";
import { TestNetwork } from "../support/network.ts";
import { delay, mustRun, Running, waitFor } from "../support/nsinit.ts";

const declare = containerTests("kinds");
/** Where the program is, inside. */
const PAYLOAD = "/payload";

/** Declares a test with the program in the root. */
function test(
  name: string,
  body: (workspace: Workspace) => Promise<void>,
): void {
  declare(name, async (workspace) => {
    const compiled = workspace.dir + PAYLOAD;
    const isThere = await Deno.stat(compiled).then(() => true, () => false);
    if (!isThere) await compileCheckpointPayload(compiled);
    const path = workspace.rootfs + PAYLOAD;
    await Deno.copyFile(compiled, path);
    try {
      await body(workspace);
    } finally {
      await Deno.remove(path);
    }
  }, { needs: ["criu"] });
}

/** Starts the program, and waits for its first line. */
function start(
  { container }: Checkpointed,
  args: PayloadArgs,
): Promise<Process> {
  return container.start({ args: [PAYLOAD, ...args], stdout: "piped" });
}

/** All that a program that has ended had said. */
async function allNumbers(process: Process): Promise<number[]> {
  return readNumbers(await new Response(process.stdout).text());
}

/** Waits until a process that has been started or restored has said something. */
async function untilSaid(running: Running, enough: number): Promise<number[]> {
  return await waitFor("numbers", () => {
    const numbers = readNumbers(running.stdout);
    return (numbers.at(-1) ?? -1) >= enough && numbers;
  }, 60_000);
}

/** Checkpoints a counting program, restores it, and looks at what it counts. */
async function assertGoesOn(
  own: Checkpointed,
  args: PayloadArgs,
  options: { readonly tcpEstablished?: boolean } = {},
): Promise<void> {
  const { container, images } = own;
  const first = await start(own, args);
  await delay(300);

  await container.checkpoint({ imagePath: images, ...options });
  const before = await allNumbers(first);
  const last = before.at(-1) ?? 0;
  assert(last > 0, "it has counted");
  const second = await container.restore({ stdout: "piped" });
  const after = await numbersOf(second, last + 10);

  assertContinuous([...before, ...after]);
}

for (
  const [what, args] of [
    ["connection over loopback", ["tcp", "127.0.0.1", "7"]],
    ["unix socket with a name", ["unix", "/dev/shm/socket"]],
    ["memory of many pages", ["memory", "2000"]],
  ] as const
) {
  test(`a ${what} comes back, with nothing lost`, async (workspace) => {
    await using own = await Checkpointed.create(workspace);
    await assertGoesOn(own, [...args], { tcpEstablished: args[0] === "tcp" });
  });
}

test("locks of files are held again, and need a word", async (workspace) => {
  await using own = await Checkpointed.create(workspace);
  const { container, images } = own;
  const paths: [string, string] = ["/lock-whole", "/lock-range"];
  const areLocked = async (): Promise<number> => {
    const args = [PAYLOAD, "are-locked", ...paths];
    return (await (await container.start({ args })).status).code;
  };
  const holder = await start(own, ["locks", ...paths]);
  await numbersOf(holder, 1);
  assertEquals(await areLocked(), 0);

  const error = await assertRejects(
    () => container.checkpoint({ imagePath: images }),
    CriuError,
  );
  assert(error.message.includes("use --file-locks"), error.message);
  await Deno.remove(String(error.context["log"]));
  assertEquals(await areLocked(), 0);
  await container.checkpoint({ imagePath: images, fileLocks: true });
  await container.restore({});

  assertEquals(await areLocked(), 0);
  await container.signal("SIGKILL");
  for (const path of paths) await Deno.remove(workspace.rootfs + path);
});

test("a datagram socket is connected to a program outside again, which needs a word", async (workspace) => {
  const dir = await workspace.newDirectory();
  const config = await readConfig(workspace, { networks: [] });
  const place = { path: `${dir}/socket`, inside: workspace.rootfs + dir };
  const withSocket = (isShared: boolean): Config => ({
    ...config,
    // CRIU finds only sockets of the same network namespace.
    namespaces: config.namespaces.filter(({ type }) =>
      type !== "NEWNET" || !isShared
    ),
    // Sockets know each other by their path.
    mounts: [...config.mounts, bindMount(dir, dir, { readonly: false })],
  });
  await using outside = new Running([
    workspace.dir + PAYLOAD,
    "receive",
    place.path,
  ]);
  await outside.waitForOutput("0\n");
  const attempt = async (own: Checkpointed, word: RegExp): Promise<Process> => {
    const process = await start(own, ["send", place.path]);
    await waitFor("a message", () => /[1-9]\n$/.test(outside.stdout));
    const error = await assertRejects(
      () => own.container.checkpoint({ imagePath: own.images }),
      CriuError,
    );
    assert(word.test(error.message), error.message);
    await Deno.remove(String(error.context["log"]));
    return process;
  };
  try {
    await using apart = await Checkpointed.create(
      workspace,
      withSocket(false),
    );
    await attempt(apart, /another network namespace/);
    await apart.container.destroy({ force: true });
    await using own = await Checkpointed.create(workspace, withSocket(true));
    const { container, images } = own;
    const first = await attempt(own, /use --ext-unix-sk/);
    await container.checkpoint({
      imagePath: images,
      externalUnixSockets: true,
    });
    const before = await allNumbers(first);
    const last = before.at(-1) ?? 0;
    const second = await container.restore({ stdout: "piped" });
    const after = await numbersOf(second, last + 5);

    assertContinuous([...before, ...after]);
    const heard = (await untilSaid(outside, last + 5)).slice(1);
    assertContinuous(heard.slice(heard.lastIndexOf(1)));
  } finally {
    await Deno.remove(`${workspace.rootfs}/tmp/${dir.split("/")[2]}`, {
      recursive: true,
    });
  }
});

test("a network namespace of others is joined again", async (workspace) => {
  await using network = await TestNetwork.create();
  const config = await readConfig(workspace, { networks: [] });
  await using own = await Checkpointed.create(workspace, {
    ...config,
    namespaces: config.namespaces.map((each) =>
      each.type === "NEWNET" ? { ...each, path: network.path } : each
    ),
  });
  const { container } = own;

  await assertGoesOn(own, ["tcp", "127.0.0.1", "8"], { tcpEstablished: true });

  const [pid = 0] = await container.processes();
  assertEquals(
    await Deno.readLink(`/proc/${pid}/ns/net`),
    await Deno.readLink(network.path),
  );
});

async function namesIn(dir: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(dir))).map(({ name }) => name);
}

test("groups that were made below the container's come back, with who is in them", async (workspace) => {
  await using own = await Checkpointed.create(workspace);
  const { container, images } = own;
  await start(own, ["unix", "/dev/shm/socket"]);
  const [first = 0, second = 0] = await waitFor("two processes", async () => {
    const pids = await container.processes();
    return pids.length === 2 && pids;
  });
  const { cgroupPaths } = await container.state();
  const group = cgroupPaths["pids"] ?? cgroupPaths["unified"] ?? "";
  const inner = `${group}/inner`;
  const membersOf = async (path: string): Promise<number> =>
    (await Deno.readTextFile(`${path}/cgroup.procs`)).trim().split("\n").length;
  await Deno.mkdir(inner);
  await Deno.writeTextFile(`${inner}/cgroup.procs`, `${second}`);
  assertEquals([first > 0, await membersOf(inner)], [true, 1]);

  await container.checkpoint({ imagePath: images });
  await assertRejects(() => Deno.stat(group), Deno.errors.NotFound);
  await container.restore({});

  assertEquals([await membersOf(group), await membersOf(inner)], [1, 1]);
  assertEquals((await container.processes()).length, 2);
});

/** Runs CRIU itself, as a server of pages. */
function serveCriu(...args: string[]): Running {
  return new Running([testCriu(), ...args]);
}

/** A port that nobody listens on. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Waits until somebody listens on a port. */
async function untilListens(port: number): Promise<void> {
  const word = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  await waitFor("a listener", async () => {
    const table = await Deno.readTextFile("/proc/net/tcp");
    return table.split("\n").some((line) => {
      const [, local, , state] = line.trim().split(/\s+/);
      return local?.endsWith(word) && state === "0A";
    });
  });
}

test("memory goes to a page server, and is not in the images", async (workspace) => {
  await using own = await Checkpointed.create(workspace);
  const { container, images } = own;
  const first = await start(own, ["memory", "2000"]);
  const stored = await workspace.newDirectory();
  const port = freePort();
  await using server = serveCriu(
    ...["page-server", "--images-dir", stored],
    ...["--address", "127.0.0.1", "--port", `${port}`],
  );
  await untilListens(port);

  await container.checkpoint({
    imagePath: images,
    pageServer: { address: "127.0.0.1", port },
  });
  assertEquals((await server.result()).code, 0);
  const before = await allNumbers(first);
  assertEquals(
    (await namesIn(images)).filter((name) => name.startsWith("pages-")),
    [],
  );
  for (const name of await namesIn(stored)) {
    await Deno.rename(`${stored}/${name}`, `${images}/${name}`);
  }
  const second = await container.restore({ stdout: "piped" });

  const last = before.at(-1) ?? 0;
  assertContinuous([...before, ...await numbersOf(second, last + 20)]);
});

/** Starts the server of a restore's pages, and waits for its socket. */
async function servePages(
  images: string,
  work: string,
  place: readonly string[] = [],
): Promise<Running> {
  const server = serveCriu(
    ...["lazy-pages", "--images-dir", images, "--work-dir", work],
    ...place,
  );
  const path = `${work}/lazy-pages.socket`;
  await waitFor(
    "the socket",
    () => Deno.stat(path).then(() => true, () => false),
  );
  return server;
}

test("memory is fetched from the images when it is used", async (workspace) => {
  await using own = await Checkpointed.create(workspace);
  const { container, images } = own;
  const first = await start(own, ["memory", "2000"]);
  await container.checkpoint({ imagePath: images });
  const work = await workspace.newDirectory();
  await using lazy = await servePages(images, work);

  const second = await container.restore({ stdout: "piped" }, {
    workPath: work,
    lazyPages: true,
  });

  const before = await allNumbers(first);
  const last = before.at(-1) ?? 0;
  assertContinuous([...before, ...await numbersOf(second, last + 20)]);
  assertEquals((await lazy.result()).code, 0);
});

test("memory is fetched when it is used, from a checkpoint that serves it", async (workspace) => {
  await using own = await Checkpointed.create(workspace);
  await using other = await Checkpointed.create(workspace);
  const first = await start(own, ["memory", "2000"]);
  const port = freePort();
  let failure: unknown;
  const dumped = own.container.checkpoint({
    imagePath: own.images,
    lazyPages: true,
    pageServer: { address: "127.0.0.1", port },
  }).catch((error) => failure = error);
  await untilListens(port);
  const work = await workspace.newDirectory();
  const images = await workspace.newDirectory();
  // What is served may fail, and a failed checkpoint leaves no images.
  await mustRun(["cp", "-a", `${own.images}/.`, images]);
  await using lazy = await servePages(images, work, [
    ...["--page-server", "--address", "127.0.0.1", "--port", `${port}`],
  ]);

  const restored = await other.container.restore({ stdout: "piped" }, {
    imagePath: images,
    workPath: work,
    lazyPages: true,
  }).catch((error) => failure ??= error);
  await dumped;

  if (failure !== undefined) {
    // CRIU 4.2 cannot serve them on Linux 6.18.
    assert(failure instanceof CriuError, String(failure));
    assert(failure.message.includes("leave --lazy-pages out"), `${failure}`);
    await Deno.remove(String(failure.context["log"]));
    assertEquals(await own.container.status(), "running");
    assertContinuous(await numbersOf(first, 5));
    return;
  }
  const before = await allNumbers(first);
  const last = before.at(-1) ?? 0;
  assertContinuous([...before, ...await numbersOf(restored, last + 20)]);
  assertEquals((await lazy.result()).code, 0);
  assertEquals(await own.container.status(), "checkpointed");
});

test("a chain of pre-dumps is restored from its end, where the kernel tracks memory", async (workspace) => {
  await using own = await Checkpointed.create(workspace);
  const { container } = own;
  const first = await start(own, ["memory", "2000"]);
  const chain = await workspace.newDirectory();

  const error = await container.checkpoint({
    imagePath: `${chain}/1`,
    preDump: true,
  }).then(() => undefined, (reason) => reason);

  assertEquals(await container.status(), "running");
  if (error !== undefined) {
    assert(error instanceof HostError, String(error));
    assert(error.message.includes("CONFIG_MEM_SOFT_DIRTY"), error.message);
    assertEquals(await namesIn(chain), []);
    return;
  }
  for (const number of [2, 3]) {
    await delay(200);
    await container.checkpoint({
      imagePath: `${chain}/${number}`,
      parentPath: `../${number - 1}`,
      preDump: true,
    });
  }
  await delay(200);
  await container.checkpoint({
    imagePath: `${chain}/4`,
    parentPath: "../3",
  });
  const before = await allNumbers(first);
  const second = await container.restore({ stdout: "piped" });
  const last = before.at(-1) ?? 0;
  assertContinuous([...before, ...await numbersOf(second, last + 20)]);
  const sizes = await Promise.all(
    [1, 4].map((number) => sizeOfPages(`${chain}/${number}`)),
  );
  assert((sizes[1] ?? 0) < (sizes[0] ?? 0) / 4, `${sizes}`);
});

/** Bytes of memory in images. */
async function sizeOfPages(images: string): Promise<number> {
  const names = (await namesIn(images))
    .filter((name) => name.startsWith("pages-"));
  const sizes = names.map(async (name) =>
    (await Deno.stat(`${images}/${name}`)).size
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** A veth pair on a bridge. */
const VETH: ConfigJson = {
  networks: [
    { type: "loopback", address: "127.0.0.1/0", gateway: "localhost" },
    {
      type: "veth",
      name: "eth0",
      bridge: "brkinds",
      host_interface_name: "vekinds0",
      mac_address: "02:42:0a:43:00:02",
      address: "10.67.0.2/24",
      gateway: "10.67.0.1",
      mtu: 1400,
    },
  ],
};

test("a connection from outside over a veth pair goes on", async (workspace) => {
  await using network = await TestNetwork.create({
    name: "brkinds",
    addresses: ["10.67.0.1/24"],
  });
  const { dir } = await workspace.container({
    ...VETH,
    parent_death_signal: 0,
  });
  const nsinit = async (...args: string[]): Promise<void> => {
    const result = await workspace.nsinit(["--criu", testCriu(), ...args], {
      cwd: dir,
      // What it inherits it keeps.
      prefix: [
        ...network.prefix,
        ...["sh", "-c", `exec "$@" >> ${dir}/out 2>&1`, "sh"],
      ],
    });
    const out = await Deno.readTextFile(`${dir}/out`);
    assertEquals([result.code, out], [0, "0\n"], args.join(" "));
  };
  // The kernel takes an interface away some time after its namespace.
  const untilLinks = (...wanted: string[]): Promise<unknown> =>
    waitFor(wanted.join(" and "), async () => {
      const names = await network.interfaces();
      return names.filter((name) => name !== "lo").join() === wanted.join();
    });
  await nsinit("exec", "--detach", PAYLOAD, "serve", "10.67.0.2", "9");
  await using client = new Running([
    workspace.dir + PAYLOAD,
    ...["call", "10.67.0.2", "9"],
  ], { prefix: network.prefix });
  const before = await untilSaid(client, 5);

  await nsinit("checkpoint", "--image-path", "images", "--tcp-established");
  await untilLinks("brkinds");
  await nsinit("restore", "--image-path", "images", "--detach");

  await untilLinks("brkinds", "vekinds0");
  assertContinuous(await untilSaid(client, (before.at(-1) ?? 0) + 20));
  const address = JSON.parse(
    await mustRun(["ip", "-json", "address", "show", "dev", "eth0"], {
      prefix: ["nsenter", `--net=/proc/${await pidOf(workspace)}/ns/net`],
    }),
  );
  assertEquals(
    [address[0].address, address[0].mtu, address[0].addr_info[0].local],
    ["02:42:0a:43:00:02", 1400, "10.67.0.2"],
  );
  await workspace.nsinit(["delete", "--force", "--all"], {
    prefix: network.prefix,
  });
  await untilLinks("brkinds");
});

/** Pid of the only container. */
async function pidOf(workspace: Workspace): Promise<number> {
  const { stdout } = await workspace.nsinit(["list", "--format", "json"]);
  return JSON.parse(stdout)[0].pid;
}

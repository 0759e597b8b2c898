/** Commands of nsinit-oci that tell about containers: list, ps, events, features, spec. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { parseConfig } from "../../lib/config/parse.ts";
import { containerTests } from "../support/containers.ts";
import { OciBundle } from "../support/oci_program.ts";
import { validateOci } from "../support/oci_schema.ts";

const test = containerTests("ociinspect");

/** How long is waited on a machine with much else to do, in milliseconds. */
const PATIENCE_MS = 60_000;

const HEADER = /^ID +PID +STATUS +BUNDLE +CREATED +OWNER$/;

/** Asserts a failure with its words. */
async function assertFails(
  bundle: OciBundle,
  args: readonly string[],
  words: string,
): Promise<void> {
  const { code, stderr } = await bundle.oci(args);
  assertEquals([args, code], [args, 1]);
  assertStringIncludes(stderr, words);
}

async function stateOf(bundle: OciBundle): Promise<Record<string, unknown>> {
  return JSON.parse(await bundle.must(["state", bundle.id]));
}

/** The line of a container in the table of list. */
async function rowOf(bundle: OciBundle): Promise<string[]> {
  const lines = (await bundle.must(["list"])).split("\n");
  assert(HEADER.test(lines[0] ?? ""), lines[0]);
  const row = lines.find((line) => line.startsWith(`${bundle.id} `));
  return row?.split(/ +/) ?? [];
}

test("list of an empty or missing directory is a header, null, or nothing", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  for (const root of [`${bundle.dir}/missing`, bundle.rootfs]) {
    const global = ["--root", root];
    const table = await bundle.must([...global, "list"]);
    assert(HEADER.test(table.trim()), table);
    assertEquals(
      await bundle.must([...global, "list", "-f", "json"]),
      "null\n",
    );
    assertEquals(await bundle.must([...global, "list", "-q"]), "");
  }
});

test("list shows each container with status, pid and owner", async (workspace) => {
  await using one = await OciBundle.make(workspace);
  await using other = await OciBundle.make(workspace);
  await one.start();
  await other.spawn(["create", other.id]);
  const { pid, created, bundle } = await stateOf(one);
  assertEquals(await rowOf(one), [
    one.id,
    String(pid),
    "running",
    String(bundle),
    String(created),
    "root",
  ]);
  assertEquals((await rowOf(other))[2], "created");
  const listed = JSON.parse(await one.must(["list", "--format", "json"]));
  assertEquals(
    listed.map(({ id, status, owner }: Record<string, string>) => [
      id,
      status,
      owner,
    ]).sort(),
    [[one.id, "running", "root"], [other.id, "created", "root"]].sort(),
  );
  const [first] = listed;
  assertEquals(validateOci("state-schema.json", first), []);
  const ids = (await one.must(["list", "-q"])).trim().split("\n");
  assertEquals(ids.sort(), [one.id, other.id].sort());

  await one.must(["kill", one.id, "KILL"]);
  await untilStopped(one);
  const [, stoppedPid, status] = await rowOf(one);
  assertEquals([stoppedPid, status], ["0", "stopped"]);
});

async function untilStopped(bundle: OciBundle): Promise<void> {
  const end = Date.now() + PATIENCE_MS;
  while (Date.now() < end && (await stateOf(bundle))["status"] !== "stopped") {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

test("list tells of a damaged state, and lists the others", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  await bundle.start();
  const damaged = `${workspace.stateRoot}/damaged`;
  await Deno.mkdir(damaged, { mode: 0o700 });
  await Deno.writeTextFile(`${damaged}/state.json`, "{", { mode: 0o600 });
  const { code, stdout, stderr } = await bundle.oci(["list", "-q"]);
  await Deno.remove(damaged, { recursive: true });
  assertEquals([code, stdout], [0, `${bundle.id}\n`]);
  assertStringIncludes(stderr, "load container damaged");
});

test("ps prints rows of ps, or pids of the host", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: { args: ["/bin/sh", "-c", "sleep 600 & wait"] },
  });
  await bundle.start();
  const { pid } = await stateOf(bundle);
  let pids: number[] = [];
  const end = Date.now() + PATIENCE_MS;
  while (pids.length < 2 && Date.now() < end) {
    pids = JSON.parse(await bundle.must(["ps", "--format", "json", bundle.id]));
  }
  assertEquals(pids[0], pid);
  for (const each of pids) {
    const groups = await Deno.readTextFile(`/proc/${each}/cgroup`);
    assertStringIncludes(groups, bundle.group);
  }
  const [header = "", ...rows] = (await bundle.must(["ps", bundle.id])).trim()
    .split("\n");
  assert(/^UID +PID +PPID/.test(header), header);
  assertEquals(
    rows.map((row) => Number(row.trim().split(/\s+/)[1])).sort(),
    pids.toSorted(),
  );
  const own = await bundle.must(["ps", bundle.id, "-e", "-o", "pid,args"]);
  assertEquals(
    own.trim().split("\n").slice(1).map((row) => row.replace(/^\s*\d+ /, "")),
    ["/bin/sh -c sleep 600 & wait", "sleep 600"],
  );
});

test("ps refuses what it cannot filter, and a stopped container has no row", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  await assertFails(bundle, ["ps", bundle.id], "container does not exist");
  await bundle.start();
  await assertFails(
    bundle,
    ["ps", bundle.id, "-e", "-o", "args"],
    "couldn't find PID field in ps output",
  );
  await assertFails(bundle, ["ps", bundle.id, "--nonsense"], "exit status 1");
  await assertFails(bundle, ["ps", "-f", "xml", bundle.id], "invalid format");
  await assertFails(bundle, ["list", "-f", "xml"], "invalid format");
  await bundle.must(["kill", bundle.id, "KILL"]);
  await untilStopped(bundle);
  assertEquals(
    (await bundle.must(["ps", bundle.id])).trim().split("\n").length,
    1,
  );
  assertEquals(await bundle.must(["ps", "-f", "json", bundle.id]), "[]\n");
});

/** Numbers that the kernel says as well. */
interface EventData {
  readonly memory: {
    readonly usage: { readonly limit: number; readonly usage: number };
  };
  readonly pids: { readonly current: number; readonly limit: number };
}

interface Event {
  readonly type: string;
  readonly id: string;
  readonly data: EventData;
}

test("events --stats prints what the kernel says", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    linux: { resources: { memory: { limit: 67108864 }, pids: { limit: 9 } } },
  });
  await bundle.spawn(["create", bundle.id]);
  // Its program waits, its groups are there.
  await bundle.must(["events", "--stats", bundle.id]);
  await bundle.must(["start", bundle.id]);
  const { type, id, data }: Event = JSON.parse(
    await bundle.must(["events", "--stats", bundle.id]),
  );
  assertEquals([type, id], ["stats", bundle.id]);
  assertEquals(data.memory.usage.limit, 67108864);
  assert(data.memory.usage.usage > 0);
  assertEquals([data.pids.current, data.pids.limit], [1, 9]);
});

test("events come at an interval, tell of want of memory, and end with the container", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: {
      // One that is killed for its memory, and one that stays.
      args: [
        "/bin/sh",
        "-c",
        "read x < /go; (tail /dev/zero); sleep 600",
      ],
    },
    linux: {
      resources: { memory: { limit: 16777216, swap: 16777216 } },
    },
  });
  await new Deno.Command("mkfifo", { args: [`${bundle.rootfs}/go`] }).output();
  await bundle.start();
  const child = bundle.open(["events", "--interval", "100ms", bundle.id]);
  const lines: Event[] = [];
  let rest = "";
  let isTold = false;
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    const texts = (rest + chunk).split("\n");
    rest = texts.pop() ?? "";
    lines.push(...texts.map((text) => JSON.parse(text)));
    if (!isTold) {
      isTold = true;
      await Deno.writeTextFile(`${bundle.rootfs}/go`, "\n");
    }
    const hasOom = lines.some(({ type }) => type === "oom");
    const count = lines.filter(({ type }) => type === "stats").length;
    if (hasOom && count >= 3) await bundle.oci(["kill", bundle.id, "KILL"]);
  }
  const { code, stderr } = await child.output().catch(async () => ({
    code: (await child.status).code,
    stderr: new Uint8Array(),
  }));
  assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
  assertEquals(new Set(lines.map(({ id }) => id)), new Set([bundle.id]));
  assertEquals(rest, "");
});

test("events refuses what cannot be watched", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  await assertFails(bundle, ["events", bundle.id], "container does not exist");
  await bundle.start();
  await assertFails(
    bundle,
    ["events", "--interval", "0s", bundle.id],
    "interval",
  );
  await bundle.must(["kill", bundle.id, "KILL"]);
  await untilStopped(bundle);
  await assertFails(bundle, ["events", bundle.id], "container not running");
  await assertFails(
    bundle,
    ["events", "--stats", bundle.id],
    "container not running",
  );
});

test("features prints a document of the specification's schema", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  const features = JSON.parse(await bundle.must(["features"]));
  assertEquals(validateOci("features-schema.json", features), []);
  const { annotations } = features;
  assertEquals(
    annotations["org.opencontainers.runc.checkpoint.enabled"],
    "true",
  );
  assert(
    /^\d+\.\d+\.\d+$/.test(
      annotations["io.github.seccomp.libseccomp.version"],
    ),
  );
  await assertFails(bundle, ["features", "more"], "requires exactly 0");
});

test("spec writes a bundle that runs, and overwrites nothing", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  const path = `${bundle.dir}/config.json`;
  await assertFails(
    bundle,
    ["spec"],
    "File config.json exists. Remove it first",
  );
  await Deno.remove(path);
  await assertFails(
    bundle,
    ["spec", "--bundle", "/nowhere"],
    "no such file or directory",
  );
  await bundle.must(["spec", "--bundle", bundle.dir]);
  const text = await Deno.readTextFile(path);
  assert(text.startsWith('{\n\t"ociVersion"'), text.slice(0, 40));
  const changed = text.replace('"terminal": true', '"terminal": false')
    .replace(/"sh"/, '"/bin/sh", "-c", "hostname; id -u"');
  await Deno.writeTextFile(path, changed);
  assertEquals(await bundle.must(["run", bundle.id]), "runc\n0\n");
});

test("spec --rootless has a user namespace of the caller's ids", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  const file = `${bundle.dir}/other.json`;
  await bundle.must(["spec", "--rootless", "--file", file]);
  const config = await parseConfig(await Deno.readTextFile(file), {
    path: file,
  });
  assert(config.namespaces.some(({ type }) => type === "NEWUSER"));
  assert(!config.namespaces.some(({ type }) => type === "NEWNET"));
  assertEquals(config.uidMappings, [{ containerId: 0, hostId: 0, size: 1 }]);
});

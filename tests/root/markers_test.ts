/** The markers of each era, and the state file. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { startTimeOf } from "../../lib/container/liveness.ts";
import {
  type ConfigJson,
  containerTests,
  type TestContainer,
  type Workspace,
} from "../support/containers.ts";
import { makeTestRootfs } from "../support/rootfs.ts";
import { waitFor } from "../support/nsinit.ts";

const test = containerTests("markers");

const NAMES = ["NEWNS", "NEWUTS", "NEWIPC", "NEWPID", "NEWNET"];
const LOOPBACK = {
  type: "loopback",
  address: "127.0.0.1/0",
  gateway: "localhost",
  mtu: 1500,
};

/** The shortest text of each era, in its own words. */
function eraConfig(era: string, workspace: Workspace): ConfigJson {
  const cgroups = { name: workspace.newName(), parent: workspace.tag };
  const map = Object.fromEntries(NAMES.map((name) => [name, true]));
  const { rootfs } = workspace;
  switch (era) {
    case "A1":
      return {
        id: "old",
        rootfs,
        command: { args: ["/bin/sh"], environment: ["PATH=/bin"] },
        namespaces: NAMES,
        cgroups,
        tty: false,
      };
    case "A3":
      return {
        rootfs,
        hostname: "old",
        namespaces: NAMES,
        cgroups,
        tty: false,
      };
    case "A5":
      return {
        rootfs,
        hostname: "old",
        namespaces: NAMES,
        networks: [],
        cgroups,
        tty: false,
      };
    case "B1":
      return {
        rootfs,
        hostname: "old",
        namespaces: NAMES,
        capabilities_mask: ["MKNOD"],
        cgroups,
      };
    case "C0":
      return {
        rootfs,
        hostname: "old",
        namespaces: map,
        capabilities: ["MKNOD"],
        networks: [LOOPBACK],
        cgroups,
      };
    case "C1":
      return {
        root_fs: rootfs,
        hostname: "old",
        namespaces: map,
        mount_config: {},
        networks: [LOOPBACK],
        cgroups,
      };
    default:
      return workspace.config({ hostname: "old" });
  }
}

/** Old texts have no rootfs: the container's directory is it. */
async function eraContainer(
  era: string,
  workspace: Workspace,
): Promise<TestContainer> {
  const config = eraConfig(era, workspace);
  const dir = await workspace.newDirectory();
  if (era !== "D" && era !== "A1") {
    delete config["rootfs"];
    delete config["root_fs"];
    await makeTestRootfs(dir);
  }
  return await workspace.containerIn(dir, config);
}

async function names(dir: string): Promise<string[]> {
  const found = await Array.fromAsync(Deno.readDir(dir));
  return found.map(({ name }) => name).sort();
}

const ERAS: readonly [string, readonly string[]][] = [
  ["A1", [".nspid"]],
  ["A3", [".nspid"]],
  ["A5", ["pid"]],
  ["B1", ["pid", "start"]],
  ["C0", ["pid", "start"]],
  ["C1", ["state.json"]],
  ["D", ["state.json"]],
];

for (const [era, markers] of ERAS) {
  test(`a container of dialect ${era} has ${markers.join(" and ")} while it runs`, async (workspace) => {
    const container = await eraContainer(era, workspace);
    const before = await names(container.dir);
    await using running = await container.hold();
    const during = await names(container.dir);
    assertEquals(
      during.filter((name) => !before.includes(name)),
      markers,
    );
    const pid = await container.pid();
    for (const name of markers) {
      const path = `${container.dir}/${name}`;
      const text = await Deno.readTextFile(path);
      assertEquals(((await Deno.lstat(path)).mode ?? 0) & 0o777, 0o644);
      if (name === "start") assertEquals(text, startTimeOf(pid));
      else if (name !== "state.json") assertEquals(text, String(pid));
      else {
        const marker = JSON.parse(text);
        assertEquals(marker.init_pid, pid);
        assertEquals(marker.init_start_time, startTimeOf(pid));
        assertEquals(marker.network_state, {});
        for (const path of Object.values<string>(marker.cgroup_paths)) {
          assertStringIncludes(path, workspace.tag);
        }
        assert(Object.keys(marker.cgroup_paths).length > 0);
      }
    }
    await running.closeStdin();
    assertEquals((await running.result()).code, 0);
    assertEquals(await names(container.dir), before);
  });
}

test("a link planted as the marker is refused, and its target untouched", async (workspace) => {
  const container = await workspace.container();
  const canary = `${workspace.dir}/canary`;
  await Deno.writeTextFile(canary, "untouched");
  await Deno.symlink(canary, `${container.dir}/state.json`);
  const { code, stderr } = await container.sh("echo ran");
  assertEquals(code, 125);
  assertStringIncludes(stderr, "state.json");
  assertEquals(await Deno.readTextFile(canary), "untouched");
  assertEquals(await Deno.readLink(`${container.dir}/state.json`), canary);
  await Deno.remove(canary);
});

test("a directory or fifo planted as the marker is refused", async (workspace) => {
  for (const command of ["mkdir", "mkfifo"]) {
    const container = await workspace.container();
    const path = `${container.dir}/state.json`;
    await new Deno.Command(command, { args: [path] }).output();
    const { code, stderr } = await container.sh("true", { timeoutMs: 5000 });
    assertEquals([command, code], [command, 125]);
    assertStringIncludes(stderr, "state.json");
  }
});

test("a directory that cannot be written to is refused, with another way", async (workspace) => {
  const container = await workspace.container();
  const script = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && ' +
    'cd "$0" && exec "$@"';
  const prefix = ["unshare", "-m", "sh", "-c", script, container.dir];
  const { code, stderr } = await container.sh("true", { prefix });
  assertEquals(code, 125);
  assertEquals(
    stderr,
    `nsinit: Cannot write the marker ${container.dir}/state.json, which tells ` +
      "that the container runs: read-only file system (EROFS); name a " +
      "directory of yours by --data-path\n",
  );
});

test("a marker left by another is replaced", async (workspace) => {
  const container = await workspace.container();
  await Deno.writeTextFile(`${container.dir}/state.json`, "stale");
  await using _running = await container.hold();
  const marker = JSON.parse(
    await Deno.readTextFile(`${container.dir}/state.json`),
  );
  assertEquals(marker.init_pid, await container.pid());
});

test("a marker with a foreign pid never decides anything", async (workspace) => {
  const container = await eraContainer("B1", workspace);
  await Deno.writeTextFile(`${container.dir}/pid`, String(Deno.pid));
  await Deno.writeTextFile(`${container.dir}/start`, startTimeOf(Deno.pid));
  assertEquals(await container.output("echo $$"), "1\n");
});

test("container.json and the marker are read-only inside when they lie in the root", async (workspace) => {
  const container = await eraContainer("B1", workspace);
  const config = await Deno.readTextFile(`${container.dir}/container.json`);
  const script = "for f in container.json pid start; do " +
    "(echo '{}' > /$f) 2>&1; rm -f /$f 2>&1; mv /$f /x 2>&1; done; " +
    "echo ready; exec cat >/dev/null";
  await using running = container.start(["/bin/sh", "-c", script]);
  const output = await running.waitForOutput("ready");
  assertEquals(output.match(/Read-only file system/g)?.length, 3, output);
  assertEquals(
    await Deno.readTextFile(`${container.dir}/container.json`),
    config,
  );
  assertEquals(
    await Deno.readTextFile(`${container.dir}/pid`),
    String(await container.pid()),
  );
  await running.closeStdin();
  await running.result();
  assert(!(await names(container.dir)).includes("pid"));
});

test("the marker's content can be read inside", async (workspace) => {
  const container = await eraContainer("A3", workspace);
  await using running = container.start([
    "/bin/sh",
    "-c",
    "cat /.nspid; echo; echo ready; exec cat",
  ]);
  const output = await running.waitForOutput("ready");
  assertEquals(output.split("\n")[0], String(await container.pid()));
});

test("the state file is the owner's only, in directories of the owner", async (workspace) => {
  const root = `${workspace.dir}/fresh/state`;
  const container = await workspace.container();
  const running = container.start(["--root", root, "/bin/cat"]);
  await using _running = running;
  const path = `${root}/${await container.id()}/state.json`;
  const state = await waitFor("its state", async () => {
    const text = await Deno.readTextFile(path).catch(() => "{}");
    const parsed = JSON.parse(text);
    return parsed.phase === "running" ? parsed : undefined;
  });
  const modeOf = async (file: string): Promise<number> =>
    ((await Deno.stat(file)).mode ?? 0) & 0o7777;
  assertEquals(await modeOf(path), 0o600);
  assertEquals(await modeOf(`${root}/${await container.id()}`), 0o700);
  assertEquals(await modeOf(root), 0o700);
  assertEquals(state.version, 2);
  assertEquals(state.startTime, startTimeOf(state.pid));
  assertMatch(state.bootId, /^[0-9a-f-]{36}$/);
  await running.closeStdin();
  assertEquals((await running.result()).code, 0);
  assertEquals(await names(root), []);
  await Deno.remove(`${workspace.dir}/fresh`, { recursive: true });
});

test("a state root that others may write to is refused", async (workspace) => {
  const root = `${workspace.dir}/open`;
  await Deno.mkdir(root);
  await Deno.chmod(root, 0o777);
  const container = await workspace.container();
  const { code, stderr } = await container.exec(["--root", root, "/bin/true"]);
  assertEquals(code, 125);
  assertStringIncludes(stderr, root);
  await Deno.remove(root, { recursive: true });
});

/** Starts of a long-lived program, whose children leave the host's mounts at once. */
import { assert, assertEquals } from "@std/assert";
import type { Config } from "../../lib/config/types.ts";
import { hasAnchor } from "../../lib/container/current_host.ts";
import { probeHost } from "../../lib/host/probe.ts";
import { hostRootConfig } from "../../lib/config/host_root.ts";
import { BIND, containerTests, mount } from "../support/containers.ts";
import type { ConfigJson, Workspace } from "../support/containers.ts";
import { InProcess, readConfig } from "../support/in_process.ts";
import { parseMounts } from "../support/process_status.ts";

const test = containerTests("anchor");

const MS_REC = 0x4000;
const MS_SLAVE = 0x80000;

/** What can be seen of mounts and devices inside, less the numbers that differ each time. */
const LOOK = `
  cut -d " " -f 4- /proc/self/mountinfo
  ls -ln /dev /dev/pts /dev/shm | sed "s/ [A-Z][a-z][a-z] .*:.. / /"
  for file in /proc/kcore /proc/timer_list; do head -c 20 $file 2>&1; done
  ls / /sys/fs/cgroup 2>&1`;

async function lookInside(
  workspace: Workspace,
  config: Config,
  blocking: boolean,
): Promise<string> {
  const id = `look-${workspace.tag}`;
  await using container = await InProcess.start(workspace, {
    id,
    config,
    args: LOOK,
    blocking,
  });
  const { code, stdout, stderr } = await container.ended();
  assertEquals([code, stderr], [0, ""]);
  return stdout.replaceAll(/\b(shared:|master:|fd\/)\d+/g, "$1")
    // Of a device on which nothing is ever mounted.
    .replaceAll(/^(\/null .*) master:( - devtmpfs)/gm, "$1$2");
}

async function assertSameInside(
  workspace: Workspace,
  config: Config,
): Promise<void> {
  const anchored = await lookInside(workspace, config, false);
  assertEquals(anchored, await lookInside(workspace, config, true));
}

test("this machine has a namespace to begin in", () => {
  assert(hasAnchor(probeHost()));
  return Promise.resolve();
});

test("a container sees the same, whether its child begins among the host's mounts or not", async (workspace) => {
  const source = await workspace.newDirectory();
  await Deno.writeTextFile(`${source}/file`, "text");
  const changes: ConfigJson[] = [
    {},
    { readonlyfs: true },
    { mask_paths: ["/proc/kcore", "/proc/timer_list", "/sys/firmware"] },
    { rootPropagation: MS_SLAVE | MS_REC },
    { overlay: {} },
    { networks: [] },
  ];
  for (const change of changes) {
    const config = await readConfig(workspace, change);
    const bind = {
      ...config.mounts[0],
      ...await boundMount(workspace, source),
    };
    await assertSameInside(workspace, {
      ...config,
      mounts: [...config.mounts, bind],
    });
  }
});

async function boundMount(
  workspace: Workspace,
  source: string,
): Promise<Config["mounts"][number]> {
  const { mounts } = await readConfig(workspace, {
    mounts: [mount("bind", source, "/tmp", BIND)],
  });
  const [bound] = mounts;
  if (!bound) throw new Error("no mount");
  return bound;
}

test("a root of the host's directories is the same as well", async (workspace) => {
  await assertSameInside(workspace, hostRootConfig());
});

test("nothing of the host stays mounted under the root", async (workspace) => {
  const config = await readConfig(workspace);
  await using container = await InProcess.start(workspace, {
    config,
    args: "cat /proc/self/mountinfo; sleep 1000",
  });
  await container.waitForOutput("/dev/mqueue");
  const points = parseMounts(container.stdout).map(({ point }) => point);
  assertEquals(points.filter((point) => point === "/").length, 1);
});

/** Propagation of the root and of mounts, seen from inside and from the host. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  BIND,
  type ConfigJson,
  containerTests,
  mount,
  SYSTEM_MOUNTS,
  type Workspace,
} from "../support/containers.ts";
import { parseMounts } from "../support/process_status.ts";
import { writeProgram } from "../support/rootfs.ts";
import { SHARED_MOUNTS } from "../support/nsinit.ts";

const test = containerTests("propagation");

const MS_REC = 0x4000;
const MS_UNBINDABLE = 0x20000;
const MS_PRIVATE = 0x40000;
const MS_SLAVE = 0x80000;
const MS_SHARED = 0x100000;

/** Kinds of propagation of the mount at a point, without the numbers of groups. */
function kindsAt(output: string, point: string): string {
  const found = parseMounts(output).findLast((each) => each.point === point);
  if (!found) throw new Error(`nothing is mounted at ${point}`);
  return found.tags.map((tag) => tag.replace(/:\d+$/, "")).sort().join(" ");
}

test("the root has the propagation that is configured, with its mounts or alone", async (workspace) => {
  const cases: [number, string, string][] = [
    [MS_PRIVATE | MS_REC, "", ""],
    [MS_PRIVATE, "", ""],
    [MS_SLAVE | MS_REC, "master", ""],
    [MS_SLAVE, "master", ""],
    [MS_SHARED | MS_REC, "master shared", "shared"],
    [MS_SHARED, "master shared", ""],
    [MS_UNBINDABLE | MS_REC, "unbindable", "unbindable"],
    [MS_UNBINDABLE, "unbindable", ""],
  ];
  for (const [rootPropagation, root, dev] of cases) {
    const container = await workspace.container({ rootPropagation });
    const output = await container.output("cat /proc/self/mountinfo", {
      prefix: SHARED_MOUNTS,
    });
    assertEquals(
      [rootPropagation, kindsAt(output, "/"), kindsAt(output, "/dev")],
      [rootPropagation, root, dev],
    );
  }
});

test("numbers that are no propagation, or several, are refused", async (workspace) => {
  for (const rootPropagation of [1, MS_PRIVATE | MS_SHARED, 1 << 30]) {
    const container = await workspace.container({ rootPropagation });
    const { code, stderr } = await container.sh("true");
    assertEquals([rootPropagation, code], [rootPropagation, 125]);
    assertStringIncludes(stderr, "MS_PRIVATE");
  }
});

test("every mount has its own propagation", async (workspace) => {
  const source = await workspace.newDirectory();
  const kinds: [number, string][] = [
    [MS_PRIVATE, ""],
    [MS_SLAVE | MS_REC, "master"],
    [MS_UNBINDABLE, "unbindable"],
    [0, "master"],
  ];
  for (const [bits, wanted] of kinds) {
    const container = await workspace.container({
      mounts: [...SYSTEM_MOUNTS, mount("bind", source, "/tmp", BIND | bits)],
    });
    const output = await container.output("cat /proc/self/mountinfo", {
      prefix: SHARED_MOUNTS,
    });
    assertEquals([bits, kindsAt(output, "/tmp")], [bits, wanted]);
  }
});

/** Runs a container beside a host that mounts, in a mount namespace of its own. */
async function exchange(
  workspace: Workspace,
  options: { readonly flags: number; readonly root: number },
): Promise<{ readonly inside: string; readonly host: string }> {
  const shared = await workspace.newDirectory();
  for (const name of ["host", "inner"]) await Deno.mkdir(`${shared}/${name}`);
  const bound: ConfigJson = mount("bind", shared, "/tmp", BIND | options.flags);
  const container = await workspace.container({
    capabilities: ["SYS_ADMIN"],
    rootPropagation: options.root,
    mounts: [...SYSTEM_MOUNTS, bound],
  });
  const script = `${shared}.sh`;
  await writeProgram(
    script,
    `#!/bin/bash
set -e
mount --bind ${shared} ${shared}
mount --make-shared ${shared}
coproc "$@"
read -r line <&"\${COPROC[0]}"
mount -t tmpfs host ${shared}/host
touch ${shared}/host/from-host
echo >&"\${COPROC[1]}"
read -r line <&"\${COPROC[0]}"
echo "inside $line"
echo "host" $(ls ${shared}/inner)
wait
`,
  );
  const { stdout, stderr } = await container.sh(
    "echo ready; read -r line; mount -t tmpfs inner /tmp/inner; touch /tmp/inner/from-inside; echo seen $(ls /tmp/host)",
    { prefix: ["unshare", "--mount", "--propagation", "private", script] },
  );
  assertEquals(stderr, "");
  await Deno.remove(script);
  const line = (word: string): string =>
    stdout.split("\n").find((each) => each.startsWith(word)) ?? "";
  return { inside: line("inside"), host: line("host") };
}

test("a slave sees mounts of the host, which sees none of its", async (workspace) => {
  const root = MS_SLAVE | MS_REC;
  const seen = await exchange(workspace, { flags: MS_SLAVE | MS_REC, root });
  assertEquals(seen.inside, "inside seen from-host");
  // The file lies in the directory below the mount that stays inside.
  assertEquals(seen.host, "host");
});

test("a private mount and its host see nothing of each other", async (workspace) => {
  const root = MS_PRIVATE | MS_REC;
  const seen = await exchange(workspace, { flags: MS_PRIVATE | MS_REC, root });
  assertEquals([seen.inside, seen.host], ["inside seen", "host"]);
});

test("a shared mount of a shared root is seen on both sides", async (workspace) => {
  const root = MS_SHARED | MS_REC;
  const seen = await exchange(workspace, { flags: MS_SHARED | MS_REC, root });
  assertEquals(seen.inside, "inside seen from-host");
  assertEquals(seen.host, "host from-inside");
});

test("a shared mount below a root that is not shared is refused", async (workspace) => {
  const container = await workspace.container({
    mounts: [...SYSTEM_MOUNTS, mount("bind", "/etc", "/tmp", BIND | MS_SHARED)],
  });
  const { code, stderr } = await container.sh("true");
  assertEquals(code, 125);
  assertStringIncludes(stderr, "rootPropagation");
});

test("set-up of a shared root mounts nothing on the host", async (workspace) => {
  const container = await workspace.container({
    rootPropagation: MS_SHARED | MS_REC,
    capabilities: ["SYS_ADMIN"],
  });
  const script = `mount --bind ${workspace.rootfs} ${workspace.rootfs} && ` +
    `mount --make-rshared ${workspace.rootfs} && "$@" && cat /proc/self/mountinfo`;
  const { code, stdout, stderr } = await container.sh(
    "mount -t tmpfs own /tmp && echo mounted",
    { prefix: [...SHARED_MOUNTS, "bash", "-c", script, "bash"] },
  );
  assertEquals([code, stderr], [0, ""]);
  assertStringIncludes(stdout, "mounted\n");
  const below = parseMounts(stdout).filter(({ point }) =>
    point.startsWith(`${workspace.rootfs}/`)
  );
  assertEquals(below, []);
  assert(parseMounts(stdout).some(({ point }) => point === workspace.rootfs));
});

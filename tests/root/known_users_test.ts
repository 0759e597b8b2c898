/**
 * Users that were looked up before: nobody is asked again, and what has changed
 * inside is seen.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { usersIn } from "../../lib/container/known_users.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { delay } from "../support/nsinit.ts";
import { TestContainer } from "../support/processes.ts";
import { makeTestRootfs } from "../support/rootfs.ts";

const test = containerTests("known-users");
/** Until then a change of a file could have the time of the one before. */
const SETTLED_MS = 4000;
const WHO = {
  args: ["/bin/sh", "-c", "id -u; id -g; id -G; echo $HOME"],
  stdout: "piped",
} as const;

function passwdOf(uid: number): string {
  return `root:x:0:0::/root:/bin/sh\nann:x:${uid}:1001::/home/${uid}:/bin/sh\n`;
}

async function ownRootfs(workspace: Workspace, uid: number): Promise<string> {
  const rootfs = await makeTestRootfs(`${workspace.dir}/own`);
  await Deno.writeTextFile(`${rootfs}/etc/passwd`, passwdOf(uid));
  await Deno.writeTextFile(`${rootfs}/etc/group`, "team:x:50:ann\n");
  return rootfs;
}

/** Says who a process is, in a container of its own or beside another. */
async function who(container: TestContainer, user: string): Promise<string[]> {
  const process = await container.container.start({ ...WHO, user });
  const { stdout } = await process.output();
  return new TextDecoder().decode(stdout).trim().split("\n");
}

test("a user that is known is the same, until the files are written to", async (workspace) => {
  const rootfs = await ownRootfs(workspace, 1001);
  await delay(SETTLED_MS);
  const start = async (user: string): Promise<string[]> => {
    await using container = await TestContainer.create(workspace, { rootfs });
    return await who(container, user);
  };
  const ann = ["1001", "1001", "1001 50", "/home/1001"];
  const { find } = usersIn(rootfs);
  for (let round = 0; round < 3; round++) {
    assertEquals(await start("ann"), ann);
    assertEquals(await start("0:7"), ["0", "7", "7", "/root"]);
    assert(find("ann", []) && find("0:7", []), "it is kept");
  }

  await using other = await TestContainer.create(workspace, { rootfs });
  await other.start({ args: ["sleep", "1000"] });
  for (let round = 0; round < 2; round++) {
    assertEquals(await who(other, "ann"), ann);
  }

  // Of the same size, with the time that a program can set as it was.
  const path = `${rootfs}/etc/passwd`;
  for (const uid of [1002, 1003]) {
    const { mtime } = await Deno.stat(path);
    await Deno.writeTextFile(path, passwdOf(uid));
    await Deno.utime(path, mtime ?? 0, mtime ?? 0);
    const changed = [`${uid}`, "1001", "1001 50", `/home/${uid}`];
    assertEquals(await start("ann"), changed);
    assertEquals(await who(other, "ann"), changed);
  }

  await Deno.writeTextFile(`${path}.new`, passwdOf(1004));
  await Deno.rename(`${path}.new`, path);
  assertEquals((await start("ann"))[0], "1004");
  await Deno.remove(`${rootfs}/etc/group`);
  assertEquals(await start("ann"), ["1004", "1001", "1001", "/home/1004"]);
});

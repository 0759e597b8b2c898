/** What an attacker could try against an overlay root and its layers. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import {
  BIND,
  containerTests,
  mount,
  newNamespaces,
  SYSTEM_MOUNTS,
  type Workspace,
} from "../support/containers.ts";
import {
  Canary,
  describeTree,
  hostileRootfs,
  type Planted,
} from "../support/hostile.ts";
import { mustRun } from "../support/nsinit.ts";
import { compilePayload } from "../support/payload.ts";

const test = containerTests("secover");
const CAPABLE = ["SYS_ADMIN", "CHOWN", "DAC_OVERRIDE", "MKNOD", "SYS_CHROOT"];

/** Each path that set-up touches, and whether a link there must be refused. */
const PLACES: readonly (readonly [path: string, mustRefuse: boolean])[] = [
  ["proc", true],
  ["sys", true],
  ["dev", true],
  ["dev/pts", false],
  ["dev/null", false],
  ["dev/console", false],
  ["etc", false],
  ["etc/passwd", false],
  ["new", false],
];

test("links in the lower layer lead nowhere on the host", async (workspace) => {
  const canary = await Canary.create(workspace);
  for (const [path, mustRefuse] of PLACES) {
    for (const link of [canary.dir, `${"../".repeat(12)}${canary.dir}`]) {
      const rootfs = await hostileRootfs(workspace, { [path]: { link } });
      const before = await describeTree(rootfs);
      const volume = await workspace.newDirectory();
      const container = await workspace.container({
        rootfs,
        mounts: [...SYSTEM_MOUNTS, mount("bind", volume, "/new/inner", BIND)],
      });
      const { code, stderr } = await container.exec(["--overlay", "/bin/true"]);
      assertEquals(code === 125, mustRefuse, `${path}: ${code}\n${stderr}`);
      if (code === 125) assertStringIncludes(stderr, "nsinit: Cannot", path);
      assertEquals(await describeTree(rootfs), before);
    }
  }
  await canary.assertUntouched();
});

test("links that a container left in a kept layer lead nowhere on the host", async (workspace) => {
  const canary = await Canary.create(workspace);
  const container = await workspace.container();
  for (const [path, mustRefuse] of PLACES) {
    const upper = `${await workspace.newDirectory()}/upper`;
    const flags = ["--overlay-upper", upper];
    const first = await container.exec([...flags, "/bin/true"]);
    assertEquals(first.code, 0, first.stderr);
    await mustRun([
      ...["sh", "-c", 'rm -rf "$1" && mkdir -p "${1%/*}" && ln -s "$2" "$1"'],
      ...["sh", `${upper}/${path}`, canary.dir],
    ]);

    const { code, stderr } = await container.exec([...flags, "/bin/true"]);

    assertEquals(code === 125, mustRefuse, `${path}: ${code}\n${stderr}`);
    await canary.assertUntouched();
  }
});

test("whiteouts, opaque directories and redirects of an image mean nothing", async (workspace) => {
  const canary = await Canary.create(workspace);
  const traps: Record<string, Planted> = {
    "a/inner/file": { text: "of the image\n" },
    "b/file": { text: "b\n" },
  };
  const rootfs = await hostileRootfs(workspace, traps);
  await mustRun(["mknod", `${rootfs}/etc/gone`, "c", "0", "0"]);
  const setter = await compilePayload(`${rootfs}.set`, SET_XATTR);
  const set = (name: string, value: string, path: string) =>
    mustRun([setter, `${rootfs}/${path}`, name, value]);
  await set("trusted.overlay.redirect", canary.dir, "a/inner");
  await set("trusted.overlay.redirect", "/../../../..", "b");
  await set("trusted.overlay.opaque", "y", "etc");
  await set("user.overlay.redirect", canary.dir, "a");
  const container = await workspace.container({ rootfs });
  const script = "ls /a/inner /b; cat /a/inner/file /etc/passwd | head -n 1";

  for (const flags of [["--overlay"], ["--overlay-upper", `${rootfs}.upper`]]) {
    const { code, stdout, stderr } = await container.exec([
      ...flags,
      "/bin/sh",
      "-c",
      script,
    ]);
    assertEquals([code, stderr], [0, ""]);
    assertEquals(stdout, "/a/inner:\nfile\n\n/b:\nfile\nof the image\n");
  }
  await canary.assertUntouched();
});

const SET_XATTR = `
#include <sys/xattr.h>
int main(int argc, char **argv)
{
	return setxattr(argv[1], argv[2], argv[3], strlen(argv[3]), 0) != 0;
}
`;

test("a container with all rights over mounts does not reach the layers", async (workspace) => {
  const { rootfs } = workspace;
  const before = await describeTree(rootfs);
  const upper = `${await workspace.newDirectory()}/upper`;
  const script = `
    for i in 1 2 3; do umount -l / 2>/dev/null; done
    mount -o remount,rw / 2>/dev/null
    mount -o remount,upperdir=/tmp,workdir=/tmp / 2>/dev/null
    mount -t overlay x -o lowerdir=${rootfs},upperdir=/tmp,workdir=/tmp /mnt \\
      2>/dev/null && echo mounted
    ls -d ${rootfs} ${upper} /proc/1/root${rootfs} /proc/self/root${upper} \\
      2>/dev/null
    cat /proc/self/mountinfo | grep -c -e ${rootfs} -e ${upper}
    echo changed:x:5:5::/: >> /etc/passwd
    exit 0
  `;
  const capable = await workspace.container({ capabilities: CAPABLE });
  for (const flags of [["--overlay"], ["--overlay-upper", upper]]) {
    const { code, stdout } = await capable.exec([
      ...flags,
      "/bin/sh",
      "-c",
      script,
    ]);
    assertEquals([code, stdout], [0, "0\n"], flags[0]);
  }
  assertEquals(await describeTree(rootfs), before);
});

test("root of a user namespace does not change what belongs to the host", async (workspace) => {
  const map = [{ container_id: 0, host_id: 100_000, size: 65536 }];
  const container = await workspace.container({
    capabilities: CAPABLE,
    uid_mappings: map,
    gid_mappings: map,
    namespaces: newNamespaces(
      ...["NEWNS", "NEWUTS", "NEWIPC", "NEWPID", "NEWNET", "NEWUSER"],
    ),
  });
  const before = await describeTree(workspace.rootfs);
  const { code, stdout } = await container.exec([
    "--overlay",
    "/bin/sh",
    "-c",
    "for p in /etc/passwd /root/x /new; do " +
    "(echo x >> $p) 2>/dev/null && echo wrote $p; done; ls /root 2>&1; " +
    "mount -o remount,rw / 2>&1; exit 0",
  ]);

  assertEquals(code, 0);
  assertMatch(stdout, /can't open '\/root'|Permission denied/);
  assert(!stdout.includes("wrote"), stdout);
  assertEquals(await describeTree(workspace.rootfs), before);
});

/** The container's directory is its root. */
async function inItsOwnRoot(
  workspace: Workspace,
  flags: readonly string[],
): Promise<void> {
  const rootfs = await hostileRootfs(workspace);
  const { rootfs: _, ...config } = workspace.config({ capabilities: CAPABLE });
  const container = await workspace.containerIn(rootfs, config);
  const text = await Deno.readTextFile(`${rootfs}/container.json`);

  const { code, stdout } = await container.exec([
    ...flags,
    "/bin/sh",
    "-c",
    "for f in container.json state.json; do test -s /$f && echo $f;" +
    " (echo x > /$f) 2>/dev/null && echo wrote; rm -f /$f 2>/dev/null;" +
    " mv /$f /other 2>/dev/null && echo moved; done; exit 0",
  ]);

  assertEquals([code, stdout], [0, "container.json\nstate.json\n"]);
  assertEquals(await Deno.readTextFile(`${rootfs}/container.json`), text);
  const marker = await Deno.lstat(`${rootfs}/state.json`).catch(() =>
    undefined
  );
  assertEquals(marker, undefined);
  // The next start reads the same file, whatever the layer has become.
  const again = await container.exec([...flags, "/bin/true"]);
  assertEquals(again.code, 0, again.stderr);
}

test("a container in the directory of its root cannot change its own configuration", async (workspace) => {
  await inItsOwnRoot(workspace, ["--overlay"]);
  const upper = `${await workspace.newDirectory()}/upper`;
  await inItsOwnRoot(workspace, ["--overlay-upper", upper]);
});

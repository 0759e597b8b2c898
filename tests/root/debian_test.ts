/**
 * Containers in a real Debian root, made by debootstrap once and kept in
 * `build/debian-root`.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { containerTests, type TestContainer } from "../support/containers.ts";
import type { Workspace } from "../support/containers.ts";
import { mustRun, REPOSITORY, runProgram } from "../support/nsinit.ts";

const declare = containerTests("debian");
const CACHE = `${REPOSITORY}/build/debian-root`;
/** Written last: without it a root is half made. */
const DONE = `${CACHE}/.complete`;
const BOOTSTRAP_TIMEOUT_MS = 10 * 60_000;

async function exists(path: string): Promise<boolean> {
  return await Deno.lstat(path).then(() => true, () => false);
}

/** Mirror and release that apt is configured with. */
async function findMirror(): Promise<
  [release: string, mirror: string] | undefined
> {
  const args = ["indextargets", "--format", "$(REPO_URI) $(RELEASE)"];
  const found = await runProgram(["apt-get", ...args]).catch(() => undefined);
  const [line] = (found?.stdout ?? "").split("\n")
    .filter((text) => text !== "" && !/security|updates|backports/.test(text));
  const [mirror, release] = line?.split(" ") ?? [];
  return mirror && release ? [release, mirror] : undefined;
}

/** Makes the root; tells why there is none. */
async function makeDebian(): Promise<string | undefined> {
  if (await exists(DONE)) return undefined;
  const source = await findMirror();
  if (source === undefined) return "apt is configured with no mirror";
  const [release, mirror] = source;
  const fresh = `${CACHE}.${Deno.pid}`;
  const script = 'PATH=$PATH:/usr/sbin:/sbin; exec debootstrap "$@"';
  const args = ["--variant=minbase", release, fresh, mirror];
  try {
    await Deno.mkdir(`${REPOSITORY}/build`, { recursive: true });
    // In a mount namespace of its own, so that nothing stays mounted.
    const { code, stdout, stderr } = await runProgram(
      ["unshare", "--mount", "sh", "-c", script, "sh", ...args],
      { timeoutMs: BOOTSTRAP_TIMEOUT_MS },
    );
    if (code === 127) return "debootstrap is not installed";
    if (code !== 0) {
      return `debootstrap failed: ${(stdout + stderr).trim().slice(-300)}`;
    }
    await Deno.writeTextFile(`${fresh}/.complete`, "");
    await Deno.remove(CACHE, { recursive: true }).catch(() => {});
    await Deno.rename(fresh, CACHE);
    return undefined;
  } finally {
    await Deno.remove(fresh, { recursive: true }).catch(() => {});
  }
}

const problem = Deno.uid() === 0 ? await makeDebian() : "this needs root";
if (problem !== undefined) {
  await Deno.stderr.write(
    new TextEncoder().encode(`SKIPPED: containers in Debian: ${problem}\n`),
  );
}

/** Declares a test; a machine without the root leaves it out, loudly. */
function test(
  name: string,
  body: (container: TestContainer, workspace: Workspace) => Promise<void>,
): void {
  if (problem !== undefined) {
    Deno.test({ name, ignore: true, fn: () => {} });
    return;
  }
  declare(name, async (workspace) => {
    const container = await workspace.container({ rootfs: CACHE });
    await body(container, workspace);
  });
}

test("apt-get tells its version in a Debian root", async (container) => {
  assertMatch(await container.output("apt-get --version"), /^apt \d+\.\d+/);
});

test("su changes to a daemon by Debian's PAM", async (container) => {
  const text = await container.output("su daemon -s /bin/sh -c id");

  assertEquals(text, "uid=1(daemon) gid=1(daemon) groups=1(daemon)\n");
});

test("users and groups are looked up in Debian's files", async (container) => {
  const { stdout } = await container.exec([
    "--user",
    "www-data",
    "/usr/bin/id",
  ]);

  assertEquals(
    stdout,
    "uid=33(www-data) gid=33(www-data) groups=33(www-data)\n",
  );
});

test(
  "a C program compiled outside runs inside",
  async (container, workspace) => {
    const dir = await workspace.newDirectory();
    await Deno.writeTextFile(
      `${dir}/hello.c`,
      `#include <stdio.h>
#include <sys/utsname.h>
int main(void)
{
	struct utsname name;

	if (uname(&name) < 0)
		return 1;
	return printf("hello from %s\\n", name.nodename) < 0;
}
`,
    );
    await mustRun(["cc", "-O1", "-o", `${dir}/hello`, `${dir}/hello.c`]);
    // The root stays as debootstrap made it.
    const bound = await workspace.container({
      rootfs: CACHE,
      mounts: [
        ...workspace.config()["mounts"] as unknown[],
        {
          device: "bind",
          source: dir,
          destination: "/opt",
          flags: 4096 | 1,
          data: "",
        },
      ],
    });

    assertEquals(await bound.output("/opt/hello"), "hello from testing\n");
    assert(container.dir !== bound.dir);
  },
);

test("dpkg knows the packages of the root", async (container) => {
  const text = await container.output(
    "dpkg-query -W -f '${Package}\\n' | grep -cx 'dpkg\\|apt'",
  );

  assertEquals(text, "2\n");
});

test("Debian's tools see the container's own processes only", async (container) => {
  assertEquals(
    await container.output("echo /proc/[0-9]*; cat /proc/1/comm"),
    "/proc/1\nsh\n",
  );
});

/** Limits hold against who is root inside and knows how the kernel keeps them. */
import { assert, assertEquals, assertMatch } from "@std/assert";
import {
  type ConfigJson,
  containerTests,
  DEFAULT_NAMESPACES,
  newNamespaces,
  type Workspace,
} from "../support/containers.ts";
import { compilePayload } from "../support/payload.ts";

const test = containerTests("seclimits");
const LIMITS = { memory: 64 << 20, pids_limit: 40 };
const FIRST_ID = 1_000_000;

/**
 * Makes itself owner of a namespace of cgroups, mounts each hierarchy there and
 * lifts its own limits: possible to whoever owns their files and may make user
 * namespaces.
 */
const SOURCE = `
#include <sched.h>

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd >= 0 && write(fd, text, strlen(text)) > 0)
		printf("wrote %s\\n", path);
	if (fd >= 0)
		close(fd);
}

static void mount_and_lift(const char *type, const char *options, const char *file)
{
	char path[64];

	mkdir("/dev/shm/g", 0755);
	if (mount("g", "/dev/shm/g", type, 0, options) < 0)
		return;
	printf("mounted %s\\n", options ? options : type);
	snprintf(path, sizeof(path), "/dev/shm/g/%s", file);
	put(path, "-1");
	put(path, "max");
	if (mkdir("/dev/shm/g/below", 0755) == 0 && rmdir("/dev/shm/g/below") == 0)
		puts("made a group");
	umount2("/dev/shm/g", MNT_DETACH);
}

int main(void)
{
	setvbuf(stdout, 0, _IONBF, 0);
	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWCGROUP) < 0) {
		puts("no namespaces");
		return 0;
	}
	int fd = open("/proc/self/setgroups", O_WRONLY);
	write(fd, "deny", 4);
	close(fd);
	fd = open("/proc/self/uid_map", O_WRONLY);
	if (write(fd, "0 0 1", 5) != 5)
		return 1;
	puts("namespaces");
	mount_and_lift("cgroup", "memory", "memory.limit_in_bytes");
	mount_and_lift("cgroup", "pids", "pids.max");
	mount_and_lift("cgroup2", NULL, "memory.max");
	mount_and_lift("cgroup2", NULL, "pids.max");
	return 0;
}
`;

/** Nests groups deeper than any path may be long, and freezes a process in the last. */
const DIG = `
#include <sched.h>

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		perror(path), exit(1);
	close(fd);
}

int main(int argc, char **argv)
{
	char name[201] = { 0 };
	pid_t pid;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWCGROUP) < 0)
		return 1;
	put("/proc/self/setgroups", "deny");
	put("/proc/self/uid_map", "0 0 1");
	mkdir("/dev/shm/g", 0755);
	if (mount("g", "/dev/shm/g", argv[1], 0, argv[2]) < 0 || chdir("/dev/shm/g") < 0)
		return 1;
	memset(name, 'x', 200);
	for (int i = 0; i < 40; i++)
		if (mkdir(name, 0755) < 0 || chdir(name) < 0)
			return 1;
	pid = fork();
	if (pid == 0) {
		put("cgroup.procs", "0");
		write(1, "deep\\n", 5);
		pause();
	}
	sleep(1);
	if (argv[2])
		put("freezer.state", "FROZEN");
	write(1, "ready\\n", 6);
	pause();
}
`;

/** What the program tells of its attempts. */
async function tryToLift(
  workspace: Workspace,
  changes: ConfigJson,
  flags: readonly string[] = [],
): Promise<string> {
  const program = `${workspace.rootfs}/bin/lift-limits`;
  await compilePayload(program, SOURCE);
  try {
    const container = await workspace.container({
      cgroups: LIMITS,
      ...changes,
    });
    const { code, stdout, stderr } = await container.exec(
      [...flags, "/bin/lift-limits"],
    );
    assertEquals([code, stderr], [0, ""], stdout);
    return stdout;
  } finally {
    await Deno.remove(program);
  }
}

for (const profile of ["high", "medium", "low"]) {
  test(`--security ${profile} lets nobody lift his limits`, async (workspace) => {
    const output = await tryToLift(workspace, {}, ["--security", profile]);
    assertEquals(output, "no namespaces\n");
  });
}

test("in a user namespace nobody lifts the limits of his container", async (workspace) => {
  const map = [{ container_id: 0, host_id: FIRST_ID, size: 65536 }];
  const output = await tryToLift(workspace, {
    namespaces: newNamespaces(...DEFAULT_NAMESPACES, "NEWUSER"),
    uid_mappings: map,
    gid_mappings: map,
  });
  // It may try, and the groups are there to be seen.
  assertMatch(output, /^namespaces\nmounted /);
  assert(!/wrote|made/.test(output), output);
});

test(
  "without either, root inside lifts them where the kernel lets him",
  async (workspace) => {
    // The reason for the two tests above: when this fails, they prove nothing.
    const output = await tryToLift(workspace, {});
    assertMatch(output, /wrote \/dev\/shm\/g\/memory.limit_in_bytes/);
  },
  { needs: ["cgroup-v1"] },
);

for (const args of [["cgroup2"], ["cgroup", "freezer"]]) {
  test(
    `groups nested deeper than a path is long hide and hold nobody: ${args}`,
    async (workspace) => {
      const program = `${workspace.rootfs}/bin/dig-deep`;
      await compilePayload(program, DIG);
      try {
        const container = await workspace.container();
        await using running = container.start(["/bin/dig-deep", ...args]);
        await running.waitForOutput("deep\nready\n");
        const list = await workspace.nsinit(["ps", "--format=json"], {
          cwd: container.dir,
        });
        assertEquals([list.code, list.stderr], [0, ""]);
        assertEquals(JSON.parse(list.stdout).length, 2, list.stdout);
        const removal = await workspace.nsinit(["delete", "--force"], {
          cwd: container.dir,
        });
        assertEquals([removal.code, removal.stderr], [0, ""]);
        await running.result();
      } finally {
        await Deno.remove(program);
      }
    },
    { needs: ["cgroup-v1"] },
  );
}

/** Attackers that run at the same time: swapped directories, scanners of /proc. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  BIND,
  type ConfigJson,
  containerTests,
  DEFAULT_NAMESPACES,
  mount,
  newNamespaces,
  SYSTEM_MOUNTS,
} from "../support/containers.ts";
import { Canary, hostileRootfs } from "../support/hostile.ts";
import { PATIENCE, Running } from "../support/nsinit.ts";
import { compilePayload } from "../support/payload.ts";
import { parseMounts } from "../support/process_status.ts";

const test = containerTests("secrace");
/** A busy or slow machine makes fewer rounds than these, but some. */
const ROUNDS = 50;
const FEWEST_ROUNDS = 4;
const BUDGET_MS = 10_000 * PATIENCE;

/** Runs a task again and again until it is enough; gives how often. */
async function repeat(task: (round: number) => Promise<void>): Promise<number> {
  const end = Date.now() + BUDGET_MS;
  let round = 0;
  while (round < FEWEST_ROUNDS || (round < ROUNDS && Date.now() < end)) {
    await task(round++);
  }
  return round;
}

const RACER = `
/* argv: pairs of names, swapped as fast as the kernel can until stdin closes. */
int main(int argc, char **argv)
{
	fcntl(0, F_SETFL, O_NONBLOCK);
	printf("racing\\n");
	fflush(stdout);
	for (long n = 0;; n++) {
		char byte;

		for (int at = 1; at + 1 < argc; at += 2)
			syscall(SYS_renameat2, AT_FDCWD, argv[at], AT_FDCWD, argv[at + 1], 2);
		if (n % 256 == 0 && read(0, &byte, 1) == 0)
			break;
	}
	return 0;
}
`;

/** Runs a task again and again while names are being swapped. */
async function whileSwapping(
  dir: string,
  names: readonly string[],
  task: () => Promise<void>,
): Promise<void> {
  const racer = await compilePayload(`${dir}/racer`, RACER);
  await using running = new Running([racer, ...names]);
  await running.waitForOutput("racing\n");
  await repeat(task);
  assert(!running.hasEnded);
}

test(
  "mounts below a volume whose directories are being swapped stay in the container (CVE-2021-30465, CVE-2024-45310)",
  async (workspace) => {
    const canary = await Canary.create(workspace);
    const volume = await workspace.newDirectory();
    for (const name of ["a", "b"]) {
      await Deno.mkdir(`${volume}/${name}`);
      await Deno.symlink(canary.dir, `${volume}/${name}-link`);
    }
    await Deno.remove(`${volume}/b-link`);
    await Deno.symlink("../../../../../../../..", `${volume}/b-link`);
    const source = await workspace.newDirectory();
    await Deno.writeTextFile(`${source}/file`, "of the source\n");
    const rootfs = await hostileRootfs(workspace);
    const container = await workspace.container({
      rootfs,
      mounts: [
        ...SYSTEM_MOUNTS,
        mount("bind", volume, "/vol", BIND),
        mount("bind", source, "/vol/a/inner/bound", BIND),
        mount("tmpfs", "tmpfs", `/vol/b${canary.dir}/made`, 14),
        mount("bind", `${source}/file`, "/vol/a/file", BIND),
      ],
      mask_paths: ["/vol/a/inner", "/vol/b"],
      readonly_paths: ["/vol/a/inner"],
    });
    await whileSwapping(
      workspace.dir,
      [`${volume}/a`, `${volume}/a-link`, `${volume}/b`, `${volume}/b-link`],
      async () => {
        const { code, stderr } = await container.sh("true");
        assert(code === 0 || code === 125, `${code} ${stderr}`);
        assert(!stderr.includes("report it"), stderr);
        await canary.assertUntouched();
      },
    );
  },
);

test(
  "a root whose /proc, /sys and /dev are being swapped gives real ones or none (CVE-2019-19921, CVE-2023-28642, CVE-2026-41579)",
  async (workspace) => {
    const canary = await Canary.create(workspace);
    const rootfs = await hostileRootfs(workspace, {
      "evil/self/attr/exec": { text: "" },
      "proc-link": { link: "/evil" },
      "sys-link": { link: canary.dir },
      "dev-link": { link: canary.dir },
    });
    const container = await workspace.container({
      rootfs,
      oom_score_adj: 91,
      mounts: SYSTEM_MOUNTS.filter(({ destination }) =>
        ["/proc", "/sys"].includes(`${destination}`)
      ),
    });
    await whileSwapping(
      workspace.dir,
      ["proc", "sys", "dev"].flatMap((name) => [
        `${rootfs}/${name}`,
        `${rootfs}/${name}-link`,
      ]),
      async () => {
        const { code, stdout, stderr } = await container.sh(
          "cat /proc/self/mountinfo /proc/self/oom_score_adj",
        );
        assert(!stderr.includes("report it"), stderr);
        await canary.assertUntouched();
        // The program itself may find the link that was swapped in after the start.
        if (code !== 0) return;
        assertStringIncludes(stdout, "\n91\n");
        const points = parseMounts(stdout).filter(({ type }) =>
          type === "proc" || type === "sysfs"
        ).map(({ point }) => point);
        for (const point of points) assert(!point.startsWith("/evil"), point);
      },
    );
  },
);

const SCANNER = `
/* Looks at every process that appears, and tries to take it over. */
static int is_runtime(int pid)
{
	char path[64], name[256];
	ssize_t n;

	sprintf(path, "/proc/%d/exe", pid);
	n = readlink(path, name, sizeof(name) - 1);
	if (n <= 0)
		return 0;
	name[n] = 0;
	return strstr(name, "memfd") != NULL;
}

static unsigned long permitted(int pid)
{
	char path[64], line[256];
	unsigned long mask = 0;
	FILE *file;

	sprintf(path, "/proc/%d/status", pid);
	file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, "CapPrm:", 7))
			mask = strtoul(line + 7, NULL, 16);
	if (file)
		fclose(file);
	return mask;
}

static void try_files(int pid)
{
	char path[64], name[256];

	for (int fd = 3; fd < 24; fd++) {
		ssize_t n;

		sprintf(path, "/proc/%d/fd/%d", pid, fd);
		n = readlink(path, name, sizeof(name) - 1);
		/* One end of a socket pair is how the runtime learns of the exec. */
		if (n > 0 && strncmp(name, "socket:", 7))
			name[n] = 0, printf("BAD fd %d %s\\n", fd, name);
	}
	sprintf(path, "/proc/%d/mem", pid);
	int fd = open(path, O_RDWR);
	if (fd >= 0) {
		char byte;

		if (is_runtime(pid) && permitted(pid) & ~permitted(getpid()))
			printf("BAD mem with more capabilities\\n");
		close(fd);
	}
}

int main(void)
{
	long seen = 0;
	int last = 0, pid;

	fcntl(0, F_SETFL, O_NONBLOCK);
	printf("ready\\n");
	fflush(stdout);
	for (long n = 0;; n++) {
		char byte;

		if (n % 64 == 0 && read(0, &byte, 1) == 0)
			break;
		/* New processes get the next numbers. */
		for (pid = last + 1; pid < last + 24; pid++) {
			if (pid == getpid() || kill(pid, 0))
				continue;
			if (pid > last)
				seen++, last = pid - 2 > last ? pid - 2 : last;
			try_files(pid);
			if (ptrace(PTRACE_SEIZE, pid, 0, 0) == 0) {
				if (is_runtime(pid) && permitted(pid) & ~permitted(getpid()))
					printf("BAD attached with more capabilities\\n");
				ptrace(PTRACE_INTERRUPT, pid, 0, 0);
				int status;
				waitpid(pid, &status, __WALL);
				ptrace(PTRACE_DETACH, pid, 0, 0);
			}
		}
	}
	printf("seen %ld\\n", seen);
	return 0;
}
`;

for (const userns of [false, true]) {
  test(
    `a container that scans and traces what joins it gains nothing, ${
      userns ? "in" : "without"
    } a user namespace (CVE-2016-9962, CVE-2016-8659, CVE-2026-41163)`,
    async (workspace) => {
      const rootfs = await hostileRootfs(workspace);
      await compilePayload(`${rootfs}/bin/scanner`, SCANNER);
      const maps = [{ container_id: 0, host_id: 100000, size: 65536 }];
      const changes: ConfigJson = userns
        ? {
          namespaces: newNamespaces(...DEFAULT_NAMESPACES, "NEWUSER"),
          uid_mappings: maps,
          gid_mappings: maps,
        }
        : {};
      const container = await workspace.container({
        rootfs,
        capabilities: [
          "SYS_PTRACE",
          "DAC_OVERRIDE",
          "KILL",
          "SYS_ADMIN",
          "SETUID",
          "SETGID",
        ],
        ...changes,
      });
      await using running = container.start(["/bin/scanner"]);
      await running.waitForOutput("ready\n");
      const join = async (user: string): Promise<void> => {
        const { code, stderr } = await container.exec([
          ...["--user", user],
          "/bin/true",
        ]);
        assertEquals(code, 0, stderr);
      };
      // Two at a time, every third one as an ordinary user.
      const rounds = await repeat(async (round) => {
        const users = [2 * round, 2 * round + 1].map((n) =>
          n % 3 === 0 ? "1000:1000" : "0:0"
        );
        await Promise.all(users.map(join));
      });
      await running.closeStdin();
      const { stdout } = await running.result();
      assert(!stdout.includes("BAD"), stdout.slice(0, 2000));
      const [, seen] = /seen (\d+)/.exec(stdout) ?? [];
      assert(Number(seen) >= rounds, stdout);
    },
  );
}

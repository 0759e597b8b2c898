/** The runtime's own program, descriptors and directories are out of the container's reach. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import {
  containerTests,
  DEFAULT_NAMESPACES,
  newNamespaces,
} from "../support/containers.ts";
import { hostileRootfs } from "../support/hostile.ts";
import { mustRun, nsinitCommand, REPOSITORY } from "../support/nsinit.ts";
import { compileCaller, compilePayload } from "../support/payload.ts";
import { processExists } from "../support/process_status.ts";

const test = containerTests("secprog");
const CLI = nsinitCommand().find((word) => word.endsWith("cli.ts"));

/** Files of the runtime that a container could want to change. */
function hashes(): Promise<string> {
  const root = CLI?.slice(0, CLI.lastIndexOf("/")) ?? REPOSITORY;
  return mustRun([
    "sha256sum",
    Deno.execPath(),
    `${root}/lib/libnsinit.so`,
    `${root}/cli.ts`,
  ]);
}

test(
  "a program that is /proc/self/exe runs nothing of the host (CVE-2019-5736)",
  async (workspace) => {
    const before = await hashes();
    const rootfs = await hostileRootfs(workspace, {
      "bin/script": { text: "#!/proc/self/exe\n", mode: 0o755 },
      "bin/link": { link: "/proc/self/exe" },
      "bin/fd": { text: "#!/proc/self/fd/3\n", mode: 0o755 },
    });
    const container = await workspace.container({ rootfs });
    await using _running = await container.hold();
    for (const joins of [false, true]) {
      const target = joins ? container : await workspace.container({ rootfs });
      for (const program of ["script", "link", "fd"]) {
        const { code, stdout } = await target.exec([
          `/bin/${program}`,
          "init",
          "3",
          "4",
        ]);
        // 124 is the helper that finds no Plan: it is all that the link can mean.
        assert([124, 125, 126, 127].includes(code), `${program}: ${code}`);
        assertEquals(stdout, "");
      }
    }
    assertEquals(await hashes(), before);
  },
);

const OVERWRITER = `
/* Opens the program behind every process it sees, and overwrites it later. */
int main(void)
{
	char path[64], name[256];
	time_t end = time(NULL) + 3;
	long seen = 0;

	while (time(NULL) < end) {
		for (int pid = 2; pid < 400; pid++) {
			int fd, w;
			ssize_t n;

			sprintf(path, "/proc/%d/exe", pid);
			n = readlink(path, name, sizeof(name) - 1);
			if (n <= 0)
				continue;
			name[n] = 0;
			if (!strstr(name, "busybox"))
				printf("link %s\\n", name), seen++;
			fd = open(path, O_RDONLY);
			if (fd < 0)
				continue;
			sprintf(path, "/proc/self/fd/%d", fd);
			w = open(path, O_WRONLY | O_TRUNC);
			if (w >= 0 && !strstr(name, "busybox"))
				printf("WRITABLE %s\\n", name), write(w, "#!/bin/true\\n", 12);
			if (w >= 0)
				close(w);
			close(fd);
		}
	}
	printf("done\\n");
	return 0;
}
`;

test(
  "a container that rewrites every program it sees changes none of the runtime's (CVE-2019-5736)",
  async (workspace) => {
    const before = await hashes();
    const rootfs = await hostileRootfs(workspace, {});
    await compilePayload(`${rootfs}/bin/busybox-overwriter`, OVERWRITER);
    const container = await workspace.container({
      rootfs,
      capabilities: ["SYS_PTRACE", "DAC_OVERRIDE", "SYS_ADMIN"],
    });
    const running = container.start([
      "/bin/sh",
      "-c",
      "sleep 1000 & echo ready; exec busybox-overwriter",
    ]);
    try {
      await running.waitForOutput("ready\n");
      for (let n = 0; n < 10 && !running.hasEnded; n++) {
        await container.exec(["/bin/true"]);
      }
      const { stdout } = await running.result();
      assertStringIncludes(stdout, "done\n");
      assert(!stdout.includes("WRITABLE"), stdout);
      for (const [, name] of stdout.matchAll(/^link (.*)$/gm)) {
        assertMatch(name ?? "", /memfd:nsinit/);
      }
    } finally {
      await running[Symbol.asyncDispose]();
    }
    assertEquals(await hashes(), before);
  },
);

test(
  "what waits for a container runs from a sealed memfd and maps nothing of the host",
  async (workspace) => {
    const container = await workspace.container();
    await using running = await container.hold();
    const exe = await Deno.readLink(`/proc/${running.pid}/exe`);
    assertMatch(exe, /^\/memfd:nsinit/);
    const maps = await Deno.readTextFile(`/proc/${running.pid}/maps`);
    assert(!/deno|libnsinit|libc\.so/.test(maps), maps);
    assertEquals(
      [...maps.matchAll(/ (\/\S+)/g)].map(([, name]) => name)
        .filter((name) => !name?.startsWith("/memfd:")),
      [],
    );
  },
);

const WALK =
  "cd .. && cd .. && cd .. && cd .. && cd ..; pwd -P; stat -c %i .; stat -c %i /";

test(
  "a working directory behind a descriptor never leads out of the root (CVE-2024-21626)",
  async (workspace) => {
    const caller = await compileCaller(workspace.dir);
    const container = await workspace.container();
    await using _running = await container.hold();
    const numbers = Array.from({ length: 65 }, (_, n) => n);
    const paths = numbers.map((n) => `/proc/self/fd/${n}`);
    const cells = paths.flatMap((path, n) =>
      n % 8 === 3 ? [path, `${path}/../..`, `/proc/1/fd/${n}`] : [path]
    );
    const check = async (cwd: string, joins: boolean): Promise<void> => {
      const target = joins ? container : await workspace.container();
      const { code, stdout, stderr } = await target.exec(
        ["--cwd", cwd, "/bin/sh", "-c", WALK],
        { prefix: [caller, "-f", "--"] },
      );
      if (code === 125) return;
      assertEquals([cwd, code], [cwd, 0], stderr);
      const [where, here, root] = stdout.trim().split("\n");
      assertEquals([cwd, where, here], [cwd, "/", root]);
    };
    for (let at = 0; at < cells.length; at += 2) {
      await Promise.all(cells.slice(at, at + 2).map((cwd) => check(cwd, true)));
    }
    for (const n of [3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 20, 60]) {
      await check(`/proc/self/fd/${n}`, false);
      if (n < 9) await check(`/proc/self/fd/${n}/../..`, false);
    }
  },
);

test(
  "a program reached through a descriptor or another process is not of the host (CVE-2024-21626)",
  async (workspace) => {
    const container = await workspace.container();
    await using _running = await container.hold();
    for (let n = 3; n < 20; n++) {
      for (
        const path of [`/proc/self/fd/${n}/bin/true`, `/proc/self/fd/${n}`]
      ) {
        const { code } = await container.exec([path]);
        assert([126, 127].includes(code), `${path}: ${code}`);
      }
    }
    const { stdout } = await container.exec([
      "/proc/1/root/bin/readlink",
      "-f",
      "/proc/1/root",
    ]);
    assertEquals(stdout, "/\n");
  },
);

test(
  "a program has the descriptors 0, 1 and 2 only, whatever the caller leaks (CVE-2016-8649)",
  async (workspace) => {
    const caller = await compileCaller(workspace.dir);
    const container = await workspace.container();
    await using _running = await container.hold();
    for (const joins of [false, true]) {
      for (const tty of [false, true]) {
        for (const userns of joins ? [false] : [false, true]) {
          const maps = [{ container_id: 0, host_id: 0, size: 65536 }];
          const target = joins ? container : await workspace.container(
            userns
              ? {
                namespaces: newNamespaces(...DEFAULT_NAMESPACES, "NEWUSER"),
                uid_mappings: maps,
                gid_mappings: maps,
              }
              : {},
          );
          const { stdout, stderr, code } = await target.exec(
            [...tty ? ["--tty"] : [], "/bin/ls", "/proc/self/fd"],
            { prefix: [caller, "-f", "--"] },
          );
          const label = `joins ${joins}, tty ${tty}, userns ${userns}`;
          // The fourth is the listing itself.
          const found = stdout.trim().split(/\s+/);
          assertEquals(
            [label, code, found],
            [label, 0, ["0", "1", "2", "3"]],
            stderr,
          );
        }
      }
    }
  },
);

test(
  "the first process holds nothing outside its root, seen from the host (CVE-2024-21626)",
  async (workspace) => {
    const caller = await compileCaller(workspace.dir);
    const container = await workspace.container();
    await using _running = await container.hold({
      prefix: [caller, "-f", "--"],
    });
    const pid = await container.pid();
    assert(processExists(pid));
    const links = await Promise.all(
      (await Array.fromAsync(Deno.readDir(`/proc/${pid}/fd`)))
        .map(({ name }) => Deno.readLink(`/proc/${pid}/fd/${name}`)),
    );
    assertEquals(links.length, 3);
    for (const link of links) assertMatch(link, /^(pipe:|socket:|\/dev\/null)/);
    assertEquals(await Deno.readLink(`/proc/${pid}/cwd`), "/");
  },
);

test(
  "descriptors that are closed on entry become the container's null device (CVE-2026-88265)",
  async (workspace) => {
    const caller = await compileCaller(workspace.dir);
    const rootfs = await hostileRootfs(workspace);
    const container = await workspace.container({ rootfs });
    const { code } = await container.sh(
      "for n in 0 1 2; do stat -L -c '%t:%T %i' /proc/self/fd/$n; done > /root/fds; " +
        "stat -c '%t:%T %i' /dev/null >> /root/fds",
      { prefix: [caller, "-c", "--"] },
    );
    assertEquals(code, 0);
    const lines = (await Deno.readTextFile(`${rootfs}/root/fds`)).trim().split(
      "\n",
    );
    const own = lines.at(-1) ?? "";
    assertMatch(own, /^1:3 /);
    // Standard output is the file of this very list.
    assertEquals([lines[0], lines[2]], [own, own]);
  },
);

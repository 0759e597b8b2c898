/** Host roots: nothing of the host is writable, and no secret of it readable. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { hostRootConfig } from "../../lib/config/host_root.ts";
import type { Config } from "../../lib/config/types.ts";
import { ConfigError } from "../../lib/errors.ts";
import {
  containerTests,
  type TestContainer,
  type Workspace,
} from "../support/containers.ts";
import { Canary, describeTree } from "../support/hostile.ts";
import { InProcess, runInProcess } from "../support/in_process.ts";
import { mustRun, Running } from "../support/nsinit.ts";
import { compilePayload } from "../support/payload.ts";

const test = containerTests("sechost");

async function emptyPlace(workspace: Workspace): Promise<TestContainer> {
  return await workspace.containerIn(await workspace.newDirectory(), undefined);
}

/** The sandbox without the filter and the lock, so that the mounts stand alone. */
function withoutFilter(workspace: Workspace, ...paths: string[]): Config {
  const { seccomp: _, ...config } = hostRootConfig({ paths });
  return {
    ...config,
    noNewPrivileges: false,
    parentDeathSignal: 0,
    cgroups: { ...config.cgroups, parent: workspace.tag },
  };
}

/** A tree of the host that everybody may write to. */
async function openTree(workspace: Workspace): Promise<string> {
  const dir = await workspace.newDirectory();
  await Deno.mkdir(`${dir}/inner`);
  await Deno.writeTextFile(`${dir}/file`, "of the host\n");
  await mustRun(["chmod", "-R", "a+rwX", dir]);
  await mustRun(["chown", "-R", "65534:65534", dir]);
  return dir;
}

const WRITE_EVERYWHERE = `
  cd "$1" || exit 9
  for what in "echo x > new" "echo x >> file" "rm file" "mkdir dir" \\
    "mv inner outer" "chmod 700 file" "touch file" "ln -s a link" \\
    "ln file hard" "chown 0 file" "rmdir inner" "mknod fifo p" \\
    "truncate -s 0 file" "setfattr -n user.a -v b file"; do
    (eval "$what") 2> /dev/null && echo "did $what"
  done
  exit 0
`;

for (const user of ["nobody", "root"]) {
  test(`${user} writes to nothing of the host`, async (workspace) => {
    const dir = await openTree(workspace);
    const container = await emptyPlace(workspace);
    const before = await describeTree(dir);
    const flags = ["--host-root", "--user", user, "--host-path", dir];

    for (const place of [dir, `/proc/self/root${dir}`, `/proc/1/root${dir}`]) {
      const { code, stdout } = await container.exec([
        ...flags,
        ...["/bin/sh", "-c", WRITE_EVERYWHERE, "sh", place],
      ]);
      assertEquals([place, code, stdout], [place, 0, ""]);
    }
    const others =
      "for d in / /usr /usr/bin /etc /etc/ssl /usr/local/lib /lib" +
      " /sys /proc/sys /var /home /run; do" +
      " (echo x > $d/.nsinit-canary) 2> /dev/null && echo $d; done; exit 0";
    const { stdout } = await container.exec([
      ...flags,
      ...["/bin/sh", "-c", others],
    ]);
    // What root writes to is private: the tmpfs that goes with the container.
    const owned = "/\n/etc\n/etc/ssl\n/var\n/home\n/run\n";
    assertEquals(stdout, user === "root" ? owned : "");
    for (const path of ["/", "/usr/", "/usr/bin/", "/etc/", "/lib/", "/var/"]) {
      const left = await Deno.lstat(`${path}.nsinit-canary`)
        .catch(() => undefined);
      assertEquals(left, undefined, path);
    }
    assertEquals(await describeTree(dir), before);
  });
}

/** One line of mountinfo. */
interface MountLine {
  readonly device: string;
  readonly root: string;
  readonly target: string;
  readonly options: readonly string[];
}

function parseMounts(text: string): MountLine[] {
  return text.trim().split("\n").map((line) => {
    const [, , device = "", root = "", target = "", options = ""] = line
      .split(" ");
    return { device, root, target, options: options.split(",") };
  });
}

test("every mount that the host has too is read-only, nosuid and nodev", async (workspace) => {
  const container = await emptyPlace(workspace);
  const inside = await container.exec([
    ...["--host-root", "/bin/cat", "/proc/self/mountinfo"],
  ]);
  const host = await Deno.readTextFile("/proc/self/mountinfo");
  const devices = new Set(parseMounts(host).map(({ device }) => device));
  const shared = parseMounts(inside.stdout)
    .filter(({ device }) => devices.has(device));

  assert(shared.some(({ target }) => target === "/usr"));
  for (const { root, target, options } of shared) {
    // What hides a file is the host's null device, bound alone.
    if (root === "/null") continue;
    for (const option of ["ro", "nosuid", "nodev"]) {
      assert(options.includes(option), `${target}: ${options}`);
    }
  }
  const targets = parseMounts(inside.stdout).map(({ target }) => target);
  const known = /^\/($|usr$|s?bin$|lib\w*$|etc\/|proc|sys|dev)/;
  assertEquals(targets.filter((target) => !known.test(target)), []);
});

test("mounts below what is shown are read-only as well, and later ones do not appear", async (workspace) => {
  const dir = await openTree(workspace);
  await mustRun(["mount", "--bind", dir, dir]);
  try {
    await mustRun(["mount", "--make-shared", dir]);
    await mustRun([
      "mount",
      "-t",
      "tmpfs",
      "-o",
      "mode=777",
      "x",
      `${dir}/inner`,
    ]);
    await Deno.writeTextFile(`${dir}/inner/file`, "below\n");
    await Deno.chmod(`${dir}/inner/file`, 0o666);
    await Deno.mkdir(`${dir}/inner/late`);
    await using container = await InProcess.start(workspace, {
      config: withoutFilter(workspace, dir),
      args: `cat ${dir}/inner/file; (echo x >> ${dir}/inner/file) 2>/dev/null ||
        echo fixed; echo ready; until test -e /tmp/go; do sleep 0.05; done;
        ls ${dir}/inner/late; echo end`,
    });
    await container.waitForOutput("ready");
    assertStringIncludes(container.stdout, "below\nfixed\n");
    await mustRun(["mount", "-t", "tmpfs", "x", `${dir}/inner/late`]);
    await Deno.writeTextFile(`${dir}/inner/late/secret`, "late\n");
    await Deno.writeTextFile(`/proc/${container.pid}/root/tmp/go`, "");
    const { stdout } = await container.ended();
    assert(stdout.endsWith("ready\nend\n"), stdout);
  } finally {
    await mustRun(["umount", "-R", dir]);
  }
});

/** Secrets of the host: those that are there anyway, and some that are planted. */
async function plantSecrets(
  workspace: Workspace,
): Promise<{ readonly paths: string[]; readonly remove: () => Promise<void> }> {
  const name = workspace.newName();
  const made = ["/home", "/root", "/var/lib", "/srv", "/run", "/opt"]
    .map((dir) => `${dir}/${name}`);
  const paths: string[] = [];
  for (const dir of made) {
    await Deno.mkdir(dir, { mode: 0o755 });
    for (const mode of [0o600, 0o644]) {
      const path = `${dir}/secret-${mode.toString(8)}`;
      await Deno.writeTextFile(path, "secret\n");
      await Deno.chmod(path, mode);
      paths.push(path);
    }
  }
  await Deno.writeTextFile(`/tmp/${name}`, "secret\n");
  const there = ["/etc/shadow", "/etc/gshadow", "/etc/shadow-", "/etc/ssh"];
  const more = ["/etc/sudoers", "/etc/ssl/private", "/etc/machine-id"];
  const last = [
    "/boot",
    "/root/.ssh",
    "/var/log",
    "/run/docker.sock",
    "/run/dbus",
  ];
  return {
    paths: [...paths, `/tmp/${name}`, ...there, ...more, ...last],
    remove: async () => {
      for (const dir of made) await Deno.remove(dir, { recursive: true });
      await Deno.remove(`/tmp/${name}`);
    },
  };
}

test("no secret of the host can be read or is known", async (workspace) => {
  const container = await emptyPlace(workspace);
  const { paths, remove } = await plantSecrets(workspace);
  try {
    for (const user of ["nobody", "root"]) {
      const script =
        `for p in "$@"; do for r in "" /proc/1/root /proc/self/root \\
        /proc/self/cwd/../..; do
        test -e "$r$p" && echo "$r$p"; cat "$r$p" 2> /dev/null; done; done; exit 0`;
      const { code, stdout } = await container.exec([
        ...["--host-root", "--user", user],
        ...["/bin/sh", "-c", script, "sh", ...paths],
      ]);
      assertEquals([user, code, stdout], [user, 0, ""]);
    }
    const { stdout } = await container.exec([
      ...["--host-root", "--user", "root", "/bin/sh", "-c"],
      "ls -A / /home /root /run /var /etc/ssl; cat /etc/passwd /etc/group",
    ]);
    assert(!stdout.includes("secret") && !stdout.includes("shadow"), stdout);
    const names = stdout.split("\n");
    for (const name of ["boot", "opt", "srv", "mnt", "media", "work"]) {
      assert(!names.includes(name), name);
    }
    const accounts = names.filter((line) => line.includes(":x:"));
    assertEquals(accounts.length, 5, accounts.join("\n"));
  } finally {
    await remove();
  }
});

test("no socket of the host can be reached", async (workspace) => {
  const dir = await workspace.newDirectory();
  const payload = await compilePayload(`${dir}/connect`, CONNECT);
  const name = workspace.newName();
  const path = `/run/${name}.sock`;
  using _listener = Deno.listen({ transport: "unix", path });
  await using abstract = new Running([payload, "listen", name]);
  await abstract.waitForOutput("ready");
  // The payload can: both are there for a process of the host.
  assertEquals(await mustRun([payload, path, name]), "path\nabstract\n");

  const container = await emptyPlace(workspace);
  const { code, stdout } = await container.exec([
    ...["--host-root", "--user", "root", "--host-path", dir],
    ...[payload, path, name],
  ]);

  assertEquals([code, stdout], [0, ""]);
});

const CONNECT = `
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>
static int use(int (*call)(int, const struct sockaddr *, socklen_t), int fd, const char *name,
	       int abstract)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };

	strcpy(to.sun_path + abstract, name);
	return call(fd, (void *)&to, offsetof(struct sockaddr_un, sun_path) + abstract +
					strlen(name)) == 0;
}
static int reach(const char *name, int abstract)
{
	return use(connect, socket(AF_UNIX, SOCK_STREAM, 0), name, abstract);
}
int main(int argc, char **argv)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	char c;

	if (!strcmp(argv[1], "listen")) {
		if (!use(bind, fd, argv[2], 1) || listen(fd, 8))
			return 1;
		puts("ready");
		fflush(stdout);
		return read(0, &c, 1) < 0;
	}
	if (reach(argv[1], 0))
		puts("path");
	if (reach(argv[2], 1))
		puts("abstract");
	return 0;
}
`;

test("setuid programs and devices of what is shown have no effect", async (workspace) => {
  const dir = await workspace.newDirectory();
  await compilePayload(
    `${dir}/who`,
    'int main(void) { printf("%d %d\\n", getuid(), geteuid()); return 0; }',
  );
  await Deno.chmod(`${dir}/who`, 0o6755);
  await mustRun(["mknod", "-m", "666", `${dir}/zero`, "c", "1", "5"]);
  assertEquals(
    await mustRun(["setpriv", "--reuid=65534", "--clear-groups", `${dir}/who`]),
    "65534 0\n",
  );

  const { code, stdout, stderr } = await runInProcess(workspace, {
    config: withoutFilter(workspace, dir),
    args: `grep NoNewPrivs /proc/self/status; ${dir}/who;
      head -c 1 ${dir}/zero 2>&1 | grep -o 'Permission denied'`,
  });

  assertEquals(
    [code, stdout],
    [0, "NoNewPrivs:\t0\n65534 65534\nPermission denied\n"],
    stderr,
  );
});

test("a user namespace of its own gives a program no way to the host's files", async (workspace) => {
  const dir = await openTree(workspace);
  const before = await describeTree(dir);
  const script = `
    for d in ${dir} /usr; do
      mount -o remount,bind,rw $d && echo "remounted $d"
      umount $d && echo "unmounted $d"
      umount -l $d && echo "detached $d"
      mount --bind $d /tmp && mount -o remount,bind,rw /tmp && echo "bound $d"
      mount -o remount,bind,suid,dev /tmp && echo "loosened $d"
    done
    mount -t tmpfs x /home && echo "own mounts work"
    echo x > ${dir}/new && echo "wrote"
    exit 0
  `;
  const { code, stdout } = await runInProcess(workspace, {
    config: withoutFilter(workspace, dir),
    args: ["/usr/bin/unshare", "-Urm", "/bin/sh", "-c", script],
  });
  assertEquals([code, stdout], [0, "own mounts work\n"]);
  assertEquals(await describeTree(dir), before);
});

test("SYS_ADMIN goes with no host root, in a user namespace or not", async (workspace) => {
  const map = [{ containerId: 0, hostId: 100_000, size: 65536 }];
  const config = withoutFilter(workspace);
  const capable: Config = { ...config, capabilities: ["SYS_ADMIN"] };
  const configs: Config[] = [capable, {
    ...capable,
    namespaces: [...config.namespaces, { type: "NEWUSER" }],
    uidMappings: map,
    gidMappings: map,
  }];
  for (const each of configs) {
    const error = await InProcess.start(workspace, {
      config: each,
      args: ["/bin/true"],
    }).then(() => undefined, (reason) => reason);
    assert(error instanceof ConfigError && error.message.includes("SYS_ADMIN"));
  }
});

test("mounts cannot be changed by a program without rights", async (workspace) => {
  const dir = await openTree(workspace);
  const before = await describeTree(dir);
  const { code, stdout } = await runInProcess(workspace, {
    config: withoutFilter(workspace, dir),
    process: { user: "root" },
    args: `for d in / ${dir} /usr /proc /sys /dev; do
        mount -o remount,bind,rw $d && echo remounted $d
        umount -l $d && echo unmounted $d
        mount -t tmpfs x $d && echo covered $d
      done; chroot / /bin/true && echo chroot; exit 0`,
  });
  assertEquals([code, stdout], [0, ""]);
  assertEquals(await describeTree(dir), before);
});

const FILTERED = `
#include <sched.h>
#define TRY(call) \\
	do { errno = 0; long r = call; if (r != -1 || (errno != EPERM && errno != ENOSYS)) \\
		printf(#call ": %ld %d\\n", r, errno); } while (0)
int main(void)
{
	TRY(syscall(SYS_mount, "x", "/tmp", "tmpfs", 0, 0));
	TRY(syscall(SYS_umount2, "/tmp", 0));
	TRY(syscall(SYS_unshare, CLONE_NEWUSER));
	TRY(syscall(SYS_unshare, CLONE_NEWNET));
	TRY(syscall(SYS_setns, 0, 0));
	TRY(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
	TRY(syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0));
	TRY(syscall(435 /* clone3 */, 0, 0));
	TRY(syscall(SYS_keyctl, 0, -3, 0, 0, 0));
	TRY(syscall(SYS_add_key, "user", "a", "b", 1, -3));
	TRY(syscall(SYS_bpf, 0, 0, 0));
	TRY(syscall(SYS_perf_event_open, 0, 0, -1, -1, 0));
	TRY(syscall(425 /* io_uring_setup */, 1, 0));
	TRY(syscall(SYS_userfaultfd, 0));
	TRY(syscall(430 /* fsopen */, "tmpfs", 0));
	TRY(syscall(428 /* open_tree */, -100, "/usr", 1));
	TRY(syscall(442 /* mount_setattr */, -100, "/usr", 0, 0, 0));
	TRY(syscall(SYS_pivot_root, ".", "."));
	TRY(syscall(SYS_chroot, "/"));
	TRY(syscall(SYS_open_by_handle_at, -1, 0, 0));
	TRY(syscall(SYS_init_module, 0, 0, ""));
	TRY(syscall(SYS_syslog, 3, 0, 0));
	TRY(syscall(SYS_personality, 0x0400000));
	TRY(syscall(SYS_socket, 17 /* AF_PACKET */, 3, 0));
	TRY(syscall(SYS_socket, 38 /* AF_ALG */, 5, 0));
	TRY(syscall(SYS_socket, 40 /* AF_VSOCK */, 1, 0));
	TRY(syscall(SYS_socket, 0x100000028UL, 1, 0));
	TRY(syscall(0x40000000 | SYS_mount, "x", "/tmp", "tmpfs", 0, 0));
	puts("end");
	return 0;
}
`;

test("calls for the parts of the kernel that are root's are refused", async (workspace) => {
  const dir = await workspace.newDirectory();
  const payload = await compilePayload(`${dir}/calls`, FILTERED);
  const container = await emptyPlace(workspace);
  const { code, stdout } = await container.exec([
    ...["--host-root", "--host-path", dir, payload],
  ]);
  assertEquals([code, stdout], [0, "end\n"]);
});

test("other processes are neither seen nor reached", async (workspace) => {
  const container = await emptyPlace(workspace);
  const { stdout } = await container.exec([
    "--host-root",
    "/bin/sh",
    "-c",
    `kill -0 ${Deno.pid} 2> /dev/null && echo reached; ls -d /proc/[0-9]* |
      while read p; do cat $p/comm; done | grep -vE '^(sh|ls|grep|cat)$';
      kill -9 -1; exit 0`,
  ]);
  assertEquals(stdout, "");
});

test("what an attacker has left in the directory is not read", async (workspace) => {
  const canary = await Canary.create(workspace);
  const dir = await workspace.newDirectory();
  const rootfs = canary.dir;
  const text = JSON.stringify(workspace.config({ rootfs, capabilities: [] }));
  await Deno.writeTextFile(`${dir}/container.json`, text);
  await Deno.symlink(`${canary.dir}/file`, `${dir}/state.json`);
  const container = await workspace.containerIn(dir, undefined);
  const { code, stdout } = await container.exec([
    ...["--host-root", "/bin/sh", "-c", "id -u; test -e /file || echo none"],
  ]);
  assertEquals([code, stdout], [0, "65534\nnone\n"]);
  await canary.assertUntouched();
});

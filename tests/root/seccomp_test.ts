import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  ConfigError,
  Factory,
  KernelError,
  type SeccompHandler,
  type SeccompRequest,
} from "../../mod.ts";
import type {
  Config,
  Seccomp,
  SeccompAction,
  SeccompSyscall,
} from "../../lib/config/types.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import { readConfig } from "../support/in_process.ts";
import { waitFor } from "../support/nsinit.ts";
import { compilePayload } from "../support/payload.ts";

const test = containerTests("seccomp");
const isX86 = Deno.build.arch === "x86_64";

/**
 * `call [-32] NAME-OR-NUMBER [ARG...]`: makes a system call and prints its result
 * or its errno. Arguments are numbers, or texts after `@`.
 */
const CALL = `
#include <pthread.h>
static long parse(const char *text)
{
	return text[0] == '@' ? (long)(text + 1) : (long)strtoull(text, NULL, 0);
}
static long call32(long *n)
{
#if defined(__x86_64__)
	long r;
	__asm__ volatile("int $0x80" : "=a"(r)
		: "a"(n[0]), "b"(n[1]), "c"(n[2]), "d"(n[3])
		: "memory", "r8", "r9", "r10", "r11");
	return (int)r;
#else
	return -ENOSYS;
#endif
}
static void *in_thread(void *number)
{
	syscall((long)number, 0, 0);
	return NULL;
}
int main(int argc, char **argv)
{
	long n[7] = { 0 }, r;
	int at = 1, narrow = argc > 1 && !strcmp(argv[1], "-32");

	if (argc > 2 && !strcmp(argv[1], "-thread")) {
		pthread_t thread;
		pthread_create(&thread, NULL, in_thread, (void *)parse(argv[2]));
		pthread_join(thread, NULL);
		printf("main lives\\n");
		return 0;
	}
	at += narrow;
	for (int i = 0; at + i < argc && i < 7; i++)
		n[i] = parse(argv[at + i]);
	r = narrow ? call32(n) : syscall(n[0], n[1], n[2], n[3], n[4], n[5], n[6]);
	if (!narrow && r < 0)
		r = -errno;
	printf("%ld\\n", r);
	fflush(stdout);
	return 0;
}
`;

const SYS = isX86
  ? {
    getpriority: 140,
    mkdir: 83,
    mkdirat: 258,
    getuid: 102,
    openat: 257,
    sendmsg: 46,
    personality: 135,
  }
  : {
    getpriority: 141,
    mkdir: 1030,
    mkdirat: 34,
    getuid: 174,
    openat: 56,
    sendmsg: 211,
    personality: 92,
  };

function filter(members: Partial<Seccomp>): Seccomp {
  return {
    defaultAction: "SCMP_ACT_ALLOW",
    architectures: [],
    syscalls: [],
    ...members,
  };
}

function rule(
  name: string,
  action: SeccompAction,
  members: Partial<SeccompSyscall> = {},
): SeccompSyscall {
  return { name, action, args: [], ...members };
}

let payload: string | undefined;

async function configWith(
  workspace: Workspace,
  seccomp: Seccomp,
  members: Partial<Config> = {},
): Promise<Config> {
  payload ??= await compilePayload(`${workspace.dir}/call`, CALL);
  const config = await readConfig(workspace);
  const mount = {
    device: "bind",
    source: workspace.dir,
    destination: "/home",
    flags: 4096 | 16384 | 1,
    data: "",
    relabel: "",
  } as const;
  return {
    ...config,
    mounts: [...config.mounts, mount],
    seccomp,
    ...members,
  };
}

interface Run {
  readonly workspace: Workspace;
  readonly seccomp: Seccomp;
  readonly args: readonly (string | number)[];
  readonly notify?: SeccompHandler;
  readonly members?: Partial<Config>;
}

/** Runs `call` in a new container: its exit code and what it printed. */
async function call(
  { workspace, seccomp, args, notify, members }: Run,
): Promise<{ code: number; text: string }> {
  const config = await configWith(workspace, seccomp, members);
  const factory = new Factory(workspace.stateRoot);
  await using container = await factory.create(workspace.newName(), config);
  await using process = await container.start({
    args: ["/home/call", ...args.map(String)],
    stdout: "piped",
    stderr: "inherit",
    ...notify && { seccompNotify: notify },
  });
  const { code, stdout } = await process.output();
  return { code, text: new TextDecoder().decode(stdout).trim() };
}

test("each action does what it says", async (workspace) => {
  const number = SYS.getpriority;
  const rows: [SeccompAction, Partial<SeccompSyscall>, number, string][] = [
    ["SCMP_ACT_ALLOW", {}, 0, "20"],
    ["SCMP_ACT_LOG", {}, 0, "20"],
    ["SCMP_ACT_ERRNO", {}, 0, "-1"],
    ["SCMP_ACT_ERRNO", { errnoRet: 0 }, 0, "0"],
    ["SCMP_ACT_ERRNO", { errnoRet: 4094 }, 0, "-4094"],
    // Nobody traces: the call is not there.
    ["SCMP_ACT_TRACE", { errnoRet: 5 }, 0, "-38"],
    ["SCMP_ACT_TRAP", {}, 128 + 31, ""],
    ["SCMP_ACT_KILL", {}, 128 + 31, ""],
    ["SCMP_ACT_KILL_THREAD", {}, 128 + 31, ""],
    ["SCMP_ACT_KILL_PROCESS", {}, 128 + 31, ""],
  ];
  for (const [action, members, code, text] of rows) {
    const seccomp = filter({
      syscalls: [rule("getpriority", action, members)],
    });
    const result = await call({ workspace, seccomp, args: [number, 0, 0] });
    assertEquals(result, { code, text }, action);
  }
});

test("a filter kills one thread, or the whole process", async (workspace) => {
  const args = ["-thread", SYS.getpriority];
  const thread = filter({
    syscalls: [rule("getpriority", "SCMP_ACT_KILL_THREAD")],
  });
  const lives = await call({ workspace, seccomp: thread, args });
  assertEquals(lives, { code: 0, text: "main lives" });
  const process = filter({
    syscalls: [rule("getpriority", "SCMP_ACT_KILL_PROCESS")],
  });
  const dies = await call({ workspace, seccomp: process, args });
  assertEquals(dies, { code: 159, text: "" });
});

test("the default has an errno of its own", async (workspace) => {
  const names = [
    "execve",
    "brk",
    "arch_prctl",
    "set_tid_address",
    "set_robust_list",
    "rseq",
    "prlimit64",
    "readlinkat",
    "readlink",
    "getrandom",
    "mprotect",
    "mmap",
    "munmap",
    "fstat",
    "newfstatat",
    "write",
    "exit_group",
    "uname",
  ];
  const seccomp = filter({
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 38,
    syscalls: names.map((name) => rule(name, "SCMP_ACT_ALLOW")),
    ignoreUnknown: true,
  });
  const args = [SYS.getpriority, 0, 0];
  assertEquals(await call({ workspace, seccomp, args }), {
    code: 0,
    text: "-38",
  });
});

test("conditions hold for real calls, several on one argument too", async (workspace) => {
  const seccomp = filter({
    syscalls: [rule("personality", "SCMP_ACT_ERRNO", {
      errnoRet: 7,
      args: [
        { index: 0, op: "SCMP_CMP_GE", value: 4, valueTwo: 0 },
        { index: 0, op: "SCMP_CMP_LT", value: 2n ** 32n + 8n, valueTwo: 0 },
        { index: 0, op: "SCMP_CMP_NE", value: 0xffffffff, valueTwo: 0 },
      ],
    })],
  });
  const rows = [
    ["0xffffffff", "0"],
    ["4", "-7"],
    ["0x100000007", "-7"],
    ["0x1ffffffff", "0"],
  ];
  for (const [value = "", text = ""] of rows) {
    const args = [SYS.personality, value];
    const result = await call({ workspace, seccomp, args });
    assertEquals(result, { code: 0, text }, value);
  }
});

test("flags reach the kernel", async (workspace) => {
  const seccomp = filter({
    flags: [
      "SECCOMP_FILTER_FLAG_TSYNC",
      "SECCOMP_FILTER_FLAG_LOG",
      "SECCOMP_FILTER_FLAG_SPEC_ALLOW",
    ],
    syscalls: [rule("getpriority", "SCMP_ACT_ERRNO")],
  });
  const args = [SYS.getpriority, 0, 0];
  assertEquals((await call({ workspace, seccomp, args })).text, "-1");
});

if (isX86) {
  test("32-bit calls are filtered as the others are", async (workspace) => {
    const seccomp = filter({
      syscalls: [rule("getpriority", "SCMP_ACT_ERRNO")],
    });
    const narrow = await call({ workspace, seccomp, args: ["-32", 96, 0, 0] });
    assertEquals(narrow, { code: 0, text: "-1" });
    const x32 = 0x40000000 + SYS.getpriority;
    const wide = await call({ workspace, seccomp, args: [x32, 0, 0] });
    assertEquals(wide, { code: 0, text: "-1" });
  });
}

const NOTIFY = filter({
  flags: ["SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV"],
  syscalls: ["mkdir", "mkdirat", "getuid", "openat"].map((name) =>
    rule(
      name,
      "SCMP_ACT_NOTIFY",
      name === "openat"
        ? {
          args: [{
            index: 2,
            op: "SCMP_CMP_EQ",
            value: 0o101 | 0o4000000,
            valueTwo: 0,
          }],
        }
        : {},
    )
  ),
});

test("a handler answers calls: value, error, and the call itself", async (workspace) => {
  const seen: SeccompRequest[] = [];
  const notify: SeccompHandler = (request) => {
    seen.push(request);
    if (request.name === "getuid") return { value: 1234 };
    const path = request.readText(request.args[1] ?? 0n);
    return path === "/tmp/yes" ? { continue: true } : { error: "EDQUOT" };
  };
  const run = { workspace, seccomp: NOTIFY, notify };
  const uid = await call({ ...run, args: [SYS.getuid] });
  assertEquals(uid, { code: 0, text: "1234" });
  const denied = await call({
    ...run,
    args: [SYS.mkdirat, -100, "@/tmp/no", 0o755],
  });
  assertEquals(denied, { code: 0, text: "-122" });
  const made = await call({
    ...run,
    args: [SYS.mkdirat, -100, "@/tmp/yes", 0o755],
  });
  assertEquals(made, { code: 0, text: "0" });
  assert((await Deno.stat(`${workspace.rootfs}/tmp/yes`)).isDirectory);
  await Deno.remove(`${workspace.rootfs}/tmp/yes`);
  assertEquals(seen.map(({ name }) => name), ["getuid", "mkdirat", "mkdirat"]);
  assert(seen.every(({ pid }) => pid > 0));
  assertEquals(seen.map((request) => request.isAlive()), [false, false, false]);
});

test("a handler that takes its time holds up nobody else", async (workspace) => {
  const { promise, resolve } = Promise.withResolvers<void>();
  let count = 0;
  const notify: SeccompHandler = async () => {
    if (count++ === 0) await promise;
    else resolve();
    return { value: 7 };
  };
  const run = { workspace, seccomp: NOTIFY, notify, args: [SYS.getuid] };
  const both = await Promise.all([call(run), call(run)]);
  assertEquals(both.map(({ text }) => text), ["7", "7"]);
});

test("a handler that throws makes the call fail, and is reported", async (workspace) => {
  const errors: unknown[] = [];
  const onError = (event: ErrorEvent) => {
    event.preventDefault();
    errors.push(event.error);
  };
  addEventListener("error", onError);
  try {
    const run = { workspace, seccomp: NOTIFY, args: [SYS.getuid] };
    const thrown = new Error("broken handler");
    const notify = () => Promise.reject(thrown);
    assertEquals((await call({ ...run, notify })).text, "-5");
    const wrong = () => ({ error: "ENOSUCH" });
    assertEquals((await call({ ...run, notify: wrong })).text, "-5");
    assertEquals(errors.length, 2);
    assertEquals(errors[0], thrown);
  } finally {
    removeEventListener("error", onError);
  }
});

test("a handler gives descriptors", async (workspace) => {
  const path = await Deno.makeTempFile({ dir: workspace.dir });
  await Deno.writeTextFile(path, "from outside\n");
  using _file = await Deno.open(path);
  const fd = descriptorOf(path);
  const numbers: number[] = [];
  const notify: SeccompHandler = (request) => {
    numbers.push(request.addFd(fd, { number: 77 }));
    return { fd };
  };
  const result = await call({
    workspace,
    seccomp: NOTIFY,
    notify,
    args: [SYS.openat, -100, "@/nowhere", 0o101 | 0o4000000],
  });
  assertEquals([numbers, result], [[77], { code: 0, text: "3" }]);
});

/** Number of our own descriptor of a file. */
function descriptorOf(path: string): number {
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      if (Deno.readLinkSync(`/proc/self/fd/${name}`) === path) {
        return Number(name);
      }
    } catch (error) {
      // The directory's own is gone.
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  throw new Error(`${path} is not open`);
}

test("a thread that dies while it waits is no error", async (workspace) => {
  const config = await configWith(workspace, NOTIFY);
  const factory = new Factory(workspace.stateRoot);
  await using container = await factory.create(workspace.newName(), config);
  const { promise, resolve } = Promise.withResolvers<SeccompRequest>();
  const { promise: gone, resolve: answer } = Promise.withResolvers<void>();
  await using process = await container.start({
    args: ["/home/call", `${SYS.getuid}`],
    seccompNotify: async (request) => {
      resolve(request);
      await gone;
      request.readMemory(request.instructionPointer, 1);
      return { value: 0 };
    },
  });
  const request = await promise;
  assert(request.isAlive());
  await process.kill("SIGKILL");
  assertEquals((await process.status).signal, "SIGKILL");
  await waitFor("the end of the request", () => !request.isAlive());
  answer();
});

test("processes that join are asked about too, by handlers of their own", async (workspace) => {
  const config = await configWith(workspace, NOTIFY);
  const factory = new Factory(workspace.stateRoot);
  await using container = await factory.create(workspace.newName(), config);
  await using first = await container.start({
    args: ["/bin/sleep", "60"],
    seccompNotify: () => ({ value: 1 }),
  });
  assert(first.pid > 0);
  await using joined = await container.start({
    args: ["/home/call", `${SYS.getuid}`],
    stdout: "piped",
    seccompNotify: () => ({ value: 2 }),
  });
  const { stdout } = await joined.output();
  assertEquals(new TextDecoder().decode(stdout), "2\n");
});

test("whatever the filter refuses, its listener is handed over", async (workspace) => {
  const seccomp = filter({
    syscalls: [
      rule("getuid", "SCMP_ACT_NOTIFY"),
      ...["sendmsg", "sendmmsg", "sendto", "close", "seccomp", "prctl"]
        .map((name) => rule(name, "SCMP_ACT_KILL_PROCESS")),
      rule("execve", "SCMP_ACT_NOTIFY"),
      rule("write", "SCMP_ACT_NOTIFY"),
    ],
  });
  const names: (string | undefined)[] = [];
  const notify: SeccompHandler = ({ name }) => {
    names.push(name);
    return name === "getuid" ? { value: 5 } : { continue: true };
  };
  const args = [SYS.getuid];
  const result = await call({ workspace, seccomp, notify, args });
  assertEquals(result, { code: 0, text: "5" });
  assertEquals(names, ["execve", "getuid", "write"]);
  const sends = filter({ syscalls: [rule("sendmsg", "SCMP_ACT_NOTIFY")] });
  const asked = await call({
    workspace,
    seccomp: sends,
    notify: () => ({ value: 9 }),
    args: [SYS.sendmsg, 0, 0, 0],
  });
  assertEquals(asked, { code: 0, text: "9" });
});

test("a filter without no_new_privs asks too", async (workspace) => {
  const names: (string | undefined)[] = [];
  const result = await call({
    workspace,
    seccomp: NOTIFY,
    members: { noNewPrivileges: false },
    notify: ({ name }) => {
      names.push(name);
      return { value: 3 };
    },
    args: [SYS.getuid],
  });
  assertEquals([result.text, names], ["3", ["getuid"]]);
});

test("nobody to ask is refused", async (workspace) => {
  const args = [SYS.getuid];
  await assertRejects(
    () => call({ workspace, seccomp: NOTIFY, args }),
    ConfigError,
    "nobody listens",
  );
  const listenerPath = `${workspace.dir}/nobody.sock`;
  const error = await assertRejects(
    () => call({ workspace, seccomp: { ...NOTIFY, listenerPath }, args }),
    KernelError,
    "listenerPath",
  );
  assertEquals(error.errnoName, "ENOENT");
});

/** An agent: takes one listener, prints what came with it, answers with 42. */
const AGENT = `
#include <linux/seccomp.h>
#include <sys/socket.h>
#include <sys/un.h>
int main(int argc, char **argv)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int server = socket(AF_UNIX, SOCK_STREAM, 0), fd = -1, length = 0, r;
	char text[4096], control[CMSG_SPACE(sizeof(int))];

	strcpy(address.sun_path, argv[1]);
	if (bind(server, (void *)&address, sizeof(address)) || listen(server, 5))
		return 1;
	puts("listening");
	fflush(stdout);
	for (int i = 0; i < 2; i++) {
		int peer = accept(server, NULL, NULL);
		struct iovec iov = { text, sizeof(text) };
		struct msghdr message = { .msg_iov = &iov, .msg_iovlen = 1,
			.msg_control = control, .msg_controllen = sizeof(control) };

		length = recvmsg(peer, &message, 0);
		fd = *(int *)CMSG_DATA(CMSG_FIRSTHDR(&message));
		while ((r = read(peer, text + length, sizeof(text) - length)) > 0)
			length += r;
		printf("%.*s\\n", length, text);
		fflush(stdout);
		struct seccomp_notif request = { 0 };
		if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &request))
			return 2;
		struct seccomp_notif_resp answer = { .id = request.id, .val = 42 };
		if (ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &answer))
			return 3;
	}
	return 0;
}
`;

test("the listener goes to who listens at listenerPath, for joined processes too", async (workspace) => {
  const agent = await compilePayload(`${workspace.dir}/agent`, AGENT);
  const listenerPath = `${workspace.dir}/agent.sock`;
  await using running = new Deno.Command(agent, {
    args: [listenerPath],
    stdout: "piped",
  }).spawn();
  await waitFor("the agent", () => {
    try {
      return Deno.statSync(listenerPath).isSocket;
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return false;
      throw error;
    }
  });
  const seccomp = { ...NOTIFY, listenerPath, listenerMetadata: "who" };
  const config = await configWith(workspace, seccomp, { labels: ["a=b"] });
  const factory = new Factory(workspace.stateRoot);
  const id = workspace.newName();
  await using container = await factory.create(id, config);
  await using first = await container.start({
    args: ["/home/call", `${SYS.getuid}`],
    stdout: "piped",
  });
  const { stdout } = await first.output();
  assertEquals(new TextDecoder().decode(stdout), "42\n");
  const again = await container.start({
    args: ["/home/call", `${SYS.getuid}`],
    stdout: "piped",
  });
  assertEquals((await again.output()).code, 0);
  const output = await running.output();
  assertEquals(output.code, 0);
  const [, line = ""] = new TextDecoder().decode(output.stdout).split("\n");
  const told = JSON.parse(line);
  assertEquals(told.fds, ["seccompFd"]);
  assertEquals(told.metadata, "who");
  assertEquals(told.pid, first.pid);
  assertEquals(told.state.id, id);
  assertEquals(told.state.status, "creating");
  assertEquals(told.state.annotations, { a: "b" });
});

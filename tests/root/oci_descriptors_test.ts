/** What engines hand over to nsinit-oci, and what they get: terminals, descriptors, pids. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { containerTests, type Workspace } from "../support/containers.ts";
import {
  REPOSITORY,
  runProgram,
  type RunResult,
  waitFor,
} from "../support/nsinit.ts";
import { OciBundle } from "../support/oci_program.ts";

const test = containerTests("ocifds");

/** Takes one message at a unix socket, and says what came with it. */
const RECEIVER = `
import array, os, socket, sys
path, wanted = sys.argv[1], sys.argv[2]
server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
server.bind(path)
server.listen(1)
print("ready", flush=True)
server.settimeout(60)
client, _ = server.accept()
data, control, _, _ = client.recvmsg(4096, socket.CMSG_SPACE(64))
rest = client.recv(100)
fds = array.array("i")
for level, kind, payload in control:
    fds.frombytes(payload)
print(len(fds), os.readlink("/proc/self/fd/%d" % fds[0]), len(rest), flush=True)
if wanted == "read":
    text = b""
    while b"done" not in text:
        text += os.read(fds[0], 1000)
    sys.stdout.write(text.decode())
elif wanted == "pid":
    for line in open("/proc/self/fdinfo/%d" % fds[0]):
        if line.startswith("Pid:"):
            print(line.split()[1])
`;

interface Receiver extends AsyncDisposable {
  readonly path: string;
  /** All it has said, at its end. */
  readonly output: () => Promise<string>;
}

async function receive(
  workspace: Workspace,
  wanted: "read" | "pid" | "nothing",
  directory?: string,
): Promise<Receiver> {
  const path = `${directory ?? await workspace.newDirectory()}/s`;
  // A long path is bound by its directory.
  const child = new Deno.Command("python3", {
    args: ["-c", RECEIVER, "s", wanted],
    cwd: path.slice(0, -2),
    stdout: "piped",
    stdin: "null",
  }).spawn();
  const status = child.status;
  await waitFor(
    "the socket",
    () => Deno.lstat(path).then(() => true, () => false),
  );
  return {
    path,
    output: async () => {
      const chunks: string[] = [];
      const decoder = new TextDecoderStream();
      for await (const chunk of child.stdout.pipeThrough(decoder)) {
        chunks.push(chunk);
      }
      await status;
      return chunks.join("");
    },
    async [Symbol.asyncDispose](): Promise<void> {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended by itself.
      }
      if (!child.stdout.locked) await child.stdout.cancel();
      await status;
    },
  };
}

/** Runs a shell script in which `$OCI` is the program. */
async function shell(
  workspace: Workspace,
  bundle: OciBundle,
  script: string,
  env: Readonly<Record<string, string>> = {},
): Promise<RunResult> {
  const program =
    `${Deno.execPath()} run -A --no-check --no-lock ${REPOSITORY}/oci.ts --root ${workspace.stateRoot}`;
  return await runProgram(["sh", "-c", script], {
    cwd: bundle.dir,
    env: { OCI: program, ID: bundle.id, ...env },
    timeoutMs: 60_000,
  });
}

const PTY_SCRIPT = "tty; stty size; test -c /dev/console && echo console; " +
  "ls -l /proc/self/fd | grep -v pts; exec 9<>/dev/tty && echo control; echo done; sleep 600";

test("the terminal goes to the console socket, in one message, with its size", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: {
      args: ["/bin/sh", "-c", PTY_SCRIPT],
      terminal: true,
      consoleSize: { height: 33, width: 77 },
    },
  });
  for (const command of ["create", "run"] as const) {
    await using receiver = await receive(workspace, "read");
    const options = ["--console-socket", receiver.path, bundle.id];
    if (command === "create") {
      await bundle.spawn(["create", ...options]);
      await bundle.must(["start", bundle.id]);
    } else await bundle.spawn(["run", "--detach", ...options]);
    const said = await receiver.output();
    assertStringIncludes(said, "1 /dev/pts/ptmx 0\n");
    assertStringIncludes(said, "/dev/pts/0\r\n");
    assertStringIncludes(said, "console\r\n");
    assertStringIncludes(said, "control\r\n");
    assertStringIncludes(said, "33 77\r\n");
    await bundle.must(["delete", "--force", bundle.id]);
  }
});

test("exec sends a terminal of its own, also over a path that is too long for a socket", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  await bundle.start();
  const long = `${await workspace.newDirectory()}/${"x".repeat(120)}`;
  await Deno.mkdir(long);
  await using receiver = await receive(workspace, "read", long);
  await bundle.spawn(
    [
      "exec",
      "--detach",
      "--tty",
      ...["--console-socket", receiver.path],
      ...["--pid-file", `${bundle.dir}/pid`],
      bundle.id,
      ...["/bin/sh", "-c", "tty; echo done"],
    ],
  );
  assertStringIncludes(await receiver.output(), "/dev/pts/0\r\ndone");
  // It is the child of whoever collects orphans here, who may take his time.
  const pid = await Deno.readTextFile(`${bundle.dir}/pid`);
  const isGone = (): Promise<boolean> =>
    Deno.lstat(`/proc/${pid}`).then(() => false, () => true);
  await waitFor("its end", isGone, 60_000);
});

test("a console socket that nobody can use fails, and nothing is left", async (workspace) => {
  const terminal = { process: { args: ["/bin/true"], terminal: true } };
  await using bundle = await OciBundle.make(workspace, terminal);
  const { id } = bundle;
  const refusals = [
    [["create", id], "cannot allocate tty if runc will detach"],
    [["run", "--detach", id], "cannot allocate tty if runc will detach"],
    [["create", "--console-socket", "/nowhere", id], "/nowhere"],
    [["run", "--console-socket", "/nowhere", id], "cannot use console socket"],
  ] as const;
  for (const [args, words] of refusals) {
    const { code, stderr } = await bundle.oci(args);
    assertEquals([args, code], [args, 1]);
    assertStringIncludes(stderr, words);
    assertEquals((await bundle.oci(["state", id])).code, 1);
  }
  await bundle.write({});
  const { code, stderr } = await bundle.oci(
    ["create", "--console-socket", "/nowhere", id],
  );
  assertEquals(code, 1);
  assertStringIncludes(stderr, "cannot use console socket");
});

test("the pidfd socket gets the first process, and that of an exec its own", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  await using receiver = await receive(workspace, "pid");
  await bundle.spawn(
    ["create", "--pidfd-socket", receiver.path, bundle.id],
  );
  const { pid } = JSON.parse(await bundle.must(["state", bundle.id]));
  const lines = (await receiver.output()).trim().split("\n");
  assertEquals(Number(lines.at(-1)), pid);
  assertStringIncludes(lines.at(-2) ?? "", "pidfd");
});

test("--preserve-fds hands on what was open, under the same numbers, and nothing else", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: {
      args: [
        "/bin/sh",
        "-c",
        "cat <&3; cat <&4; for fd in 5 6 7 8 9; do test -e /proc/$$/fd/$fd && echo $fd leaked; done; true",
      ],
    },
  });
  await Deno.writeTextFile(`${bundle.dir}/a`, "from 3\n");
  await Deno.writeTextFile(`${bundle.dir}/b`, "from 4\n");
  const run = await shell(
    workspace,
    bundle,
    "exec 3<a 4<b 5<a 6<b 8</ 9<a; $OCI run --preserve-fds 2 $ID",
  );
  assertEquals(run, { ...run, code: 0, stdout: "from 3\nfrom 4\n" });
});

test("--preserve-fds passes over a number that the caller has not opened", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: {
      args: [
        "/bin/sh",
        "-c",
        "ls -l /proc/$$/fd; true",
      ],
    },
  });
  // The program's own descriptors have those numbers by then.
  const rows = [
    ["exec 3</etc/passwd 4<&- 5<&-", ["3 -> /etc/passwd"]],
    ["exec 3<&- 4</etc/passwd 5<&-", ["3 -> /dev/null", "4 -> /etc/passwd"]],
    ["exec 3<&- 4<&- 5<&-", []],
  ] as const;
  for (const [prepare, wanted] of rows) {
    const { code, stdout } = await shell(
      workspace,
      bundle,
      `${prepare}; $OCI run --preserve-fds 3 $ID`,
    );
    const passed = stdout.split("\n")
      .map((line) => line.replace(/^.* (\d+ -> )/, "$1"))
      .filter((line) => /^[3-9]|^\d\d/.test(line));
    assertEquals([code, passed], [0, [...wanted]], stdout);
  }
});

test("a socket of a service manager that is not open is refused", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: { args: ["/bin/true"] },
  });
  const { code, stderr } = await shell(
    workspace,
    bundle,
    "exec 3</dev/null 4<&-; export LISTEN_FDS=2 LISTEN_PID=$$; exec $OCI run $ID",
  );
  assertEquals(code, 1);
  assertStringIncludes(stderr, "4 is not open");
});

test("without --preserve-fds nothing of the caller's is handed on", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: { args: ["/bin/sh", "-c", "ls /proc/$$/fd; true"] },
  });
  const { code, stdout } = await shell(
    workspace,
    bundle,
    "exec 3</ 4<. 7</etc/shadow; $OCI run $ID",
  );
  assertEquals([code, stdout], [0, "0\n1\n2\n"]);
});

test("sockets of a service manager come first, and are the program's", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: {
      args: [
        "/bin/sh",
        "-c",
        "echo $LISTEN_FDS $LISTEN_PID; cat <&3; test -e /proc/$$/fd/4 && cat <&4; true",
      ],
    },
  });
  await Deno.writeTextFile(`${bundle.dir}/a`, "first\n");
  await Deno.writeTextFile(`${bundle.dir}/b`, "second\n");
  const both = await shell(
    workspace,
    bundle,
    "exec 3<a 4<b; export LISTEN_FDS=1 LISTEN_PID=$$; exec $OCI run --preserve-fds 1 $ID",
  );
  assertEquals([both.code, both.stdout], [0, "1 1\nfirst\nsecond\n"]);
  await bundle.write({
    process: {
      args: ["/bin/sh", "-c", "echo [$LISTEN_FDS]; ls /proc/$$/fd; true"],
    },
  });
  const foreign = await shell(
    workspace,
    bundle,
    "exec 3<a; export LISTEN_FDS=1 LISTEN_PID=1; exec $OCI run $ID",
  );
  assertEquals([foreign.code, foreign.stdout], [0, "[]\n0\n1\n2\n"]);
});

test("sockets of LISTEN_FDS alone are handed on as far as they are open", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: {
      args: [
        "/bin/sh",
        "-c",
        "echo $LISTEN_FDS $LISTEN_PID; ls /proc/$$/fd; true",
      ],
    },
  });
  const rows = [
    ["exec 3<&-", "1 1\n0\n1\n2\n"],
    ["exec 3</dev/null", "1 1\n0\n1\n2\n3\n"],
  ] as const;
  for (const [prepare, wanted] of rows) {
    const { code, stdout } = await shell(
      workspace,
      bundle,
      `${prepare}; unset LISTEN_PID; export LISTEN_FDS=1; exec $OCI run $ID`,
    );
    assertEquals([code, stdout], [0, wanted]);
  }
});

test("the pid file has the pid alone, and no link in its place is followed", async (workspace) => {
  await using bundle = await OciBundle.make(workspace);
  const dir = await workspace.newDirectory();
  await Deno.writeTextFile(`${dir}/victim`, "precious");
  await Deno.symlink(`${dir}/victim`, `${dir}/pid`);
  await bundle.spawn(["create", "--pid-file", `${dir}/pid`, bundle.id]);
  const { pid } = JSON.parse(await bundle.must(["state", bundle.id]));
  assertEquals(await Deno.readTextFile(`${dir}/pid`), String(pid));
  assert(!(await Deno.lstat(`${dir}/pid`)).isSymlink);
  assertEquals(await Deno.readTextFile(`${dir}/victim`), "precious");
  await bundle.must(["delete", bundle.id]);
  const { code } = await bundle.oci(
    ["create", "--pid-file", `${dir}/none/pid`, bundle.id],
  );
  assertEquals(code, 1);
  assertEquals((await bundle.oci(["state", bundle.id])).code, 1);
});

test("who made a container holds none of its streams open", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: { args: ["/bin/sh", "-c", "echo out; echo err >&2"] },
  });
  // The end of the pipe comes with the end of the container.
  const { code, stdout } = await shell(
    workspace,
    bundle,
    "(($OCI create $ID && $OCI start $ID) 2>&1; echo ended) | cat; $OCI delete --force $ID",
  );
  assertEquals(code, 0);
  assertEquals(stdout.split("\n").sort().join(" ").trim(), "ended err out");
});

/** A service manager that takes three datagrams and lets the last one's descriptor go. */
const MANAGER = `
import array, os, socket, sys
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
manager.settimeout(60)
for _ in range(3):
    data, control, _, _ = manager.recvmsg(1000, socket.CMSG_SPACE(16))
    print(data.decode(), len(control), flush=True)
    for _, _, payload in control:
        fds = array.array("i")
        fds.frombytes(payload)
        os.close(fds[0])
`;
/** Tells that it is ready from the network namespace of the host, as a program of ours has no tool for it. */
const TELL = `
import socket, sys
teller = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
teller.sendto(b"STATUS=warming up", sys.argv[1])
teller.sendto(b"STATUS=up\\nREADY=1\\n", sys.argv[1])
`;

test("that the program is ready is passed on to a service manager", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: { args: ["/bin/sh", "-c", "exec sleep 600"] },
  });
  await Deno.mkdir(`${bundle.rootfs}/run`, { recursive: true });
  const path = `${await workspace.newDirectory()}/manager`;
  const manager = new Deno.Command("python3", {
    args: ["-c", MANAGER, path],
    stdout: "piped",
  }).spawn();
  const told = manager.output();
  await waitFor(
    "the manager",
    () => Deno.lstat(path).then(() => true, () => false),
  );
  const env = { NOTIFY_SOCKET: path };
  const created = await shell(
    workspace,
    bundle,
    "$OCI create $ID > log 2>&1",
    env,
  );
  assertEquals(created.code, 0);
  const { pid } = JSON.parse(await bundle.must(["state", bundle.id]));
  const start = shell(workspace, bundle, "$OCI start $ID", env);
  const socket = `/proc/${pid}/root/run/notify/notify.sock`;
  await waitFor(
    "the socket",
    () => Deno.lstat(socket).then(() => true, () => false),
  );
  const tell = await runProgram(["python3", "-c", TELL, socket]);
  assertEquals(tell, { ...tell, code: 0, stderr: "" });
  const started = await start;
  assertEquals([started.code, started.stderr], [0, ""]);
  const lines = new TextDecoder().decode((await told).stdout);
  assertEquals(lines, `READY=1 0\nMAINPID=${pid} 0\nBARRIER=1 1\n`);
});

test("start does not wait for a program that ends without being ready", async (workspace) => {
  await using bundle = await OciBundle.make(workspace, {
    process: { args: ["/bin/true"] },
  });
  const env = { NOTIFY_SOCKET: "@nsinit-test-nobody" };
  const script = "$OCI create $ID > log 2>&1; $OCI start $ID";
  const { code, stderr } = await shell(workspace, bundle, script, env);
  assertEquals([code, stderr], [0, ""]);
});

/** Containers of an OCI config.json, read back from the kernel. */
import {
  assert,
  assertEquals,
  assertInstanceOf,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { closeFd, waitPidfd } from "../../ffi/native.ts";
import { formatJson } from "../../lib/config/format.ts";
import type { JsonObject } from "../../lib/config/json.ts";
import { parseConfig } from "../../lib/config/parse.ts";
import type { Config } from "../../lib/config/types.ts";
import { joinContainer } from "../../lib/container/join.ts";
import { lookAt } from "../../lib/container/look_at.ts";
import { ConfigError, HostError, KernelError } from "../../lib/errors.ts";
import { makeSpec } from "../../lib/oci/spec.ts";
import { containerTests, type Workspace } from "../support/containers.ts";
import {
  attachToFiles,
  InProcess,
  processRequest,
  runInProcess,
} from "../support/in_process.ts";
import { nsinit } from "../support/nsinit.ts";
import {
  type OciChanges,
  ociConfig,
  type OciJson,
  ociNamespaces,
  ociText,
} from "../support/oci.ts";
import { makeTestRootfs } from "../support/rootfs.ts";

const test = containerTests("oci");

/** Output of a script in a new container; it must succeed. */
async function output(
  workspace: Workspace,
  script: string,
  changes: OciChanges = {},
): Promise<string> {
  const config = await ociConfig(workspace, changes);
  const ended = await runInProcess(workspace, { config, args: script });
  assertEquals([ended.code, ended.stderr], [0, ""], ended.stdout);
  return ended.stdout;
}

test("exec runs the process of a config.json, and joins with its environment", async (workspace) => {
  const bundle = await workspace.newDirectory();
  await makeTestRootfs(`${bundle}/rootfs`);
  const text = ociText(workspace, {
    root: { path: "rootfs", readonly: true },
    process: {
      args: ["/bin/sh", "-c", "echo $A $(pwd) $(id -u):$(id -g) $(id -G)"],
      env: ["PATH=/bin:/usr/bin", "A=b"],
      cwd: "/made/here",
      user: { uid: 5, gid: 6, additionalGids: [7] },
    },
  });
  await Deno.writeTextFile(`${bundle}/config.json`, text);
  const dir = await workspace.newDirectory();
  const args = ["exec", "--config", `${bundle}/config.json`];
  const first = await workspace.nsinit(args, { cwd: dir });
  assertEquals([first.code, first.stdout], [0, "b /made/here 5:6 6 7\n"]);
  const named = await workspace.nsinit([...args, "/bin/hostname"], {
    cwd: dir,
  });
  assertEquals([named.code, named.stdout], [0, "oci\n"]);
  const explained = await nsinit(["explain", "--config", args[2] ?? ""], {
    cwd: dir,
  });
  assertEquals(explained.code, 0);
  assertStringIncludes(explained.stdout, "make the directory /made/here");
});

test("a config.json without what a start needs is refused", async (workspace) => {
  const cases: readonly (readonly [OciChanges, string])[] = [
    [{ linux: { intelRdt: { closID: "a" } } }, "intelRdt"],
    [{
      linux: {
        namespaces: ociNamespaces("mount", "pid", "uts"),
        netDevices: { eth0: {} },
      },
    }, "netDevices"],
  ];
  for (const [changes, words] of cases) {
    const config = await ociConfig(workspace, changes);
    const error = await assertRejects(() =>
      runInProcess(workspace, { config, args: ["/bin/true"] })
    );
    assert(error instanceof ConfigError || error instanceof HostError);
    assertStringIncludes(error.message, words);
  }
  const foreign: Config = {
    ...await ociConfig(workspace),
    platform: "freebsd",
  };
  await assertRejects(
    () => runInProcess(workspace, { config: foreign, args: ["/bin/true"] }),
    ConfigError,
    "freebsd",
  );
});

test("nodes, links and rules of devices are those of every OCI runtime", async (workspace) => {
  const script = "ls /dev | tr '\\n' ' '; echo x >/dev/null; " +
    "mknod /tmp/fuse c 10 229 && rm /tmp/fuse; " +
    "(echo >/dev/full) 2>&1 | grep -c space; " +
    "mknod /dev/sda b 8 0 && (cat /dev/sda 2>&1 | tail -n 1)";
  const capabilities = ["CAP_MKNOD", "CAP_DAC_OVERRIDE"];
  const text = await output(workspace, script, {
    process: {
      capabilities: {
        bounding: capabilities,
        effective: capabilities,
        permitted: capabilities,
      },
    },
    linux: { resources: { devices: [{ allow: false, access: "rwm" }] } },
  });
  // Some kernels have no memory of theirs to show.
  const core = lookAt("/proc/kcore") ? "core " : "";
  assertEquals(
    text,
    `${core}fd full null ptmx pts random stderr stdin stdout tty urandom zero 1\n` +
      "cat: can't open '/dev/sda': Operation not permitted\n",
  );
});

/** Output of a joined process in a container of a script that waits. */
async function joinedOutput(
  workspace: Workspace,
  config: Config,
  script: string,
): Promise<[string, string]> {
  await using container = await InProcess.start(workspace, {
    config,
    args: `${script}; echo done; sleep 100`,
  });
  await container.waitForOutput("done\n");
  const outputs = await workspace.newDirectory();
  const run = await joinContainer(
    container.state,
    processRequest(script),
    attachToFiles(outputs),
  );
  const pidfd = run.takePidfd();
  assertEquals(waitPidfd(pidfd).code, 0);
  closeFd(pidfd);
  run.close();
  const joined = await Deno.readTextFile(`${outputs}/out`);
  return [container.stdout.replace("done\n", ""), joined];
}

test("execCPUAffinity holds for joined processes alone", async (workspace) => {
  const config = await ociConfig(workspace, {
    process: { execCPUAffinity: { initial: "0", final: "0" } },
  });
  const script = "grep Cpus_allowed_list /proc/self/status";
  const plain = await output(workspace, script);
  const [first, joined] = await joinedOutput(workspace, config, script);
  assertEquals(first, plain);
  assertEquals(joined, "Cpus_allowed_list:\t0\n");
});

test("the memory policy is that of every process inside", async (workspace) => {
  const config = await ociConfig(workspace, {
    linux: { memoryPolicy: { mode: "MPOL_BIND", nodes: "0" } },
  });
  const script = "grep -m1 -o 'bind:0' /proc/self/numa_maps";
  assertEquals(await joinedOutput(workspace, config, script), [
    "bind:0\n",
    "bind:0\n",
  ]);
  const flagged = await output(workspace, "head -n1 /proc/self/numa_maps", {
    linux: {
      memoryPolicy: {
        mode: "MPOL_INTERLEAVE",
        nodes: "0",
        flags: ["MPOL_F_STATIC_NODES"],
      },
    },
  });
  assertStringIncludes(flagged, "interleave=static:0");
});

test("nodes of memory that are not there are told", async (workspace) => {
  const config = await ociConfig(workspace, {
    linux: { memoryPolicy: { mode: "MPOL_BIND", nodes: "1000" } },
  });
  const error = await assertRejects(() =>
    runInProcess(workspace, { config, args: ["/bin/true"] })
  );
  assertInstanceOf(error, KernelError);
  assertStringIncludes(error.message, "set the memory policy");
});

test("domain name, masks and limits are those of the file", async (workspace) => {
  const script = "cat /proc/sys/kernel/domainname; umask; ulimit -n; " +
    "cat /proc/self/oom_score_adj; wc -c </proc/timer_list; " +
    "(echo x >/proc/sys/kernel/domainname) 2>&1 | grep -o Read-only";
  const text = await output(workspace, script, {
    process: {
      user: { umask: 0o027 },
      rlimits: [{ type: "RLIMIT_NOFILE", soft: 100, hard: 200 }],
      oomScoreAdj: 321,
    },
    rest: { domainname: "example.test" },
    linux: {
      maskedPaths: ["/proc/timer_list", "/nowhere"],
      readonlyPaths: ["/proc/sys", "/nowhere"],
    },
  });
  assertEquals(text, "example.test\n0027\n100\n321\n0\nRead-only\n");
});

test("the size of a terminal comes from the file when nobody has one", async (workspace) => {
  const config = await ociConfig(workspace, {
    process: {
      terminal: true,
      consoleSize: { height: 17, width: 71 },
      env: ["PATH=/bin:/usr/bin"],
    },
  });
  const { code, stdout } = await runInProcess(workspace, {
    config,
    args: "stty size <&0 >/tmp/size; true",
    process: { tty: true },
  });
  assertEquals([code, stdout], [0, ""]);
  const path = `${workspace.rootfs}/tmp/size`;
  assertEquals(await Deno.readTextFile(path), "17 71\n");
  await Deno.remove(path);
});

/** What a filter answers to mkdir of a name. */
async function mkdirUnder(
  workspace: Workspace,
  syscalls: OciJson[],
): Promise<string> {
  return await output(workspace, "mkdir /tmp/x 2>&1 | tail -n1", {
    process: { noNewPrivileges: true },
    linux: { seccomp: { defaultAction: "SCMP_ACT_ALLOW", syscalls } },
  });
}

test("a filter may name calls that nobody knows", async (workspace) => {
  const text = await mkdirUnder(workspace, [{
    names: ["mkdir", "mkdirat", "call_of_the_future"],
    action: "SCMP_ACT_ERRNO",
    errnoRet: 28,
  }]);
  assertStringIncludes(text, "No space left");
});

test("the configuration of a new bundle runs its program", async (workspace) => {
  const bundle = await workspace.newDirectory();
  await makeTestRootfs(`${bundle}/rootfs`);
  const { process, ...spec } = makeSpec();
  const text = formatJson({
    ...spec,
    process: { ...process as JsonObject, terminal: false },
  });
  const config = await parseConfig(text, { path: `${bundle}/config.json` });
  const { code, stdout } = await runInProcess(workspace, {
    config: {
      ...config,
      cgroups: {
        ...config.cgroups,
        name: workspace.newName(),
        parent: workspace.tag,
      },
    },
    args: "hostname; touch /x 2>&1 | grep -o Read-only; " +
      "grep -E 'NoNewPrivs|CapBnd' /proc/self/status",
  });
  assertEquals([code, stdout], [
    0,
    "runc\nRead-only\nCapBnd:\t0000000020000420\nNoNewPrivs:\t1\n",
  ]);
});

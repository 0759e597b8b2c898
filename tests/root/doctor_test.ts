/** What is said about this machine, and whether that is true. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { examineCriu } from "../../lib/doctor/criu.ts";
import { probeCall, probeNamespaces } from "../../ffi/probe.ts";
import { containerTests } from "../support/containers.ts";
import { testCriu } from "../support/criu.ts";
import { nsinit, type RunOptions, type RunResult } from "../support/nsinit.ts";
import { OrdinaryUser } from "../support/ordinary_user.ts";
import { writeProgram } from "../support/rootfs.ts";

const test = containerTests("doctor");
/** A slow machine looks at CRIU, systemd and the rest for a while. */
const TIMEOUT_MS = 120_000;

interface Finding {
  readonly topic: string;
  readonly name: string;
  readonly status: string;
  readonly message: string;
  readonly fix?: string;
  readonly fatal: boolean;
}

function findingsOf({ stdout, stderr }: RunResult): Finding[] {
  assertEquals(stderr, "");
  const { can_run, findings } = JSON.parse(stdout);
  const isFatal = findings.some(({ fatal }: Finding) => fatal);
  assertEquals(can_run, !isFatal);
  return findings;
}

function find(findings: readonly Finding[], name: string): Finding {
  const found = findings.find((each) => each.name === name);
  assert(found, name);
  return found;
}

async function doctor(options: RunOptions = {}): Promise<RunResult> {
  return await nsinit(["doctor", "--json"], {
    timeoutMs: TIMEOUT_MS,
    ...options,
  });
}

test("root is told what the machine has, and that containers run, rightly", async (workspace) => {
  const [result, words] = await Promise.all([
    doctor(),
    nsinit(["doctor"], { timeoutMs: TIMEOUT_MS }),
  ]);
  const findings = findingsOf(result);
  assertEquals(result.code, 0);
  assertEquals(findings.filter(({ fatal }) => fatal), []);
  for (const name of ["mnt", "pid", "uts", "ipc", "net"]) {
    assertEquals(find(findings, name).status, "ok", name);
  }
  const release = await Deno.readTextFile("/proc/sys/kernel/osrelease");
  assertStringIncludes(find(findings, "version").message, release.trim());
  const exists = (path: string): boolean => {
    try {
      Deno.statSync(path);
      return true;
    } catch {
      return false;
    }
  };
  const mounts = await Deno.readTextFile("/proc/self/mountinfo");
  const layout = find(findings, "layout").message;
  assertEquals(/version 1/.test(layout), / - cgroup /.test(mounts), layout);
  assertEquals(
    /version (1 and )?2/.test(layout),
    / - cgroup2 /.test(mounts),
    layout,
  );
  const cases: [name: string, path: string][] = [
    ["AppArmor", "/sys/kernel/security/apparmor/profiles"],
    ["SELinux", "/sys/fs/selinux/enforce"],
    ["driver", "/run/systemd/private"],
    ["time", "/proc/self/ns/time"],
  ];
  for (const [name, path] of cases) {
    const wanted = exists(path) ? "ok" : "missing";
    assertEquals(find(findings, name).status, wanted, name);
  }
  assertEquals([words.code, words.stderr], [0, ""]);
  assertMatch(words.stdout, /^ {2}ok {7}version {13}Linux /m);
  assertMatch(words.stdout, /\n\nContainers run here\.\n$/);
  const container = await workspace.container();
  assertEquals(await container.output("echo runs"), "runs\n");
});

test("a user is told what he gets, and gets it", async (workspace) => {
  const user = await OrdinaryUser.create(workspace);
  const result = await user.nsinit(["doctor", "--json"], {
    timeoutMs: TIMEOUT_MS,
  });
  const findings = findingsOf(result);
  assertEquals(result.code, 0);
  assertEquals(find(findings, "user").status, "ok");
  assertEquals(find(findings, "subuid").status, "limited");
  assertStringIncludes(find(findings, "subuid").fix ?? "", "usermod");
  assertEquals(find(findings, "delegation").status, "limited");
  assertEquals(find(findings, "overlay").status, "limited");
  const options = { cwd: user.rootfs };
  assertEquals(await user.output("id -u", options), "0\n");
}, { needs: ["user-namespaces"] });

test(
  "where a setting forbids namespaces the status says so, rightly",
  async (workspace) => {
    // In a user namespace of its own the setting concerns nobody else.
    const prefix = [
      "unshare",
      "--user",
      "--map-root-user",
      "--mount",
      "sh",
      "-c",
      'echo 0 > /proc/sys/user/max_pid_namespaces && exec "$@"',
      "sh",
    ];
    const result = await doctor({ prefix });
    const findings = findingsOf(result);
    assertEquals(result.code, 1);
    const { status, fatal, fix = "" } = find(findings, "pid");
    assertEquals([status, fatal], ["missing", true]);
    assertStringIncludes(fix, "sysctl user.max_pid_namespaces=15000");
    assertEquals(find(findings, "uts").status, "ok");
    const container = await workspace.container();
    const state = await workspace.newDirectory();
    const run = await nsinit(["--root", `${state}/s`, "exec", "/bin/true"], {
      prefix,
      cwd: container.dir,
    });
    assertEquals(run.code, 125, run.stderr);
  },
  { needs: ["user-namespaces"] },
);

test(
  "where a part of /proc is covered no new one can be mounted",
  async (workspace) => {
    // What the outer namespace has mounted is locked in the inner one.
    const covered = "mount -t tmpfs none /proc/bus && " +
      'exec unshare --user --map-root-user --mount "$@"';
    const prefix = ["unshare", "--mount", "sh", "-c", covered, "sh"];
    const result = await doctor({ prefix });
    assertEquals(result.code, 1);
    const { status, fatal } = find(findingsOf(result), "/proc");
    assertEquals([status, fatal], ["missing", true]);
    const container = await workspace.container();
    const state = await workspace.newDirectory();
    const run = await nsinit(["--root", `${state}/s`, "exec", "/bin/true"], {
      prefix,
      cwd: container.dir,
    });
    assertEquals(run.code, 125, run.stderr);
  },
  { needs: ["user-namespaces"] },
);

test("root without power over mounts is told that nothing runs", async () => {
  const prefix = [
    "setpriv",
    "--bounding-set=-sys_admin",
    "--inh-caps=-sys_admin",
  ];
  const result = await doctor({ prefix });
  const findings = findingsOf(result);
  assertEquals(result.code, 1);
  assertEquals(find(findings, "mnt").fatal, true);
  assertStringIncludes(find(findings, "mnt").fix ?? "", "CAP_SYS_ADMIN");
});

test("a program that is not CRIU is told from one that is", async (workspace) => {
  const fake = `${workspace.dir}/criu-fake`;
  const script = '#!/bin/sh\n[ "$1" != --version ] || echo "Version: 4.9.1"\n' +
    'case "$*" in *--feature*) exit 1;; esac\n';
  await Deno.writeTextFile(fake, script, { mode: 0o755 });
  assertEquals(await examineCriu(fake, 0), {
    path: fake,
    version: "4.9.1",
    works: true,
    tracksMemory: false,
  });
  assertEquals(await examineCriu(fake, 1), { path: fake, version: "4.9.1" });
  const other = await examineCriu("/bin/true", 0);
  assertEquals([other?.path, other?.version], ["/bin/true", undefined]);
  assertEquals(await examineCriu(`${fake}-none`, 0), undefined);
});

test(
  "a CRIU that logs to a file leaves none where doctor is called",
  async (workspace) => {
    const home = await workspace.newDirectory();
    const cwd = await workspace.newDirectory();
    await Deno.mkdir(`${home}/.criu`);
    const settings = `${home}/.criu/default.conf`;
    await Deno.writeTextFile(settings, "log-file=left.log\n");
    const criu = `${home}/criu`;
    await writeProgram(
      criu,
      `#!/bin/sh\nHOME=${home} exec ${testCriu()} "$@"\n`,
    );
    const args = [`--criu=${criu}`, "doctor", "--json"];
    const result = await nsinit(args, { cwd, timeoutMs: TIMEOUT_MS });
    assertEquals(find(findingsOf(result), "criu").status, "ok");
    assertEquals(await Array.fromAsync(Deno.readDir(cwd)), []);
  },
  { needs: ["criu"] },
);

test("wrong use of doctor is told in one sentence", async () => {
  const { code, stdout, stderr } = await nsinit(["doctor", "demo"]);
  assertEquals([code, stdout], [2, ""]);
  assertStringIncludes(stderr, "it is about the machine");
});

test("probing leaves nothing and tells errors", () => {
  const CLONE_NEWUTS = 0x0400_0000;
  const [EINVAL, ENOSYS] = [22, 38];
  const name = Deno.hostname();
  assertEquals(probeNamespaces(CLONE_NEWUTS), 0);
  assertEquals(Deno.hostname(), name);
  assertEquals(probeNamespaces(1), EINVAL);
  assertEquals(probeNamespaces(CLONE_NEWUTS, { proc: true }), EINVAL);
  assertEquals(probeCall(2000), ENOSYS);
  assertEquals(probeCall(0), EINVAL);
});

/** Containers of an ordinary user, in a user namespace of his own. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import {
  type ConfigJson,
  containerTests,
  mount,
  newNamespaces,
  SYSTEM_MOUNTS,
  type Workspace,
} from "../support/containers.ts";
import { waitFor } from "../support/nsinit.ts";
import type { UserFault } from "../support/user_faults.ts";
import { OrdinaryUser, USER_ID } from "../support/ordinary_user.ts";
import {
  namespaceOf,
  parseMounts,
  statusOf,
} from "../support/process_status.ts";

const declare = containerTests("rootless");

/** A test with a user of its own. */
function test(
  name: string,
  body: (user: OrdinaryUser, workspace: Workspace) => Promise<void>,
): void {
  declare(
    name,
    async (workspace) => {
      const user = await OrdinaryUser.create(workspace);
      await body(user, workspace);
      assertEquals(user.states(), [], "a state is left");
    },
    { needs: ["user-namespaces"] },
  );
}

/** A test with a user who has further ids. */
function testWithRanges(
  name: string,
  body: (user: OrdinaryUser, workspace: Workspace) => Promise<void>,
): void {
  declare(
    name,
    async (workspace) => {
      const user = await OrdinaryUser.create(workspace, {
        uids: ["700000:1000", "800000:64536"],
        gids: ["710000:65536"],
      });
      await body(user, workspace);
      assertEquals(user.states(), [], "a state is left");
    },
    { needs: ["user-namespaces", "id-mappers"] },
  );
}

/** The usual configuration without limits. */
function configWith(workspace: Workspace, changes: ConfigJson): ConfigJson {
  return workspace.config(changes);
}

function squeeze(text: string): string[] {
  return text.trim().split("\n").map((line) =>
    line.trim().replaceAll(/\s+/g, " ")
  );
}

test("a user is root inside and himself outside", async (user, workspace) => {
  await user.configure(configWith(workspace, {}));
  const output = await user.output(
    "id -u; id -g; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups; touch /made; hostname",
  );
  assertEquals(squeeze(output), [
    "0",
    "0",
    `0 ${USER_ID} 1`,
    `0 ${USER_ID} 1`,
    "deny",
    "testing",
  ]);
  const { uid, gid } = await Deno.stat(`${user.rootfs}/made`);
  assertEquals([uid, gid], [USER_ID, USER_ID]);
});

test("without a configuration a user gets the template in his directory", async (user) => {
  const { code, stdout, stderr } = await user.nsinit(
    ["exec", "/bin/sh", "-c", "id -u; echo $$; grep -c : /proc/net/dev"],
    { cwd: user.rootfs },
  );
  assertEquals([code, stderr], [0, ""]);
  assertEquals(squeeze(stdout), ["0", "1", "1"]);
});

test("the system mounts of the template are there", async (user, workspace) => {
  await user.configure(configWith(workspace, {}));
  const mounts = parseMounts(await user.output("cat /proc/self/mountinfo"));
  const types = ["/proc", "/dev", "/dev/pts", "/dev/shm", "/dev/mqueue", "/sys"]
    .map((point) => mounts.findLast((each) => each.point === point)?.type);
  assertEquals(types, ["proc", "tmpfs", "devpts", "tmpfs", "mqueue", "sysfs"]);
  const nodes = await user.output(
    "for n in null zero full random urandom; do head -c 1 /dev/$n > /dev/null || exit; echo > /dev/null; done; stat -c %t:%T /dev/null",
  );
  assertEquals(nodes, "1:3\n");
});

test(
  "what shows a namespace of the host is bound from it",
  async (user, workspace) => {
    await user.configure(configWith(workspace, {
      namespaces: newNamespaces("NEWNS", "NEWUTS", "NEWIPC", "NEWPID"),
      networks: [],
      mounts: SYSTEM_MOUNTS,
    }));
    const output = await user.output(
      "cat /proc/self/mountinfo; touch /sys/x 2>/dev/null; readlink /proc/self/ns/net",
    );
    const sys = parseMounts(output).findLast(({ point }) => point === "/sys");
    assertEquals(sys?.type, "sysfs");
    assert(sys?.options.includes("ro"), "the host's /sys can be written to");
    assertStringIncludes(output, namespaceOf("self", "net"));
  },
);

test(
  "binds show the user's own directories, with what is mounted below",
  async (user, workspace) => {
    const source = `${user.home}/data`;
    await Deno.mkdir(source);
    await Deno.writeTextFile(`${source}/file`, "of the user\n");
    await Deno.chown(`${source}/file`, USER_ID, USER_ID);
    await user.configure(configWith(workspace, {
      mounts: [
        ...SYSTEM_MOUNTS,
        mount("bind", source, "/tmp", 4096 | 16384 | 1),
      ],
    }));
    const output = await user.output(
      "cat /tmp/file; stat -c %u /tmp/file; touch /tmp/x 2>&1 || true",
    );
    assertStringIncludes(output, "of the user\n0\n");
    assertStringIncludes(output, "Read-only");
  },
);

test(
  "a second program joins, and all of it dies with the first",
  async (user, workspace) => {
    await user.configure(configWith(workspace, { parent_death_signal: 0 }));
    const mark = `7${Deno.pid}`;
    const started = await user.detach([
      "/bin/sh",
      "-c",
      `sleep ${mark}1 & exec sleep ${mark}2`,
    ]);
    assertEquals([started.code, started.stderr], [0, ""]);
    const joined = user.start([
      "exec",
      "/bin/sh",
      "-c",
      `id; ls /proc/1/root; cat /proc/self/setgroups; echo ok; exec sleep ${mark}3`,
    ]);
    await using _joined = joined;
    const text = await joined.waitForOutput("ok\n");
    assertStringIncludes(text, "uid=0(root) gid=0(root)");
    assertStringIncludes(text, "deny");
    // The three sleeps; each shell has become or started one.
    await waitFor("the programs", async () => {
      const { stdout } = await user.nsinit(["ps"]);
      return stdout.split("sleep").length === 4;
    });
    const { stdout: list } = await user.nsinit(["list", "--format", "json"]);
    assertEquals(JSON.parse(list)[0].status, "running");
    const [first = 0] = await user.processes(`sleep ${mark}2`);
    assertEquals(statusOf(first)["Uid"]?.split("\t")[0], String(USER_ID));

    const refused = await user.nsinit(["delete"]);
    assertEquals(refused.code, 125);
    const deleted = await user.nsinit(["delete", "--force"]);
    assertEquals([deleted.code, deleted.stderr], [0, ""]);
    assertEquals(await user.processes(`sleep ${mark}`), []);
    assertEquals((await joined.result()).code, 137);
  },
);

test(
  "a signal ends it, its status is told, and nothing is left",
  async (user, workspace) => {
    await user.configure(configWith(workspace, {}));
    const running = user.start([
      "exec",
      "/bin/sh",
      "-c",
      "echo ready; exec cat",
    ]);
    await using _running = running;
    await running.waitForOutput("ready\n");
    const killed = await user.nsinit(["kill", "--signal", "KILL"]);
    assertEquals([killed.code, killed.stderr], [0, ""]);
    assertEquals((await running.result()).code, 137);
    assertEquals((await user.sh("exit 7")).code, 7);
  },
);

test(
  "what a killed owner left is swept away by list",
  async (user, workspace) => {
    await user.configure(configWith(workspace, {}));
    const mark = `8${Deno.pid}`;
    const running = user.start([
      "exec",
      "/bin/sh",
      "-c",
      `echo ready; sleep ${mark}1 & exec sleep ${mark}2`,
    ]);
    await using _running = running;
    await running.waitForOutput("ready\n");
    running.signal("SIGKILL");
    await running.ended();
    assertEquals((await user.nsinit(["list"])).code, 0);
    assertEquals(user.states(), []);
    assertEquals(await user.processes(`sleep ${mark}`), []);
  },
);

test(
  "limits of processes are kept; raising a hard one is refused",
  async (user, workspace) => {
    const limits = (hard: number): ConfigJson => ({
      rlimits: [{ type: 7, hard, soft: 100 }],
    });
    await user.configure(configWith(workspace, limits(200)));
    assertEquals(await user.output("ulimit -n; ulimit -Hn"), "100\n200\n");
    await user.configure(configWith(workspace, limits(1 << 30)));
    const { code, stderr } = await user.sh("true");
    assertEquals(code, 125);
    assertStringIncludes(stderr, "rlimit RLIMIT_NOFILE");
  },
);

test(
  "a limit without a delegated cgroup is refused by name",
  async (user, workspace) => {
    for (
      const [key, name] of [["memory", "memory"], ["pids_limit", "pidsLimit"], [
        "cpu_shares",
        "cpuShares",
      ]] as const
    ) {
      await user.configure(
        configWith(workspace, { cgroups: { [key]: 1 << 12 } }),
      );
      const { code, stderr } = await user.sh("true");
      assertEquals(code, 125, stderr);
      assertStringIncludes(stderr, name);
      assertStringIncludes(stderr, "delegated");
    }
  },
);

test(
  "without a pid namespace and a cgroup there is nothing to end it by",
  async (user, workspace) => {
    await user.configure(configWith(workspace, {
      namespaces: newNamespaces("NEWNS", "NEWUTS", "NEWIPC", "NEWNET"),
    }));
    const { code, stderr } = await user.sh("true");
    assertEquals(code, 125);
    assertStringIncludes(stderr, "NEWPID");
  },
);

test(
  "a veth is refused, as only root may touch a bridge",
  async (user, workspace) => {
    await user.configure(configWith(workspace, {
      networks: [{
        type: "veth",
        name: "eth0",
        bridge: "br0",
        host_interface_name: "vethx0",
        address: "10.0.0.2/24",
      }],
    }));
    const { code, stderr } = await user.sh("true");
    assertEquals(code, 125);
    assertMatch(stderr, /veth interface eth0.*only root.*bridge/);
  },
);

test(
  "the state root is made for the user alone, or an error says where",
  async (user, workspace) => {
    await user.configure(configWith(workspace, {}));
    assertEquals((await user.sh("true")).code, 0);
    const { mode, uid } = await Deno.stat(user.stateRoot);
    assertEquals([(mode ?? 0) & 0o777, uid], [0o700, USER_ID]);

    const { code, stderr } = await user.sh("true", {
      env: { XDG_RUNTIME_DIR: "" },
    });
    assertEquals(code, 125);
    assertMatch(stderr, /\/run\/user\/61234\/nsinit.*XDG_RUNTIME_DIR.*--root/);
  },
);

test("explain shows a user the Plan of a user", async (user, workspace) => {
  await user.configure(configWith(workspace, {}));
  const { code, stdout } = await user.nsinit(["explain", "/bin/true"]);
  assertEquals(code, 0);
  assertStringIncludes(stdout, `user ids (0 ${USER_ID} 1)`);
  assertStringIncludes(stdout, "denying setgroups");
});

test("a terminal works", async (user, workspace) => {
  await user.configure(configWith(workspace, {}));
  const { code, stdout } = await user.nsinit([
    "exec",
    "--tty",
    "/bin/sh",
    "-c",
    "tty; test -t 0 && test -t 1 && echo both; stat -c %t /dev/console",
  ]);
  assertEquals([code, stdout.replaceAll("\r", "")], [
    0,
    "/dev/pts/0\nboth\n88\n",
  ]);
});

testWithRanges(
  "further ids are mapped by newuidmap and newgidmap",
  async (user, workspace) => {
    await user.configure(configWith(workspace, {}));
    const output = await user.output(
      "cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups",
    );
    assertEquals(squeeze(output), [
      `0 ${USER_ID} 1`,
      "1 700000 1000",
      "1001 800000 64536",
      `0 ${USER_ID} 1`,
      "1 710000 65536",
      "allow",
    ]);
  },
);

testWithRanges(
  "programs run as other users, with their groups; joined ones too",
  async (user, workspace) => {
    await user.configure(configWith(workspace, {
      additional_groups: ["audio"],
      parent_death_signal: 0,
    }));
    const mark = `9${Deno.pid}`;
    const started = await user.detach([
      "--user",
      "daemon",
      "/bin/sleep",
      mark,
    ]);
    assertEquals([started.code, started.stderr], [0, ""]);
    const [first = 0] = await user.processes(`sleep ${mark}`);
    const status = statusOf(first);
    assertEquals(status["Uid"]?.split("\t")[0], "700000");
    assertEquals(status["Gid"]?.split("\t")[0], "710000");
    assertStringIncludes(status["Groups"] ?? "", "710028");

    const joined = await user.nsinit(["exec", "--user", "2000:3", "id"]);
    assertEquals([joined.code, joined.stderr], [0, ""]);
    assertStringIncludes(joined.stdout, "uid=2000");
    assertEquals((await user.nsinit(["delete", "--force"])).code, 0);
    assertEquals(await user.processes(`sleep ${mark}`), []);
  },
);

testWithRanges(
  "maps that root has not allowed are refused by name",
  async (user, workspace) => {
    const range = (host_id: number): ConfigJson => ({
      container_id: 0,
      host_id,
      size: 10,
    });
    await user.configure(configWith(workspace, {
      namespaces: newNamespaces(
        "NEWNS",
        "NEWUTS",
        "NEWIPC",
        "NEWPID",
        "NEWNET",
        "NEWUSER",
      ),
      uid_mappings: [range(0)],
      gid_mappings: [range(710000)],
    }));
    const { code, stderr } = await user.sh("true");
    assertEquals(code, 125);
    assertMatch(stderr, /Cannot map the uids 0 0 10: .*\/etc\/subuid/);
  },
);

test("a user without ranges may map only himself", async (user, workspace) => {
  const line = { container_id: 0, host_id: 0, size: 1 };
  await user.configure(configWith(workspace, {
    namespaces: newNamespaces("NEWNS", "NEWPID", "NEWUSER", "NEWUTS", "NEWNET"),
    uid_mappings: [line],
    gid_mappings: [line],
  }));
  const { code, stderr } = await user.sh("true");
  assertEquals(code, 125, stderr);
  assertMatch(stderr, /sub[ug]id/);
});

testWithRanges(
  "every step of a start fails cleanly",
  async (user, workspace) => {
    await user.configure(configWith(workspace, {
      parent_death_signal: 0,
      mounts: [
        ...SYSTEM_MOUNTS,
        mount("bind", user.home, "/tmp", 4096 | 16384 | 1),
      ],
    }));
    const { code, stdout, stderr } = await user.runScript("user_faults.ts", [
      user.stateRoot,
      `${user.dir}/container.json`,
    ], { timeoutMs: 120_000 });
    assertEquals([code, stderr], [0, ""]);
    const faults: UserFault[] = JSON.parse(stdout);
    for (const { op, told, left } of faults) {
      assertEquals([told, left], [op === "exec" ? op : `${op} EDQUOT`, []]);
    }
    const made = faults.map(({ op }) => op);
    for (const op of ["idmap.run", "tree.open", "root.pivot", "exec"]) {
      assert(made.includes(op), `${op} was not made to fail`);
    }
    assertEquals(await user.processes(user.stateRoot), []);
  },
);

test("the library makes containers of a user as well", async (user) => {
  const { code, stdout, stderr } = await user.runScript("user_api.ts", [
    user.rootfs,
  ]);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(JSON.parse(stdout), [user.stateRoot, 4, "0\n", 0]);
});

/** States and markers: nothing of them can be turned against the host. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import { Factory } from "../../mod.ts";
import { containerTests, type TestContainer } from "../support/containers.ts";
import { Canary, hostileRootfs } from "../support/hostile.ts";
import { readConfig } from "../support/in_process.ts";
import { Running } from "../support/nsinit.ts";
import { processExists } from "../support/process_status.ts";

const test = containerTests("secstate");

test(
  "state directories are their owner's alone (CVE-2021-41103, CVE-2024-25621)",
  async (workspace) => {
    const container = await workspace.container();
    await Deno.chmod(workspace.dir, 0o755);
    await Deno.remove(workspace.stateRoot, { recursive: true });
    await using _running = await container.hold();
    const state = await container.stateDir();
    const modes: string[] = [];
    for (const path of [workspace.stateRoot, state, `${state}/state.json`]) {
      const { mode, uid, gid } = await Deno.lstat(path);
      modes.push(`${((mode ?? 0) & 0o7777).toString(8)} ${uid}:${gid}`);
    }
    assertEquals(modes, ["700 0:0", "700 0:0", "600 0:0"]);
    const asNobody = new Running(["ls", workspace.stateRoot], {
      prefix: ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"],
    });
    assert((await asNobody.result()).code !== 0);
  },
);

test(
  "a state root that others own or may write to is refused (CVE-2019-12439)",
  async (workspace) => {
    const container = await workspace.container();
    const canary = await Canary.create(workspace);
    const prepare: [string, (root: string) => Promise<void>][] = [
      ["another user's", async (root) => {
        await Deno.mkdir(root);
        await Deno.chown(root, 65534, 65534);
      }],
      ["writable for all", async (root) => {
        await Deno.mkdir(root);
        await Deno.chmod(root, 0o1777);
      }],
      ["a link", async (root) => await Deno.symlink(canary.dir, root)],
      ["a file", async (root) => await Deno.writeTextFile(root, "")],
    ];
    for (const [what, make] of prepare) {
      const root = `${workspace.dir}/${workspace.newName()}`;
      await make(root);
      for (
        const command of [["exec", "/bin/true"], ["delete", "--force"], [
          "kill",
        ]]
      ) {
        const running = await workspace.nsinit(["--root", root, ...command], {
          cwd: container.dir,
        });
        assertEquals(
          [what, command[0], running.code],
          [what, command[0], 125],
          running.stderr,
        );
      }
      await canary.assertUntouched();
    }
  },
);

test(
  "links planted where states and markers go are not followed (CVE-2015-1331, CVE-2024-23651)",
  async (workspace) => {
    const canary = await Canary.create(workspace);
    const target = `${canary.dir}/file`;
    const container = await workspace.container();
    const state = await container.stateDir();

    await Deno.symlink(canary.dir, state);
    assertEquals((await container.sh("true")).code, 125);
    await canary.assertUntouched();
    await Deno.remove(state);

    await Deno.mkdir(state, { mode: 0o700 });
    for (
      const name of [
        "state.json",
        ".state.json.nsinit",
        ".state.json.tmp",
        "lock",
      ]
    ) {
      await Deno.symlink(target, `${state}/${name}`);
    }
    const { code } = await container.sh("true");
    assert(code === 0 || code === 125, `${code}`);
    await canary.assertUntouched();
    await Deno.remove(state, { recursive: true }).catch(() => {});

    for (
      const name of ["state.json", ".state.json.nsinit", ".state.json.tmp"]
    ) {
      const path = `${container.dir}/${name}`;
      await Deno.symlink(target, path);
      const { code, stderr } = await container.sh("true");
      assert(code === 0 || code === 125, `${name}: ${code} ${stderr}`);
      await canary.assertUntouched();
      await Deno.remove(path).catch(() => {});
    }
  },
);

/** A container whose directory is its root, as the first README said. */
async function containerInRoot(
  workspace: Parameters<Parameters<typeof test>[1]>[0],
): Promise<TestContainer> {
  const rootfs = await hostileRootfs(workspace);
  return await workspace.containerIn(rootfs, {
    ...workspace.config(),
    rootfs,
    capabilities: ["DAC_OVERRIDE", "FOWNER", "CHOWN", "MKNOD"],
  });
}

test(
  "a container cannot change its own configuration or marker (CVE-2014-6408, CVE-2025-24965)",
  async (workspace) => {
    const container = await containerInRoot(workspace);
    const before = await Deno.readTextFile(`${container.dir}/container.json`);
    const output = await container.output(`
for f in /container.json /state.json; do
  (echo evil > $f) 2>/dev/null && echo wrote $f
  rm -f $f 2>/dev/null; mv $f /x 2>/dev/null; ln -sf /etc/passwd $f 2>/dev/null
  umount $f 2>/dev/null && echo uncovered
done; echo end`);
    assertEquals(output, "end\n");
    assertEquals(
      await Deno.readTextFile(`${container.dir}/container.json`),
      before,
    );
    const names = (await Array.fromAsync(Deno.readDir(container.dir))).map((
      { name },
    ) => name);
    assert(!names.includes("state.json") && !names.includes("x"), `${names}`);
  },
);

test(
  "a container without a configuration cannot leave one for the next command",
  async (workspace) => {
    const rootfs = await hostileRootfs(workspace);
    const container = await workspace.containerIn(rootfs, undefined);
    const plant = `
(echo '{"rootfs": "/"}' > /container.json) 2>/dev/null && echo wrote
rm -f /container.json 2>/dev/null; mv /container.json /x 2>/dev/null
ln -sf /etc/passwd /container.json 2>/dev/null && echo linked
stat -c %s /container.json`;
    const { code, stdout, stderr } = await container.sh(plant);
    assertEquals([code, stdout, stderr], [0, "0\n", ""]);
    await assertMissing(`${rootfs}/container.json`);

    // While it runs a second command finds an empty file, and joins.
    await using running = await container.hold();
    const joined = await container.sh("echo joined");
    assertEquals([joined.code, joined.stderr], [0, ""]);
    running.signal("SIGKILL");
    await running.result();
    const again = await container.sh("echo again");
    assertEquals([again.code, again.stdout], [0, "again\n"]);
    await assertMissing(`${rootfs}/container.json`);
  },
  { names: ["/nsinit/"] },
);

async function assertMissing(path: string): Promise<void> {
  const found = await Deno.lstat(path).catch(() => undefined);
  assertEquals(found, undefined, path);
}

test(
  "the way to a container's directory in its root cannot be moved",
  async (workspace) => {
    const rootfs = await hostileRootfs(workspace);
    const place = `${rootfs}/home/inner`;
    await Deno.mkdir(place, { recursive: true });
    const container = await workspace.containerIn(place, {
      ...workspace.config(),
      rootfs,
    });
    const before = await Deno.readTextFile(`${place}/container.json`);
    const { stdout } = await container.sh(
      "mv /home /old 2>/dev/null && echo moved; " +
        "mv /home/inner /old 2>/dev/null && echo moved inner; " +
        "rm -rf /home 2>/dev/null; echo free > /home/inner/x; echo end",
    );
    assertEquals(stdout, "end\n");
    assertEquals(await Deno.readTextFile(`${place}/container.json`), before);
    assertEquals(await Deno.readTextFile(`${place}/x`), "free\n");
  },
);

test(
  "a directory that another container replaces by links takes nothing of the host away (CVE-2024-23652)",
  async (workspace) => {
    const canary = await Canary.create(workspace);
    const rootfs = await hostileRootfs(workspace);
    for (const place of ["home", "home/inner"]) {
      await Deno.mkdir(`${rootfs}/${place}`, { recursive: true });
      const container = await workspace.containerIn(`${rootfs}/${place}`, {
        ...workspace.config(),
        rootfs,
      });
      const running = await container.hold();
      // As another container could that has the same directory as a volume.
      await Deno.rename(`${rootfs}/home`, `${rootfs}/old`);
      await Deno.symlink(canary.dir, `${rootfs}/home`);
      await running.closeStdin();
      await running.result();
      await Deno.remove(`${rootfs}/old`, { recursive: true });
      await Deno.remove(`${rootfs}/home`);
      await canary.assertUntouched();
    }
  },
);

test("files of the image are no configuration (CVE-2014-6408)", async (workspace) => {
  const rootfs = await hostileRootfs(workspace, {
    "container.json": { text: '{"capabilities": ["SYS_ADMIN"], "broken' },
    "config.json": { text: "{}" },
    "seccomp.json": { text: "{}" },
    ".nsinit.json": { text: "{}" },
    "state.json": { text: '{"init_pid": 1}' },
    ".nspid": { text: "1" },
    "pid": { text: "1" },
  });
  const container = await workspace.container({ rootfs, capabilities: [] });
  assertStringIncludes(
    await container.output("cat /proc/self/status"),
    "CapEff:\t0000000000000000",
  );
});

test(
  "a recorded pid that is another process by now is neither joined, signalled nor killed",
  async (workspace) => {
    const container = await workspace.container();
    const held = await container.hold();
    const state = await container.state();
    await held[Symbol.asyncDispose]();
    assert(state);
    await using stranger = new Running(["sleep", "60"]);
    const own = new Running(["sleep", "60"]);
    try {
      const forged = {
        ...state,
        pid: stranger.pid,
        owner: { ...state.owner, pid: own.pid },
      };
      const dir = await container.stateDir();
      for (
        const command of [["kill", "--signal", "KILL"], ["delete"], [
          "delete",
          "--force",
        ], ["exec", "/bin/true"]]
      ) {
        await Deno.mkdir(dir, { mode: 0o700, recursive: true });
        await Deno.writeTextFile(`${dir}/state.json`, JSON.stringify(forged));
        await workspace.nsinit(command, { cwd: container.dir });
        assert(processExists(stranger.pid) && !stranger.hasEnded, `${command}`);
        assert(processExists(own.pid) && !own.hasEnded, `${command}`);
      }
      await Deno.remove(dir, { recursive: true }).catch(() => {});
    } finally {
      await own[Symbol.asyncDispose]();
    }
  },
);

test(
  "damaged states say so and touch nothing",
  async (workspace) => {
    const container = await workspace.container();
    const dir = await container.stateDir();
    for (
      const text of [
        "",
        "{",
        "null",
        "[]",
        "{}",
        '{"version": 2}',
        '{"version": 1}',
        `{"version":1,"pid":1,"startTime":"1"}`,
        "x".repeat(17 * 2 ** 20),
      ]
    ) {
      await Deno.mkdir(dir, { mode: 0o700, recursive: true });
      await Deno.writeTextFile(`${dir}/state.json`, text);
      const { code, stderr } = await container.exec(["/bin/true"], {
        timeoutMs: 5000,
      });
      const shown = text.slice(0, 40);
      assert(!stderr.includes("report it"), `${shown}: ${stderr}`);
      assertEquals([shown, code], [shown, 125]);
      const removal = await workspace.nsinit(["delete", "--force"], {
        cwd: container.dir,
      });
      assertEquals([shown, removal.code], [shown, 0], removal.stderr);
    }
  },
);

/** Numbers of the sockets that a process holds. */
async function socketsOf(pid: number): Promise<string[]> {
  const dir = `/proc/${pid}/fd`;
  const names = await Array.fromAsync(Deno.readDir(dir), ({ name }) => name);
  const targets = names.map((name) =>
    Deno.readLink(`${dir}/${name}`).catch(() => "")
  );
  return (await Promise.all(targets)).flatMap((target) =>
    /^socket:\[(\d+)\]$/.exec(target)?.[1] ?? []
  );
}

test("no abstract socket can be reached from inside (CVE-2020-15257)", async (workspace) => {
  const container = await workspace.container();
  await using running = await container.hold();
  const factory = new Factory(workspace.stateRoot);
  await using other = await factory.create(
    workspace.newName(),
    await readConfig(workspace),
  );
  await other.start({ args: ["/bin/sleep", "100"], stdout: "piped" });
  const held = new Set([
    ...await socketsOf(running.pid),
    ...await socketsOf(Deno.pid),
  ]);
  assert(held.size > 0);
  const rows = (await Deno.readTextFile("/proc/net/unix")).trim().split("\n");
  const names = rows.slice(1).map((row) => row.trim().split(/\s+/))
    .filter(([, , , , , , inode]) => held.has(inode ?? ""))
    .map(([, , , , , , , name]) => name ?? "");
  assert(names.length > 0);
  assertEquals(names.filter((name) => name.startsWith("@")), []);
});

test(
  "programs and libraries of the image are never run on the host (CVE-2014-9357, CVE-2019-14271, CVE-2022-1227)",
  async (workspace) => {
    const marker = `${workspace.dir}/${workspace.newName()}`;
    const trap = {
      text: `#!/bin/busybox sh\necho ran > ${marker}\n`,
      mode: 0o755,
    };
    const names = [
      "sbin/ip",
      "bin/ip",
      "usr/bin/newuidmap",
      "bin/xz",
      "usr/bin/nsenter",
      "bin/ps",
      "bin/mount",
      "bin/true",
      "sbin/iptables",
      "sbin/apparmor_parser",
    ];
    const rootfs = await hostileRootfs(workspace, {
      ...Object.fromEntries(names.map((name) => [name, trap])),
      "etc/nsswitch.conf": { text: "passwd: evil\ngroup: evil\n" },
      "lib/libnss_evil.so.2": { copy: "/bin/true" },
      "etc/ld.so.preload": { text: "/lib/evil.so\n" },
      "lib/evil.so": { copy: "/bin/true" },
    });
    const container = await workspace.container({ rootfs });
    const held = await container.hold({ flags: ["--user", "daemon"] });
    await container.exec(["--user", "nobody", "/bin/cat", "/proc/version"]);
    for (
      const command of ["ps", "state", "list", "stats", "pause", "unpause"]
    ) {
      await workspace.nsinit([command], { cwd: container.dir });
    }
    await held[Symbol.asyncDispose]();
    await workspace.nsinit(["delete", "--force"], { cwd: container.dir });
    const seen = await Deno.lstat(marker).catch(() => undefined);
    assertEquals(seen, undefined);
    assertMatch(marker, /secstate/);
  },
);

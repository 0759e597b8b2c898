/** What an ordinary user must not gain, and must not learn, through containers of his own. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import {
  BIND,
  containerTests,
  mount,
  newNamespaces,
  SYSTEM_MOUNTS,
  type Workspace,
} from "../support/containers.ts";
import { OrdinaryUser, USER_ID } from "../support/ordinary_user.ts";

const declare = containerTests("secrootless");

const DENYING_GROUP = 54321;

function test(
  name: string,
  body: (user: OrdinaryUser, workspace: Workspace) => Promise<void>,
): void {
  declare(name, async (workspace) => {
    await body(await OrdinaryUser.create(workspace), workspace);
  }, { needs: ["user-namespaces"] });
}

test(
  "a group that denies access cannot be dropped (CVE-2014-8989)",
  async (user, workspace) => {
    const denied = `${user.rootfs}/denied`;
    await Deno.writeTextFile(denied, "secret\n");
    await Deno.chown(denied, 0, DENYING_GROUP);
    await Deno.chmod(denied, 0o604);
    await user.configure(workspace.config());
    const options = { groups: [DENYING_GROUP] };
    const output = await user.output(
      "cat /proc/self/setgroups; cat /denied 2>&1 || true",
      options,
    );
    assertStringIncludes(output, "deny\n");
    assertStringIncludes(output, "Permission denied");
    // Without that group the file is open: it is the group that denies.
    assertStringIncludes(await user.output("cat /denied"), "secret");
  },
);

test(
  "further groups are refused where setgroups is denied",
  async (user, workspace) => {
    await user.configure(workspace.config({ additional_groups: ["audio"] }));
    const { code, stderr } = await user.sh("true");
    assertEquals(code, 125);
    assertMatch(stderr, /additional groups.*setgroups/);
  },
);

declare(
  "newuidmap is the host's, never that of the image or of PATH (CVE-2014-9357)",
  async (workspace) => {
    const user = await OrdinaryUser.create(workspace, {
      uids: ["700000:1000"],
      gids: ["710000:1000"],
    });
    const marker = `${user.home}/ran`;
    const trap = `#!/bin/sh\necho ran > ${marker}\n`;
    for (const dir of [`${user.rootfs}/usr/bin`, `${user.home}/traps`]) {
      await Deno.mkdir(dir, { recursive: true });
      for (const name of ["newuidmap", "newgidmap"]) {
        await Deno.writeTextFile(`${dir}/${name}`, trap);
        await Deno.chmod(`${dir}/${name}`, 0o755);
      }
    }
    await user.configure(workspace.config());
    const path = `${user.home}/traps:/usr/bin:/bin`;
    const env = { PATH: path };
    const output = await user.output("wc -l < /proc/self/uid_map", { env });
    assertEquals(output.trim(), "2");
    const ran = await Deno.lstat(marker).catch(() => undefined);
    assertEquals(ran, undefined);
  },
  { needs: ["user-namespaces", "id-mappers"] },
);

test(
  "errors do not tell what is behind a closed directory (CVE-2018-6556)",
  async (user, workspace) => {
    const closed = await workspace.newDirectory();
    await Deno.mkdir(`${closed}/there`);
    await Deno.chmod(closed, 0o700);
    const told: string[] = [];
    for (const name of ["there", "gone"]) {
      const path = `${closed}/${name}`;
      await user.configure(workspace.config({
        mounts: [...SYSTEM_MOUNTS, mount("bind", path, "/tmp", BIND)],
      }));
      const bound = await user.sh("true");
      await user.configure(workspace.config({
        namespaces: newNamespaces(
          "NEWNS",
          "NEWPID",
          "NEWUTS",
          "NEWNET",
          "NEWUSER",
        ),
        uid_mappings: [{ container_id: 0, host_id: USER_ID, size: 1 }],
        gid_mappings: [{ container_id: 0, host_id: USER_ID, size: 1 }],
        networks: [],
        mounts: SYSTEM_MOUNTS.filter(({ device }) => device !== "mqueue"),
        cgroups: { parent: name },
      }));
      const at = await user.nsinit(["exec", "/bin/true"], { cwd: user.rootfs });
      const root = await user.nsinit(["--root", path, "list"]);
      told.push(
        [bound, at, root].map(({ code, stderr }) => `${code} ${stderr}`)
          .join("").replaceAll(name, "NAME"),
      );
    }
    assertEquals(told[0], told[1]);
    assertStringIncludes(told[0] ?? "", "permission denied");
  },
);

test(
  "cgroups of the host cannot be written to (CVE-2023-25809)",
  async (user, workspace) => {
    await user.configure(workspace.config({
      namespaces: newNamespaces("NEWNS", "NEWUTS", "NEWIPC", "NEWPID"),
      networks: [],
    }));
    const output = await user.output(
      "for d in /sys/fs/cgroup /sys/fs/cgroup/*; do mkdir $d/x 2>/dev/null && echo made $d; touch $d/tasks 2>/dev/null && echo wrote $d; done; mount | grep -c ' /sys' ",
    );
    assert(!/made|wrote/.test(output), output);
    await user.configure(workspace.config({
      mounts: [
        ...SYSTEM_MOUNTS,
        mount("cgroup", "cgroup", "/sys/fs/cgroup", 14),
      ],
    }));
    const { code, stdout, stderr } = await user.sh("mkdir /sys/fs/cgroup/x");
    assert(code !== 0, stdout);
    assertMatch(stderr, /Cannot mount cgroups|Read-only|Permission denied/);
  },
);

test(
  "root inside has no power over files and devices of the host",
  async (user, workspace) => {
    const secret = `${workspace.dir}/${workspace.newName()}`;
    await Deno.writeTextFile(secret, "of root\n");
    await Deno.chmod(secret, 0o600);
    await user.configure(workspace.config({
      capabilities: ["SYS_ADMIN", "DAC_OVERRIDE", "MKNOD", "CHOWN", "SETUID"],
      mounts: [
        ...SYSTEM_MOUNTS,
        mount("bind", workspace.dir, "/tmp", BIND),
      ],
    }));
    const name = secret.slice(secret.lastIndexOf("/") + 1);
    const { stdout } = await user.sh(
      `cat /tmp/${name}; touch /tmp/made; mknod /home/node b 8 0; chown 1 /home; mount -o remount,rw /sys; echo 1 > /proc/sys/kernel/panic; id -u`,
    );
    assertEquals(stdout, "0\n");
    assertEquals(await Deno.readTextFile(secret), "of root\n");
    assertEquals((await Deno.stat(`${user.rootfs}/home`)).uid, USER_ID);
  },
);

/** Users and groups: numbers stay numbers, and the image's files are hostile input. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  containerTests,
  DEFAULT_NAMESPACES,
  newNamespaces,
} from "../support/containers.ts";
import { Canary, hostileRootfs, type Planted } from "../support/hostile.ts";
import { mustRun } from "../support/nsinit.ts";
import { parseStatus } from "../support/process_status.ts";

const test = containerTests("secusers");

const IDS = ["/bin/cat", "/proc/self/status"];
const LARGE = `${"#".repeat(4096)}\n`.repeat(2048);
const LONG_LINE = `root:x:0:0:${"x".repeat(2_000_000)}:/:/bin/sh\n`;

/** Uid, gid and groups of a program's status. */
function idsOf(status: string): [string, string, string] {
  const { Uid = "", Gid = "", Groups = "" } = parseStatus(status);
  const same = (text: string): string => {
    const ids = new Set(text.split("\t"));
    assertEquals(ids.size, 1, text);
    return [...ids][0] ?? "";
  };
  return [same(Uid), same(Gid), Groups];
}

test(
  "odd passwd and group files neither hang nor swell the runtime (CVE-2024-9676, CVE-2024-9407)",
  async (workspace) => {
    const canary = await Canary.create(workspace);
    const odd: [string, Planted][] = [
      ["a fifo", "fifo"],
      ["a directory", "directory"],
      ["a link to an endless device", { link: "/dev/zero" }],
      ["a link to a terminal", { link: "/dev/tty" }],
      ["a link to itself", { link: "passwd" }],
      ["a link to the host", { link: `${canary.dir}/passwd` }],
      ["a link to kernel memory", { link: "/proc/kmsg" }],
      ["a sparse gigabyte", { sparse: 2 ** 30 }],
      ["eight megabytes", { text: LARGE }],
      ["one endless line", { text: LONG_LINE }],
      ["nothing", "nothing"],
    ];
    for (const file of ["passwd", "group"]) {
      for (const [what, planted] of odd) {
        const rootfs = await hostileRootfs(workspace, {
          [`etc/${file}`]: planted,
        });
        const container = await workspace.container({ rootfs });
        const label = `${file} is ${what}`;
        const { code, stdout, stderr } = await container.exec(
          ["--user", "1000:1000", ...IDS],
          { timeoutMs: 5000, prefix: ["prlimit", "--rss=1"] },
        );
        assert(!stderr.includes("report it"), `${label}: ${stderr}`);
        if (code === 125) assertStringIncludes(stderr, "Cannot", label);
        else {assertEquals([label, ...idsOf(stdout).slice(0, 2)], [
            label,
            "1000",
            "1000",
          ]);}
        await canary.assertUntouched();
      }
    }
  },
);

test(
  "joining reads odd passwd files as carefully (CVE-2024-9341)",
  async (workspace) => {
    const rootfs = await hostileRootfs(workspace);
    const container = await workspace.container({ rootfs });
    await using _running = await container.hold();
    const traps = [
      'mkfifo "$0"',
      'mkdir "$0"',
      'ln -s /dev/zero "$0"',
      'ln -s /proc/self/fd/0 "$0"',
    ];
    for (const trap of traps) {
      const path = `${rootfs}/etc/passwd`;
      await mustRun(["sh", "-c", `rm -rf "$0"; ${trap}`, path]);
      const { code, stderr } = await container.exec(
        ["--user", "nobody", "/bin/true"],
        { timeoutMs: 5000 },
      );
      assertEquals([trap, code], [trap, 125]);
      assertStringIncludes(stderr, "passwd", trap);
    }
  },
);

test(
  "digits are an id and never a name of the image (CVE-2016-3697)",
  async (workspace) => {
    const rootfs = await hostileRootfs(workspace, {
      "etc/passwd": { text: "1000:x:0:0::/:/bin/sh\n01000:x:0:0::/:/bin/sh\n" },
      "etc/group": { text: "1000:x:0:\n7:x:0:1000\n" },
    });
    const container = await workspace.container({ rootfs });
    for (const user of ["1000", "1000:1000", "1000:7"]) {
      const { stdout, code } = await container.exec(["--user", user, ...IDS]);
      const [uid, gid] = idsOf(stdout);
      assertEquals([user, code, uid], [user, 0, "1000"]);
      if (user.includes(":")) assertEquals(gid, user.split(":")[1]);
    }
  },
);

test(
  "ids that are out of range or misspelt are refused, never taken for 0 (CVE-2024-40635, CVE-2026-30892)",
  async (workspace) => {
    const container = await workspace.container();
    await using _running = await container.hold();
    const good: [string, string, string][] = [
      ["1", "1", "1"],
      ["1:2", "1", "2"],
      ["2147483647", "2147483647", "0"],
      ["2147483648", "2147483648", "0"],
      ["4294967294", "4294967294", "0"],
      ["4294967294:4294967294", "4294967294", "4294967294"],
    ];
    for (const [user, uid, gid] of good) {
      const { stdout, code, stderr } = await container.exec([
        "--user",
        user,
        ...IDS,
      ]);
      assertEquals([user, code], [user, 0], stderr);
      assertEquals([user, ...idsOf(stdout).slice(0, 2)], [user, uid, gid]);
    }
    const bad = [
      "4294967295",
      "4294967296",
      "1:4294967295",
      "1:4294967296",
      "1e10",
      "10000000000",
      "99999999999999999999",
      "1.5",
      ":2",
      "1:",
      ":",
      "x",
      "-1",
      "1 ",
      " 1",
      "+1",
      "0x1",
      "1:2:3",
      "1:-1",
      "root:x",
      "١",
      "1\n",
      "0\n",
    ]; // deno-fmt-ignore
    for (const user of bad) {
      const { code, stdout, stderr } = await container.exec([
        `--user=${user}`,
        ...IDS,
      ]);
      assertEquals([user, stdout], [user, ""]);
      assert(code === 125 || code === 2, `${user}: ${code} ${stderr}`);
    }
  },
);

test(
  "a leading zero does not change a number (CVE-2026-30892)",
  async (workspace) => {
    const container = await workspace.container();
    const { code, stdout } = await container.exec(["--user=01", ...IDS]);
    if (code === 0) assertEquals(idsOf(stdout)[0], "1");
    else assertEquals(code, 125);
  },
);

test(
  "the caller's supplementary groups stay outside (CVE-2022-2989, CVE-2022-2990, CVE-2022-2995, CVE-2022-36109)",
  async (workspace) => {
    const prefix = ["setpriv", "--groups=4,27,1234", "--"];
    const plain = await workspace.container();
    assertEquals(idsOf((await plain.exec(IDS, { prefix })).stdout), [
      "0",
      "0",
      "",
    ]);
    const chosen = await workspace.container({
      additional_groups: ["29", "46"],
    });
    await using _running = await chosen.hold({ prefix });
    for (const [user, groups] of [["0", "29 46"], ["1000:5", "29 46"]]) {
      const args = ["--user", user ?? "", ...IDS];
      const { stdout } = await chosen.exec(args, { prefix });
      assertEquals(idsOf(stdout)[2], groups);
    }
  },
);

test(
  "groups that the image's files give are exactly those that list the user",
  async (workspace) => {
    const container = await workspace.container();
    const { stdout } = await container.exec(["--user", "daemon", ...IDS]);
    assertEquals(idsOf(stdout), ["1", "1", "29 46"]);
    const named = await container.exec(["--user", "daemon:tty", ...IDS]);
    assertEquals(idsOf(named.stdout), ["1", "5", ""]);
  },
);

test(
  "a user namespace gets none of the caller's groups (CVE-2014-8989)",
  async (workspace) => {
    const maps = [{ container_id: 0, host_id: 0, size: 65536 }];
    const container = await workspace.container({
      namespaces: newNamespaces(...DEFAULT_NAMESPACES, "NEWUSER"),
      uid_mappings: maps,
      gid_mappings: maps,
    });
    // Mapped by a privileged caller it stays allowed, and groups are replaced.
    const { stdout, stderr } = await container.sh(
      "cat /proc/self/setgroups; cat /proc/self/status",
      { prefix: ["setpriv", "--groups=4,27", "--"] },
    );
    assertStringIncludes(stdout, "allow\n", stderr);
    assertEquals(idsOf(stdout), ["0", "0", ""]);
  },
);

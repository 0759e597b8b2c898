/** Devices, terminals and cgroups: nothing but what the configuration names. */
import {
  assert,
  assertEquals,
  assertMatch,
  assertStringIncludes,
} from "@std/assert";
import {
  type ConfigJson,
  containerTests,
  DEFAULT_DEVICES,
  device,
  mount,
  SYSTEM_MOUNTS,
} from "../support/containers.ts";
import { Canary, hostileRootfs, type Planted } from "../support/hostile.ts";
import { compilePayload } from "../support/payload.ts";

const test = containerTests("secdev");

const OPENER = `
/* argv: type major minor. Makes a node where the host has no nodev, opens it every way. */
int main(int argc, char **argv)
{
	const int modes[] = { O_RDONLY, O_WRONLY, O_RDWR };
	dev_t number = makedev(atoi(argv[2]), atoi(argv[3]));
	char byte;

	unlink("/dev/opened");
	if (mknod("/dev/opened", (argv[1][0] == 'b' ? S_IFBLK : S_IFCHR) | 0666, number)) {
		printf("mknod %s\\n", strerror(errno));
		return 0;
	}
	for (int n = 0; n < 3; n++) {
		int fd = open("/dev/opened", modes[n] | O_NONBLOCK);

		printf("%s\\n", fd < 0 ? strerror(errno) : "OPEN");
		if (fd >= 0)
			read(fd, &byte, 1), close(fd);
	}
	return 0;
}
`;

async function openInside(
  opener: string,
  container: { exec(args: readonly string[]): Promise<{ stdout: string }> },
  type: string,
  major: number,
  minor: number,
): Promise<string> {
  const args = [opener, type, `${major}`, `${minor}`];
  return (await container.exec(args)).stdout;
}

const HOST_DEVICES: readonly (readonly [string, number, number])[] = [
  ["b", 8, 0],
  ["b", 7, 0],
  ["b", 254, 0],
  ["c", 1, 1],
  ["c", 1, 2],
  ["c", 1, 4],
  ["c", 1, 11],
  ["c", 4, 0],
  ["c", 4, 1],
  ["c", 7, 0],
  ["c", 10, 237],
];

test(
  "with an empty list no device can be used, root and MKNOD or not (GHSA-g54h-m393-cpwq)",
  async (workspace) => {
    const rootfs = await hostileRootfs(workspace);
    await compilePayload(`${rootfs}/bin/opener`, OPENER);
    const lists: ConfigJson[] = [
      {},
      { allowed_devices: [] },
      { allow_all_devices: false, allowed_devices: [] },
      { allow_all_devices: false, allowed_devices: null },
    ];
    for (const cgroups of lists) {
      const container = await workspace.container({
        rootfs,
        cgroups,
        devices: [],
      });
      await using _running = await container.hold();
      const seen = [["b", 8, 0], ["c", 1, 1]] as const;
      for (const [type, major, minor] of seen) {
        const output = await openInside(
          "/bin/opener",
          container,
          type,
          major,
          minor,
        );
        assert(
          !output.includes("OPEN"),
          `${JSON.stringify(cgroups)}: ${output}`,
        );
        assertStringIncludes(output, "Operation not permitted");
      }
    }
  },
);

test(
  "allowed devices are those listed and no others, first and joined (GHSA-g54h-m393-cpwq)",
  async (workspace) => {
    const rootfs = await hostileRootfs(workspace);
    await compilePayload(`${rootfs}/bin/opener`, OPENER);
    const container = await workspace.container({
      rootfs,
      capabilities: ["MKNOD", "SYS_RAWIO", "DAC_OVERRIDE"],
      cgroups: {
        allow_all_devices: false,
        allowed_devices: [...DEFAULT_DEVICES, device("", 10, 229)],
      },
    });
    const first = await openInside("/bin/opener", container, "c", 1, 5);
    assertStringIncludes(first, "OPEN");
    await using _running = await container.hold();
    assertStringIncludes(
      await openInside("/bin/opener", container, "c", 1, 3),
      "OPEN",
    );
    for (const [type, major, minor] of HOST_DEVICES) {
      const output = await openInside(
        "/bin/opener",
        container,
        type,
        major,
        minor,
      );
      assertEquals([type, major, minor, output.includes("OPEN")], [
        type,
        major,
        minor,
        false,
      ]);
    }
  },
);

test(
  "nodes are made by number on the directory itself, through no link (CVE-2026-47766, CVE-2026-88264, CVE-2026-88265)",
  async (workspace) => {
    const canary = await Canary.create(workspace);
    const bare = { mounts: [SYSTEM_MOUNTS[0]] };
    const cases: [string, Record<string, Planted>][] = [
      ["a link as node", { "dev/zero": { link: `${canary.dir}/file` } }],
      ["a dangling link as node", {
        "dev/zero": { link: `${canary.dir}/new` },
      }],
      ["a file as node", { "dev/zero": { text: "x" } }],
      ["another device's place", { "dev/zero": "fifo" }],
      ["a linked directory", { "dev/sub": { link: canary.dir } }],
      ["a linked root of nodes", { "dev": { link: canary.dir.slice(1) } }],
    ];
    for (const [what, traps] of cases) {
      const rootfs = await hostileRootfs(workspace, traps);
      const container = await workspace.container({
        rootfs,
        ...bare,
        devices: [...DEFAULT_DEVICES, device("/dev/sub/zero", 1, 5)],
      });
      const { code, stderr } = await container.sh("true");
      assertEquals([what, code], [what, 125]);
      assertStringIncludes(stderr, "/dev", what);
      await canary.assertUntouched();
    }
  },
);

test(
  "the console is the container's own terminal, whatever the image put there (CVE-2025-52565, CVE-2015-3627)",
  async (workspace) => {
    const canary = await Canary.create(workspace);
    const file = `${canary.dir}/console`;
    const traps: Record<string, Planted>[] = [
      { "dev/console": { link: file } },
      { "dev/console": { link: "/proc/sys/kernel/core_pattern" } },
      { "dev/console": { link: `${canary.dir}/new` } },
      { "dev/console": "fifo" },
      { "dev/console": "directory" },
      { "dev/console": { text: "x" } },
      { "dev/pts/0": { link: file } },
      { "dev/pts/0": { text: "x" } },
      { "dev/pts/ptmx": { link: file } },
      { "dev/ptmx": { link: file } },
      { "dev/ptmx": { text: "x" } },
      { "dev/tty": { link: file } },
      {
        "dev/stdout": { link: file },
        "dev/stdin": { link: file },
        "dev/stderr": { link: file },
      },
    ];
    for (
      const mounts of [
        SYSTEM_MOUNTS.filter(({ destination }) => destination !== "/dev"),
        SYSTEM_MOUNTS.filter(({ destination }) =>
          !`${destination}`.startsWith("/dev")
        ),
      ]
    ) {
      for (const trap of traps) {
        const rootfs = await hostileRootfs(workspace, trap);
        const container = await workspace.container({ rootfs, mounts });
        const { code, stdout, stderr } = await container.exec(
          [
            "--tty",
            "/bin/sh",
            "-c",
            "stat -L -c %t /dev/console /proc/self/fd/0",
          ],
          { timeoutMs: 5000 },
        );
        const label = `${JSON.stringify(trap)}, ${mounts.length} mounts`;
        if (code === 125) assertMatch(stderr, /\/dev|terminal/, label);
        else {assertEquals([label, code, stdout.split(/\s+/).slice(0, 2)], [
            label,
            0,
            ["88", "88"],
          ], stderr);}
        await canary.assertUntouched();
      }
    }
  },
);

test(
  "the cgroup mount cannot be written and has no release agent to set (CVE-2022-0492, CVE-2023-25809)",
  async (workspace) => {
    const container = await workspace.container({
      mounts: [
        ...SYSTEM_MOUNTS,
        mount("cgroup", "cgroup", "/sys/fs/cgroup", 15),
      ],
      capabilities: ["DAC_OVERRIDE", "CHOWN", "MKNOD", "SETUID"],
    });
    const script = `
for dir in /sys/fs/cgroup /sys/fs/cgroup/*; do
  mkdir $dir/new 2>/dev/null && echo "made $dir/new"
  for name in release_agent notify_on_release cgroup.procs tasks devices.allow; do
    test -e $dir/$name || continue
    (echo 1 > $dir/$name) 2>/dev/null && echo "wrote $dir/$name"
  done
  mount -o remount,rw $dir 2>/dev/null && echo "remounted $dir"
done
ls -d /sys/fs/cgroup/*/release_agent 2>/dev/null
echo end`;
    assertEquals(await container.output(script), "end\n");
    await using _running = await container.hold();
    assertEquals(await container.output(script), "end\n");
  },
  { needs: ["cgroup-v1"] },
);

test(
  "a further mount of cgroups is not the container's to make (CVE-2022-0492)",
  async (workspace) => {
    const container = await workspace.container();
    const output = await container.output(
      "mkdir /dev/shm/c; mount -t cgroup -o memory c /dev/shm/c 2>&1; " +
        "mount -t cgroup2 c /dev/shm/c 2>&1; ls -A /dev/shm/c; echo end",
    );
    assertMatch(output, /^(mount: .*(denied|not permitted).*\n){2}end\n$/);
  },
);

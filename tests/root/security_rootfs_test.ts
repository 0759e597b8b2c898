/** Hostile root file systems: links where set-up makes mounts, nodes and files. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  BIND,
  type ConfigJson,
  containerTests,
  mount,
  SYSTEM_MOUNTS,
  type TestContainer,
  type Workspace,
} from "../support/containers.ts";
import { Canary, hostileRootfs, type Planted } from "../support/hostile.ts";
import type { RunResult } from "../support/nsinit.ts";

const test = containerTests("secroot");

const WITHOUT_DEV = SYSTEM_MOUNTS.filter((item) =>
  item["destination"] !== "/dev"
);
const CAPABLE = ["SYS_ADMIN", "CHOWN", "DAC_OVERRIDE", "MKNOD", "SYS_CHROOT"];

/** Ways to write a link that would lead to a directory of the host. */
function linksTo(path: string): string[] {
  return [path, `${"../".repeat(12)}${path.slice(1)}`];
}

/** Refused or done, but in words and not by an accident. */
function assertOrderly(label: string, { code, stderr }: RunResult): void {
  assert(code === 0 || code === 125, `${label}: status ${code}\n${stderr}`);
  assert(!stderr.includes("report it"), `${label}: ${stderr}`);
  if (code === 125) assertStringIncludes(stderr, "nsinit: Cannot", label);
}

async function runHostile(
  workspace: Workspace,
  traps: Readonly<Record<string, Planted>>,
  options: {
    readonly changes?: ConfigJson;
    readonly args?: readonly string[];
    readonly tty?: boolean;
  } = {},
): Promise<RunResult> {
  const rootfs = await hostileRootfs(workspace, traps);
  const container = await workspace.container({ rootfs, ...options.changes });
  const flags = options.tty ? ["--tty"] : [];
  return await container.exec([...flags, ...options.args ?? ["/bin/true"]], {
    timeoutMs: 5000,
  });
}

/** Each path that set-up touches, and whether a link there must be refused. */
const PLACES: readonly (readonly [path: string, mustRefuse: boolean])[] = [
  ["proc", true],
  ["sys", true],
  ["dev", true],
  ["dev/pts", false],
  ["dev/shm", false],
  ["dev/mqueue", false],
  ["dev/null", false],
  ["dev/console", false],
  ["dev/ptmx", false],
  ["dev/fd", false],
  ["etc", false],
  ["etc/passwd", false],
];

for (const tmpfs of [true, false]) {
  const name = tmpfs ? "a tmpfs on /dev" : "no mount on /dev";
  test(
    `links in the image lead nowhere on the host, with ${name} (CVE-2015-1335, CVE-2019-19921, CVE-2023-27561, CVE-2023-28642, CVE-2025-54867, CVE-2026-47766, CVE-2026-88264)`,
    async (workspace) => {
      const canary = await Canary.create(workspace);
      const mounts = tmpfs ? SYSTEM_MOUNTS : WITHOUT_DEV;
      const cells = PLACES.flatMap(([path, mustRefuse], index) =>
        [false, true].map((tty) => ({ path, mustRefuse, index, tty }))
      );
      const runCell = async (
        { path, mustRefuse, index, tty }: (typeof cells)[number],
      ): Promise<void> => {
        const isFile = path.startsWith("dev/") && !/(pts|shm|mq)/.test(path);
        const goal = isFile ? `${canary.dir}/null` : canary.dir;
        const link = linksTo(goal)[(index + Number(tty)) % 2] ?? goal;
        const result = await runHostile(
          workspace,
          { [path]: { link } },
          { changes: { mounts }, tty },
        );
        const label = `${path} -> ${link}, ${tty ? "tty" : "no tty"}`;
        assertOrderly(label, result);
        await canary.assertUntouched();
        if (!mustRefuse) return;
        assertEquals([label, result.code], [label, 125]);
        assertStringIncludes(result.stderr, `/${path}`);
      };
      for (let at = 0; at < cells.length; at += 2) {
        await Promise.all(cells.slice(at, at + 2).map(runCell));
      }
    },
  );
}

test(
  "a mount target below linked parents stays inside the root (CVE-2024-45310, CVE-2026-87766)",
  async (workspace) => {
    const canary = await Canary.create(workspace);
    const source = await workspace.newDirectory();
    await Deno.writeTextFile(`${source}/file`, "of the source\n");
    const links = [
      ...linksTo(canary.dir),
      "/proc/self/root",
      "/proc/1/root",
      "../../..",
      "/",
    ];
    for (const link of links) {
      for (const kind of ["bind", "file", "tmpfs"]) {
        const target = `/a/b${canary.dir}/made`;
        const item = kind === "tmpfs"
          ? mount("tmpfs", "tmpfs", target, 14)
          : mount(
            "bind",
            kind === "file" ? `${source}/file` : source,
            target,
            BIND,
          );
        const result = await runHostile(
          workspace,
          { "a/b": { link } },
          { changes: { mounts: [...SYSTEM_MOUNTS, item] } },
        );
        assertOrderly(`a/b -> ${link}, ${kind}`, result);
        await canary.assertUntouched();
      }
    }
  },
);

test(
  "links of every kind resolve as the kernel does inside the root (CVE-2019-18837)",
  async (workspace) => {
    const canary = await Canary.create(workspace);
    const chain = Object.fromEntries(
      Array.from({ length: 45 }, (_, n) => [`c${n}`, { link: `c${n + 1}` }]),
    );
    const zoo: Record<string, string> = {
      "chain": "/c30",
      "loop": "/c0",
      "self": "self",
      "up": "../../../../..",
      "dots": `//..//.${canary.dir}//`,
      "dangling": `${canary.dir}/none/deeper`,
      "to-link": "up",
      "trailing": `${canary.dir}/`,
    };
    const wanted: Record<string, number> = { loop: 125, self: 125 };
    for (const [name, link] of Object.entries(zoo)) {
      const mounts = [
        ...SYSTEM_MOUNTS,
        mount("tmpfs", "tmpfs", `/${name}/made`, 14),
      ];
      const result = await runHostile(
        workspace,
        { ...chain, [name]: { link } },
        {
          changes: { mounts },
          args: ["/bin/sh", "-c", `test -d /${name}/made`],
        },
      );
      assertOrderly(name, result);
      assertEquals([name, result.code], [name, wanted[name] ?? 0]);
      await canary.assertUntouched();
    }
  },
);

test(
  "links that a first run left do not redirect the second (CVE-2015-3629)",
  async (workspace) => {
    const canary = await Canary.create(workspace);
    const rootfs = await hostileRootfs(workspace);
    const container = await workspace.container({
      rootfs,
      mounts: [...SYSTEM_MOUNTS, mount("tmpfs", "tmpfs", "/data/x", 14)],
    });
    const first = await container.sh(
      `mv /data /old && ln -s ${canary.dir} /data`,
    );
    assertEquals(first.code, 0, first.stderr);
    assertEquals(await Deno.readLink(`${rootfs}/data`), canary.dir);
    const second = await container.sh("test -d /data/x");
    assertOrderly("second run", second);
    await canary.assertUntouched();
  },
);

/** A container that may change its mounts, and does before it is joined. */
async function joinAfter(
  workspace: Workspace,
  script: string,
  flags: readonly string[],
  command: readonly string[],
): Promise<RunResult> {
  const rootfs = await hostileRootfs(workspace);
  const container: TestContainer = await workspace.container({
    rootfs,
    capabilities: CAPABLE,
  });
  const running = container.start([
    "/bin/sh",
    "-c",
    `${script}; echo ready; exec cat > /dev/full`,
  ]);
  try {
    await running.waitForOutput("ready\n");
    return await container.exec([...flags, ...command], { timeoutMs: 5000 });
  } finally {
    await running[Symbol.asyncDispose]();
  }
}

for (const tty of [false, true]) {
  test(
    `joining a container that put links in its own way touches nothing of the host, ${
      tty ? "with" : "without"
    } a tty (CVE-2015-1334, CVE-2016-8649, CVE-2025-52565)`,
    async (workspace) => {
      const canary = await Canary.create(workspace);
      for (
        const place of [
          "/proc",
          "/sys",
          "/dev",
          "/dev/pts",
          "/dev/null",
          "/dev/console",
          "/etc",
        ]
      ) {
        const script = `umount -l ${place} 2>/dev/null; ` +
          `mv ${place} ${place}.old 2>/dev/null || rm -rf ${place}; ` +
          `ln -s ${canary.dir} ${place}`;
        const flags = tty ? ["--tty"] : [];
        const result = await joinAfter(
          workspace,
          `${script} > /tmp/log 2>&1`,
          [...flags, "--user", "1000"],
          ["/bin/true"],
        );
        assertOrderly(`join, ${place}`, result);
        await canary.assertUntouched();
      }
    },
  );
}

test(
  "a joined process is confined as configured when /proc is a fake (CVE-2015-1334, CVE-2019-16884)",
  async (workspace) => {
    const fake = "umount -l /proc; mount -t tmpfs fake /proc; " +
      "mkdir -p /proc/self/attr /proc/self/fd /proc/1 /proc/thread-self; " +
      "echo 0 > /proc/self/oom_score_adj; echo x > /proc/self/attr/exec; " +
      "echo 0 > /proc/self/uid_map";
    const rootfs = await hostileRootfs(workspace);
    const container = await workspace.container({
      rootfs,
      capabilities: CAPABLE,
      oom_score_adj: 321,
    });
    const running = container.start([
      "/bin/sh",
      "-c",
      `(${fake}) > /tmp/log 2>&1; echo ready; exec cat > /dev/full`,
    ]);
    try {
      await running.waitForOutput("ready\n");
      const { code, stdout, stderr } = await container.sh(
        "cat /proc/self/oom_score_adj; mount -t proc real /tmp && cat /tmp/self/oom_score_adj",
      );
      assertEquals([code, stdout], [0, "0\n321\n"], stderr);
    } finally {
      await running[Symbol.asyncDispose]();
    }
  },
);

/**
 * Containers whose processes go into images and come back, by CRIU.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import {
  bindMount,
  type Config,
  CriuError,
  Factory,
  HostError,
  StateError,
} from "../../mod.ts";
import { Checkpointed, numbersOf } from "../support/checkpointed.ts";
import {
  BIND_READONLY,
  containerTests,
  mount,
  SYSTEM_MOUNTS,
} from "../support/containers.ts";
import { readConfig } from "../support/in_process.ts";
import { waitFor } from "../support/nsinit.ts";
import { writeProgram } from "../support/rootfs.ts";

const test = containerTests("checkpoint");
const NEEDS = { needs: ["criu"] } as const;

/** Waits for ever; a sleep would end, interrupted, when it comes back. */
const WAIT = ["/bin/sh", "-c", "while :; do sleep 100; done"];

/** Connects to itself; the descriptor that both ends read from has a writer. */
const CONNECT = `mkfifo /dev/shm/f; exec 3<>/dev/shm/f; nc -l -p 5 <&3 &
until nc 127.0.0.1 5 <&3; do sleep 0.1; done`;

/** The mount table without what is another at each mount. */
function mountsOf(pid: number): string[] {
  return Deno.readTextFileSync(`/proc/${pid}/mountinfo`).trim().split("\n")
    .map((line) => {
      const [, , , root, target, options] = line.split(" ");
      const type = line.split(" - ")[1]?.split(" ")[0];
      return [root, target, options, type].join(" ");
    }).sort();
}

/** Ends of open TCP connections that a process can see. */
function connections(pid: number): number {
  return Deno.readTextFileSync(`/proc/${pid}/net/tcp`).trim().split("\n")
    .filter((line) => line.trim().split(/\s+/)[3] === "01").length;
}

test(
  "a counter goes on where it was, without a gap or a repeat",
  async (workspace) => {
    await using own = await Checkpointed.create(workspace);
    const { container, images } = own;
    const first = await own.count();
    const { pid } = first;
    const mounts = mountsOf(pid);
    const groups = await Deno.readTextFile(`/proc/${pid}/cgroup`);

    await container.checkpoint({ imagePath: images });

    assertEquals(await container.status(), "checkpointed");
    assertEquals((await first.status).signal, "SIGKILL");
    const before = (await new Response(first.stdout).text()).trim().split("\n");
    assertEquals((await container.state()).initProcessPid, 0);

    const second = await container.restore({ stdout: "piped" });

    assertEquals(await container.status(), "running");
    const state = await container.state();
    assertEquals(state.initProcessPid, second.pid);
    assertEquals(mountsOf(second.pid), mounts);
    assertEquals(await Deno.readTextFile(`/proc/${second.pid}/cgroup`), groups);
    const after = await numbersOf(second, before.length + 5);
    const all = [...before.map(Number), ...after];
    assertEquals(all, all.map((_, index) => index + 1));
    second.kill("SIGKILL");
    assertEquals((await second.status).signal, "SIGKILL");
  },
  NEEDS,
);

test(
  "one that is left running goes on, and its images can be another",
  async (workspace) => {
    await using own = await Checkpointed.create(workspace);
    const { container, images, factory } = own;
    await own.count();

    await container.checkpoint({ imagePath: images, leaveRunning: true });

    assertEquals(await container.status(), "running");
    const seen = await own.number();
    await waitFor("a later number", async () => await own.number() > seen);
    await container.destroy({ force: true });
    await using other = await factory.create(
      workspace.newName(),
      container.config,
    );
    await Deno.rename(images, `${images}.moved`);
    const process = await other.restore({ stdout: "piped" }, {
      imagePath: `${images}.moved`,
    });
    const [number = 0] = await numbersOf(process, 1);
    assert(number >= 2 && number <= seen + 3, `${number} after ${seen}`);
    await Deno.remove(`${images}.moved`, { recursive: true });
  },
  NEEDS,
);

test(
  "what is checkpointed is not started, not checkpointed again, and can be dropped",
  async (workspace) => {
    await using own = await Checkpointed.create(workspace);
    const { container, images } = own;
    await container.start({ args: WAIT });
    await container.checkpoint({ imagePath: images });

    for (
      const attempt of [
        () => container.start({ args: ["/bin/true"] }),
        () => container.checkpoint({ imagePath: `${images}.2` }),
      ]
    ) {
      await assertRejects(attempt, StateError);
    }
    await container.destroy();
    for (const name of ["nsinit.json", "descriptors.json"]) {
      const { mode } = await Deno.stat(`${images}/${name}`);
      assertEquals((mode ?? 0) & 0o777, 0o600);
    }
  },
  NEEDS,
);

test(
  "a checkpoint that fails leaves the container unharmed and no images",
  async (workspace) => {
    await using own = await Checkpointed.create(workspace);
    const { container, images } = own;
    const process = await container.start({
      args: [
        "/bin/sh",
        "-c",
        CONNECT,
      ],
    });
    await waitFor("a connection", () => connections(process.pid) > 0);

    const error = await assertRejects(
      () => container.checkpoint({ imagePath: images }),
      CriuError,
    );

    const { log } = error.context;
    assert(error.message.includes("use --tcp-established"), error.message);
    assert((await Deno.readTextFile(String(log))).includes("TCP"));
    await Deno.remove(String(log));
    await assertRejects(() => Deno.stat(images), Deno.errors.NotFound);
    assertEquals(await container.status(), "running");
    const joined = await container.start({ args: ["/bin/true"] });
    assertEquals((await joined.status).code, 0);

    await container.checkpoint({ imagePath: images, tcpEstablished: true });
    const again = await container.restore({});
    assert(connections(again.pid) > 0);
  },
  NEEDS,
);

// Where the first is cut off there is no process yet, where the second is there is one.
for (const lost of ["pstree.img", "mm-1.img"]) {
  test(
    `a restore that fails leaves nothing, and can be tried again: ${lost}`,
    async (workspace) => {
      await using own = await Checkpointed.create(workspace);
      const { container, images } = own;
      await own.count();
      await container.checkpoint({ imagePath: images });
      await Deno.rename(`${images}/${lost}`, `${images}/../${lost}`);
      const whole = await Deno.readFile(`${images}/../${lost}`);
      const cut = whole.subarray(0, 20);
      await Deno.writeFile(`${images}/${lost}`, cut, { mode: 0o600 });

      const error = await assertRejects(() => container.restore({}), CriuError);

      assert(error.message.includes(`${images}/restore.log`), error.message);
      assertEquals(await container.status(), "checkpointed");
      await Deno.rename(`${images}/../${lost}`, `${images}/${lost}`);
      const process = await container.restore({ stdout: "piped" });
      assert((await numbersOf(process, 3)).length > 0);
    },
    NEEDS,
  );
}

test("images that others could have changed are refused", async (workspace) => {
  await using own = await Checkpointed.create(workspace);
  const { container, images } = own;
  await container.start({ args: WAIT });
  await container.checkpoint({ imagePath: images });

  await Deno.chmod(images, 0o777);
  const open = await assertRejects(() => container.restore({}), StateError);
  assert(open.message.includes("others may write to it"), open.message);
  await Deno.chmod(images, 0o700);
  await Deno.chown(`${images}/core-1.img`, 12345, null);
  const foreign = await assertRejects(() => container.restore({}), StateError);
  assert(foreign.message.includes("belongs to user 12345"), foreign.message);
}, NEEDS);

test("a missing CRIU is named, with what to do", async (workspace) => {
  const config = await readConfig(workspace);
  const factory = new Factory(workspace.stateRoot, { criu: "no-such-criu" });
  await using container = await factory.create(workspace.newName(), config);
  await container.start({ args: WAIT });
  const imagePath = `${await workspace.newDirectory()}/images`;

  const error = await assertRejects(
    () => container.checkpoint({ imagePath }),
    HostError,
  );

  assert(error.message.includes("no program no-such-criu"), error.message);
  assert(error.message.includes("install"), error.message);
  await assertRejects(() => Deno.stat(imagePath), Deno.errors.NotFound);
});

/** A program in the place of CRIU, and what is said of it. */
const NOT_CRIU: readonly (readonly [string, string, RegExp])[] = [
  // To the question for its version, an answer of type 10 and success: 3.14.
  [
    "too old",
    "printf '\\010\\012\\020\\001\\122\\004\\010\\003\\020\\016' >&3; cat <&3 >/dev/null",
    /it is CRIU 3\.14\.0, at least 3\.15 is needed; install a newer one/,
  ],
  [
    "another program",
    "echo usage: nothing >&2; exit 2",
    /does not answer as CRIU 3\.15 or later does \(it says: usage: nothing\)/,
  ],
  ["killed at once", "kill -9 $$", /does not answer as CRIU 3\.15 or later/],
];

for (const [what, script, says] of NOT_CRIU) {
  test(`a CRIU that is ${what} is refused`, async (workspace) => {
    const config = await readConfig(workspace);
    const criu = `${await workspace.newDirectory()}/criu`;
    await writeProgram(criu, `#!/bin/sh\n${script}\n`);
    const factory = new Factory(workspace.stateRoot, { criu });
    await using container = await factory.create(workspace.newName(), config);
    await container.start({ args: WAIT });
    const imagePath = `${await workspace.newDirectory()}/images`;

    const error = await assertRejects(
      () => container.checkpoint({ imagePath }),
      HostError,
    );

    assert(says.test(error.message), error.message);
    await assertRejects(() => Deno.stat(imagePath), Deno.errors.NotFound);
    assertEquals(await container.status(), "running");
  });
}

test(
  "limits hold again, and what CRIU had as groups is gone",
  async (workspace) => {
    await using own = await Checkpointed.create(workspace, {
      cgroups: { pids_limit: 50 },
    });
    const { container, images } = own;
    await container.start({ args: WAIT });
    const { cgroupPaths } = await container.state();
    const group = cgroupPaths["pids"] ?? cgroupPaths["unified"] ?? "";

    await container.checkpoint({ imagePath: images });
    await assertRejects(() => Deno.stat(group), Deno.errors.NotFound);
    await container.set({ pidsLimit: 40 });
    const process = await container.restore({});

    assertEquals((await Deno.readTextFile(`${group}/pids.max`)).trim(), "40");
    const members = await Deno.readTextFile(`${group}/cgroup.procs`);
    assert(
      members.split("\n").includes(`${process.pid}`),
      `${process.pid} is not among ${members}in ${group}, but in ${await Deno
        .readTextFile(`/proc/${process.pid}/cgroup`)}`,
    );
  },
  NEEDS,
);

test("a volume may have moved to another directory", async (workspace) => {
  const [from, to] = [
    await workspace.newDirectory(),
    await workspace.newDirectory(),
  ];
  const config = await readConfig(workspace);
  const withData = (source: string): Config => ({
    ...config,
    mounts: [...config.mounts, bindMount(source, "/mnt", { readonly: false })],
  });
  await using own = await Checkpointed.create(workspace, withData(from));
  await using other = await Checkpointed.create(workspace, withData(to));
  await own.container.start({
    args: ["/bin/sh", "-c", "while :; do sleep 0.05; mkdir -p /mnt/x; done"],
  });

  await own.container.checkpoint({ imagePath: own.images });
  await own.container.destroy();
  await other.container.restore({}, { imagePath: own.images });

  await waitFor(
    "what is made in the new directory",
    () => Deno.stat(`${to}/x`).then(() => true, () => undefined),
  );
  await Deno.remove(`${workspace.rootfs}/mnt`).catch(() => {});
}, NEEDS);

test("mounts forbid again what they forbade", async (workspace) => {
  const volume = await workspace.newDirectory();
  const config = await readConfig(workspace, {
    mounts: [
      ...SYSTEM_MOUNTS,
      mount("cgroup", "cgroup", "/sys/fs/cgroup", 15),
      ...["/mnt", "/media"].map((path) =>
        mount("bind", volume, path, BIND_READONLY)
      ),
    ],
  });
  await using own = await Checkpointed.create(workspace, config);
  const { container, images } = own;
  const { pid } = await container.start({ args: WAIT });
  const before = mountsOf(pid);
  const groups = before.filter((line) => / \/sys\/fs\/cgroup\/./.test(line));
  assert(groups.length > 0 || before.some((line) => line.endsWith("cgroup2")));
  assert(groups.every((line) => / ro,nosuid,nodev,noexec/.test(line)));

  await container.checkpoint({ imagePath: images });
  const again = await container.restore({});

  assertEquals(mountsOf(again.pid), before);
  for (const path of ["mnt", "media"]) {
    await Deno.remove(`${workspace.rootfs}/${path}`);
  }
}, NEEDS);

test(
  "what an earlier mount shows comes back from where that comes from",
  async (workspace) => {
    const volume = await workspace.newDirectory();
    await Deno.mkdir(`${volume}/x`);
    await Deno.writeTextFile(`${volume}/x/file`, "of the volume\n");
    const config = await readConfig(workspace);
    await using own = await Checkpointed.create(workspace, {
      ...config,
      mounts: [
        ...config.mounts,
        bindMount(volume, "/mnt"),
        bindMount(`${workspace.rootfs}/mnt/x`, "/media"),
      ],
    });
    const { container, images } = own;
    const { pid } = await container.start({ args: WAIT });
    const before = mountsOf(pid);
    await container.checkpoint({ imagePath: images });
    const again = await container.restore({});
    assertEquals(mountsOf(again.pid), before);
    assertEquals(
      await Deno.readTextFile(`/proc/${again.pid}/root/media/file`),
      "of the volume\n",
    );
    for (const path of ["mnt", "media"]) {
      await Deno.remove(`${workspace.rootfs}/${path}`);
    }
  },
  NEEDS,
);

test("a user namespace comes back with its maps", async (workspace) => {
  const ids = [{ containerId: 0, hostId: 200000, size: 65536 }];
  const config = await readConfig(workspace);
  await using own = await Checkpointed.create(workspace, {
    ...config,
    namespaces: [...config.namespaces, { type: "NEWUSER" }],
    uidMappings: ids,
    gidMappings: ids,
  });
  const { container, images } = own;
  const first = await container.start({ args: WAIT });
  const map = await Deno.readTextFile(`/proc/${first.pid}/uid_map`);

  await container.checkpoint({ imagePath: images });
  const second = await container.restore({});

  assertEquals(await Deno.readTextFile(`/proc/${second.pid}/uid_map`), map);
  const { mode, gid } = await Deno.stat(`${images}/core-1.img`);
  assertEquals([(mode ?? 0) & 0o777, gid], [0o640, 200000]);
  const joined = await container.start({ args: ["/bin/true"] });
  assertEquals((await joined.status).code, 0);
}, NEEDS);

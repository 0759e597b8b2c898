/**
 * Configurations as programs write them down, in whole containers.
 *
 * @module
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { type Config, ConfigError, Factory } from "../../mod.ts";
import { containerTests } from "../support/containers.ts";

const test = containerTests("apiconfig");

test("what is left out has its value, and names are read in each spelling", async (workspace) => {
  const factory = new Factory(workspace.stateRoot);
  await using container = await factory.create("lean", {
    rootfs: workspace.rootfs,
    hostname: "lean",
    namespaces: [
      { type: "mount" },
      { type: "CLONE_NEWPID" },
      { type: "NEWUTS" },
      { type: "network" },
    ],
    mounts: [
      { device: "proc", destination: "/proc" },
      { device: "tmpfs", destination: "/dev" },
    ],
    devices: [{ type: "c", path: "/dev/null", major: 1, minor: 3 }],
    networks: [{ type: "loopback" }],
    cgroups: { parent: workspace.tag, pidsLimit: 20 },
    capabilities: ["CAP_KILL", "NET_RAW"],
    rlimits: [{ type: "NOFILE", soft: 66, hard: 77 }],
    seccomp: {
      defaultAction: "SCMP_ACT_ALLOW",
      syscalls: [{ name: "mkdir", action: "SCMP_ACT_ERRNO", errnoRet: 38 }, {
        name: "mkdirat",
        action: "SCMP_ACT_ERRNO",
        errnoRet: 38,
      }],
    },
  });
  const process = await container.start({
    args: [
      "/bin/sh",
      "-c",
      "hostname; ulimit -n; ulimit -Hn; echo lost >/dev/null && echo open; " +
      "ls -l /dev/null | cut -c1-10; grep CapBnd /proc/self/status; " +
      "ip addr show lo | grep -c 127.0.0.1/8; mkdir /x 2>&1",
    ],
    env: ["PATH=/bin"],
    stdout: "piped",
  });
  const { stdout } = await process.output();
  assertEquals(new TextDecoder().decode(stdout).trim().split("\n"), [
    "lean",
    "66",
    "77",
    "open",
    "crw-rw-rw-",
    "CapBnd:\t0000000000002020",
    "1",
    "mkdir: can't create directory '/x': Function not implemented",
  ]);
  assertEquals(container.config.rlimits, [{ type: 7, soft: 66, hard: 77 }]);
  assertEquals((await factory.load("lean")).config, container.config);
});

test("limits are changed in the same way", async (workspace) => {
  const factory = new Factory(workspace.stateRoot);
  await using container = await factory.create("limits", {
    rootfs: workspace.rootfs,
    namespaces: [{ type: "mount" }, { type: "pid" }],
    cgroups: { parent: workspace.tag },
  });
  await container.set({
    pidsLimit: 9,
    allowedDevices: [{ type: "c", major: 1, minor: 3 }],
  });
  const { pidsLimit, allowedDevices } = container.config.cgroups ?? {};
  assertEquals(pidsLimit, 9);
  assertEquals(allowedDevices?.[0]?.permissions, "rwm");
  await assertRejects(
    () => container.set({ pidLimit: 5 } as Config["cgroups"] & object),
    ConfigError,
    'cgroups.pidLimit: unknown key "pidLimit"; did you mean "pidsLimit"?',
  );
});

test("what is no configuration is told, and reserves nothing", async (workspace) => {
  const factory = new Factory(workspace.stateRoot);
  const { rootfs } = workspace;
  const cycle: Record<string, unknown> = { rootfs };
  cycle["mounts"] = [cycle];
  const wrong: readonly (readonly [unknown, string])[] = [
    [undefined, "found undefined, wanted an object"],
    ["/srv", 'found the string "/srv", wanted an object'],
    [{ rootfs }, "namespaces: is missing"],
    [{ rootfs, namespaces: [], mounts: {} }, "mounts: found an object"],
    [{ rootfs, namespaces: [], seccomp: "x" }, "seccomp: found the string"],
    [{ rootfs, namespaces: [{ type: "net" }] }, 'unknown namespace "net"'],
    [cycle, "mounts[0].device: is missing"],
  ];
  for (const [config, part] of wrong) {
    for (let again = 0; again < 2; again++) {
      await assertRejects(
        () => factory.create("wrong", config as Config),
        ConfigError,
        part,
      );
    }
    assert((await factory.list()).length === 0);
  }
});

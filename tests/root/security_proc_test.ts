/** What is set and hidden through /proc: sysctls, masked and read-only paths, labels. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import {
  BIND,
  type ConfigJson,
  containerTests,
  mount,
  newNamespaces,
  SYSTEM_MOUNTS,
} from "../support/containers.ts";
import { Canary, hostileRootfs, type Planted } from "../support/hostile.ts";
import { mustRun } from "../support/nsinit.ts";

const test = containerTests("secproc");

const HOST_FILES = [
  "kernel/core_pattern",
  "kernel/hostname",
  "net/ipv4/ip_forward",
  "vm/overcommit_memory",
] as const;

/** Parameters of the host that no test may change. */
async function hostParameters(): Promise<string[]> {
  return await Promise.all(
    HOST_FILES.map((name) => Deno.readTextFile(`/proc/sys/${name}`)),
  );
}

const REFUSED_KEYS = [
  "kernel.core_pattern",
  "kernel/core_pattern",
  "kernel.core_pipe_limit",
  "kernel.modprobe",
  "kernel.hotplug",
  "kernel.panic",
  "kernel.sysrq",
  "kernel.hostname",
  "kernel.randomize_va_space",
  "kernel.ns_last_pid",
  "kernel.shm_rmid_forced/../core_pattern",
  "kernel.shmmax/../../kernel/core_pattern",
  "kernel.shmmax.../core_pattern",
  "kernel..shmmax",
  ".kernel.shmmax",
  "kernel.shmmax.",
  "/kernel/shmmax",
  "kernel/./shmmax",
  "net.",
  "net/../kernel/core_pattern",
  "net.ipv4/../../kernel.core_pattern",
  "vm.overcommit_memory",
  "vm.drop_caches",
  "fs.file-max",
  "fs.binfmt_misc.register",
  "fs.mqueue",
  "fs.mqueue/../file-max",
  "debug.exception-trace",
  "dev.tty.ldisc_autoload",
  "abi.vsyscall32",
  "user.max_user_namespaces",
  "shmmax",
  "",
  " ",
  "kernel.shmmax\nkernel.core_pattern",
  "kernel.shm max",
];

test(
  "parameters of the host are refused, however they are spelt (CVE-2022-0811)",
  async (workspace) => {
    const before = await hostParameters();
    for (const key of REFUSED_KEYS) {
      const container = await workspace.container({ sysctl: { [key]: "1" } });
      const { code, stderr } = await container.sh("true");
      assertEquals([key, code], [key, 125]);
      assert(!stderr.includes("report it"), `${key}: ${stderr}`);
      assert(stderr.split("\n").length <= 4, stderr);
    }
    assertEquals(await hostParameters(), before);
  },
);

test(
  "a parameter is only set where its namespace is the container's own (CVE-2022-0811)",
  async (workspace) => {
    const cases: [string, string][] = [
      ["kernel.shmmni", "NEWIPC"],
      ["kernel.msgmax", "NEWIPC"],
      ["kernel.sem", "NEWIPC"],
      ["fs.mqueue.msg_max", "NEWIPC"],
      ["net.ipv4.ip_forward", "NEWNET"],
      ["net/ipv4/ip_forward", "NEWNET"],
      ["kernel.domainname", "NEWUTS"],
    ];
    const before = await hostParameters();
    for (const [key, type] of cases) {
      const others = ["NEWNS", "NEWPID", "NEWUTS", "NEWIPC", "NEWNET"]
        .filter((name) => name !== type);
      const changes: ConfigJson = {
        namespaces: newNamespaces(...others),
        sysctl: { [key]: "1" },
        hostname: "",
        networks: [],
        mounts: SYSTEM_MOUNTS.filter(({ device }) => device !== "mqueue"),
      };
      const { code, stderr } = await (await workspace.container(changes)).sh(
        "true",
      );
      assertEquals([key, code], [key, 125]);
      assertStringIncludes(stderr, type);
    }
    assertEquals(await hostParameters(), before);
  },
);

/** A container that joins the network of a process and sets a parameter there. */
function joinedNetwork(pid: number | "self"): ConfigJson {
  return {
    namespaces: [
      ...newNamespaces("NEWNS", "NEWPID", "NEWUTS", "NEWIPC"),
      { type: "NEWNET", path: `/proc/${pid}/ns/net` },
    ],
    networks: [],
    sysctl: { "net.ipv4.ip_forward": "1" },
  };
}

test(
  "a parameter is set in a namespace that is joined, unless it is the host's",
  async (workspace) => {
    const other = await workspace.container();
    await using _running = await other.hold();
    const read = "cat /proc/sys/net/ipv4/ip_forward";
    const joined = await workspace.container(joinedNetwork(await other.pid()));
    assertEquals(await other.output(read), "0\n");
    assertEquals(await joined.output(read), "1\n");
    assertEquals(await other.output(read), "1\n");
    const before = await hostParameters();
    const shared = await workspace.container(joinedNetwork("self"));
    const { code, stderr } = await shared.sh(read);
    assertEquals(code, 125);
    assertStringIncludes(stderr, "not allowed in host network namespace");
    assertEquals(await hostParameters(), before);
  },
);

test(
  "values cannot carry further lines, and own parameters do change",
  async (workspace) => {
    for (const value of ["1\n2", "1\0"]) {
      const container = await workspace.container({
        sysctl: { "kernel.shmmni": value },
      });
      assertEquals((await container.sh("true")).code, 125);
    }
    const container = await workspace.container({
      sysctl: {
        "kernel.shmmni": "77",
        "net/ipv4/ip_forward": "1",
        "kernel.domainname": "inner+x",
      },
    });
    assertEquals(
      await container.output(
        "cat /proc/sys/kernel/shmmni /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/domainname",
      ),
      "77\n1\ninner+x\n",
    );
  },
);

const MASKED = [
  "/proc/kcore",
  "/proc/keys",
  "/proc/timer_list",
  "/sys/firmware",
  "/etc/secret",
  "/proc/acpi",
  "/none/at/all",
];
const READ_ONLY = [
  "/proc/sys",
  "/proc/sysrq-trigger",
  "/proc/irq",
  "/proc/bus",
  "/proc/fs",
  "/etc/kept",
];

test(
  "masked and read-only paths hold for first and joined programs (CVE-2015-3630)",
  async (workspace) => {
    const rootfs = await hostileRootfs(workspace, {
      "etc/secret": { text: "secret\n" },
      "etc/kept": { text: "kept\n" },
    });
    const container = await workspace.container({
      rootfs,
      mask_paths: MASKED,
      readonly_paths: READ_ONLY,
      capabilities: ["DAC_OVERRIDE", "CHOWN", "FOWNER"],
    });
    const script = [
      ...MASKED.map((path) =>
        `cat ${path} 2>/dev/null | head -c 10; ls -A ${path}/ 2>/dev/null`
      ),
      ...READ_ONLY.map((path) =>
        `touch ${path} ${path}/new 2>/dev/null && echo ${path}`
      ),
      "(echo x > /proc/sys/kernel/core_pattern) 2>/dev/null && echo core_pattern",
      "(echo h > /proc/sysrq-trigger) 2>/dev/null && echo sysrq",
      "rm -f /etc/secret /etc/kept 2>/dev/null; mv /etc/secret /etc/s 2>/dev/null && echo moved",
      "cat /etc/kept",
    ].join("; ");
    assertEquals(await container.output(script), "kept\n");
    await using _running = await container.hold();
    assertEquals(await container.output(script), "kept\n");
  },
);

test(
  "what hides a file is the host's null device, never the image's (CVE-2025-31133, CVE-2025-62161)",
  async (workspace) => {
    const canary = await Canary.create(workspace);
    const traps: Planted[] = [
      { link: "/proc/sys/kernel/core_pattern" },
      { link: `${canary.dir}/file` },
      { link: "/etc/secret" },
      { text: "not a device\n" },
      "directory",
      "fifo",
      "nothing",
    ];
    for (const withDev of [false, true]) {
      const mounts = SYSTEM_MOUNTS.filter(({ destination }) =>
        withDev || destination !== "/dev"
      );
      for (const devices of withDev ? [[]] : [[], undefined]) {
        for (const trap of traps) {
          const rootfs = await hostileRootfs(workspace, {
            "dev/null": trap,
            "etc/secret": { text: "secret\n" },
          });
          const container = await workspace.container({
            rootfs,
            mounts,
            ...(devices && { devices }),
            mask_paths: ["/etc/secret", "/proc/kcore"],
            readonly_paths: [],
          });
          const { code, stdout, stderr } = await container.exec(
            ["/bin/sh", "-c", "cat /etc/secret; stat -L -c %t:%T /etc/secret"],
            { timeoutMs: 5000 },
          );
          const label = `${
            JSON.stringify(trap)
          }, /dev ${withDev}, nodes ${!devices}`;
          if (code === 125) assertStringIncludes(stderr, "/dev/null", label);
          else assertEquals([label, stdout], [label, "1:3\n"], stderr);
          await canary.assertUntouched();
        }
      }
    }
  },
);

test(
  "mounts inside /proc are refused, so that no label or limit is a lie (CVE-2015-3631, CVE-2019-16884)",
  async (workspace) => {
    const source = await workspace.newDirectory();
    await Deno.writeTextFile(`${source}/file`, "fake\n");
    const cases: [ConfigJson, Record<string, Planted>?][] = [
      [mount("bind", source, "/proc/self/attr", BIND)],
      [mount("bind", source, "/proc/self", BIND)],
      [mount("bind", source, "/proc/sys", BIND)],
      [mount("bind", `${source}/file`, "/proc/1/attr/current", BIND)],
      [mount("bind", `${source}/file`, "/proc/self/attr/exec", BIND)],
      [mount(
        "bind",
        `${source}/file`,
        "/proc/./sys/kernel/core_pattern",
        BIND,
      )],
      [mount("bind", `${source}/file`, "/tmp/../proc/sysrq-trigger", BIND)],
      [mount("tmpfs", "tmpfs", "/proc/fs", 14)],
      [mount("tmpfs", "tmpfs", "/proc", 14)],
      [mount("tmpfs", "tmpfs", "//proc/", 14)],
      [mount("bind", source, "/proc", BIND)],
      [mount("sysfs", "sysfs", "/proc", 14)],
      [mount("bind", source, "/link", BIND), {
        link: { link: "/proc/self/attr" },
      }],
      [mount("bind", source, "/link/attr", BIND), {
        link: { link: "proc/self" },
      }],
      [mount("bind", `${source}/file`, "/link", BIND), {
        link: { link: "/proc/self/attr/exec" },
      }],
      [mount("tmpfs", "tmpfs", "/link/fs", 14), {
        link: { link: "../../proc" },
      }],
      [mount("tmpfs", "tmpfs", "/link", 14), { link: { link: "/proc" } }],
      [mount("proc", "proc", "/link", 14), {
        link: { link: "/proc/self/attr" },
      }],
    ];
    for (const [item, traps] of cases) {
      const rootfs = await hostileRootfs(workspace, traps);
      const container = await workspace.container({
        rootfs,
        mounts: [...SYSTEM_MOUNTS, item],
      });
      const { code, stderr } = await container.sh("true");
      const label = `${item["device"]} at ${item["destination"]} ${
        JSON.stringify(traps)
      }`;
      assertEquals([label, code], [label, 125]);
      assertStringIncludes(stderr, "proc", label);
    }
  },
);

test("a file of /proc that is only read may be bound over", async (workspace) => {
  const source = await workspace.newDirectory();
  await Deno.writeTextFile(`${source}/file`, "1 fake processor\n");
  const container = await workspace.container({
    mounts: [
      ...SYSTEM_MOUNTS,
      mount("bind", `${source}/file`, "/proc/cpuinfo", BIND),
    ],
  });
  assertEquals(
    await container.output("cat /proc/cpuinfo"),
    "1 fake processor\n",
  );
});

test(
  "writes to /proc reach the kernel and not what is mounted over it (CVE-2019-16884, CVE-2025-52881, CVE-2025-62596)",
  async (workspace) => {
    const canary = await Canary.create(workspace);
    // The tree that is bound as the root has mounts over its own /proc.
    const rootfs = await hostileRootfs(workspace, {
      "proc/self/attr/exec": { text: "" },
      "proc/self/oom_score_adj": { text: "" },
      "proc/sys/kernel/shmmni": { text: "" },
    });
    const container = await workspace.container({
      rootfs,
      mounts: [],
      devices: [],
      mask_paths: [],
      readonly_paths: [],
      oom_score_adj: 77,
      sysctl: { "kernel.shmmni": "99" },
      capabilities: ["SYS_ADMIN"],
    });
    const { code, stdout, stderr } = await container.sh(
      "cat /proc/self/oom_score_adj /proc/sys/kernel/shmmni; mount -t proc p /tmp; " +
        "cat /tmp/self/oom_score_adj /tmp/sys/kernel/shmmni",
    );
    assertEquals([code, stdout], [0, "77\n99\n"], stderr);
    await canary.assertUntouched();
  },
);

test(
  "a label without a security module is an error and not left out",
  async (workspace) => {
    for (const key of ["apparmor_profile", "process_label", "mount_label"]) {
      const container = await workspace.container({ [key]: "some-profile" });
      const { code, stderr } = await container.sh("true");
      assertEquals([key, code], [key, 125]);
      assertStringIncludes(stderr, "some-profile");
    }
  },
  { needs: ["no-apparmor", "no-selinux"] },
);

test("a host whose own /proc is covered does not mislead the runtime", async (workspace) => {
  const container = await workspace.container({ oom_score_adj: 55 });
  const before = await mustRun(["cat", "/proc/self/oom_score_adj"]);
  const { code, stdout } = await container.sh("cat /proc/self/oom_score_adj", {
    prefix: [
      "unshare",
      "--mount",
      "bash",
      "-c",
      'mount --bind /dev/null /proc/self/oom_score_adj; exec "$@"',
      "bash",
    ],
  });
  assertEquals([code, stdout], [0, "55\n"]);
  assertEquals(await mustRun(["cat", "/proc/self/oom_score_adj"]), before);
});

/** Capabilities of first and joined programs, for every kind of user. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  type ConfigJson,
  containerTests,
  DEFAULT_CAPABILITIES,
  DEFAULT_NAMESPACES,
  newNamespaces,
  type TestContainer,
} from "../support/containers.ts";
import { compilePayload } from "../support/payload.ts";
import { maskOf, parseStatus } from "../support/process_status.ts";

const test = containerTests("seccaps");

const MAPS = [{ container_id: 0, host_id: 100000, size: 65536 }];
const NONE = "0".repeat(16);
const KEPT = maskOf(DEFAULT_CAPABILITIES);

const IN_USERNS: ConfigJson = {
  namespaces: newNamespaces(...DEFAULT_NAMESPACES, "NEWUSER"),
  uid_mappings: MAPS,
  gid_mappings: MAPS,
};

async function statusIn(
  container: TestContainer,
  flags: readonly string[],
): Promise<Record<string, string>> {
  const args = [...flags, "/bin/cat", "/proc/self/status"];
  const { code, stdout, stderr } = await container.exec(args);
  assertEquals(code, 0, stderr);
  return parseStatus(stdout);
}

function setsOf(status: Record<string, string>): string[] {
  const { CapInh, CapPrm, CapEff, CapBnd, CapAmb } = status;
  return [CapInh, CapPrm, CapEff, CapBnd, CapAmb].map((set) => set ?? "");
}

/** Every combination of user namespace, way in and user. */
async function forAll(
  make: (changes: ConfigJson) => Promise<TestContainer>,
  check: (
    label: string,
    status: Record<string, string>,
    isRoot: boolean,
  ) => void,
): Promise<void> {
  for (const userns of [false, true]) {
    const joined = await make(userns ? IN_USERNS : {});
    await using _running = await joined.hold();
    for (const joins of [false, true]) {
      const target = joins ? joined : await make(userns ? IN_USERNS : {});
      for (const user of ["0:0", "1000:1000"]) {
        const label = `userns ${userns}, joins ${joins}, user ${user}`;
        const status = await statusIn(target, ["--user", user]);
        check(label, status, user === "0:0");
      }
    }
  }
}

test(
  "root has the configured capabilities, other users none; inheritable and ambient sets are empty (CVE-2016-8867, CVE-2020-5291, CVE-2022-24769, CVE-2022-27649, CVE-2022-27650, CVE-2022-29162)",
  async (workspace) => {
    await forAll(
      (changes) => workspace.container(changes),
      (label, status, isRoot) => {
        const own = isRoot ? KEPT : NONE;
        assertEquals([label, ...setsOf(status)], [
          label,
          NONE,
          own,
          own,
          KEPT,
          NONE,
        ]);
        const id = isRoot ? "0" : "1000";
        const ids = `${id}\t${id}\t${id}\t${id}`;
        assertEquals([label, status["Uid"], status["Gid"], status["Groups"]], [
          label,
          ids,
          ids,
          "",
        ]);
      },
    );
  },
);

test("a container without capabilities has none", async (workspace) => {
  await forAll(
    (changes) => workspace.container({ ...changes, capabilities: [] }),
    (label, status) => {
      assertEquals([label, ...setsOf(status)], [
        label,
        NONE,
        NONE,
        NONE,
        NONE,
        NONE,
      ]);
    },
  );
});

test("what the caller could do does not widen what is configured", async (workspace) => {
  const container = await workspace.container({ capabilities: ["CHOWN"] });
  const wide = ["setpriv", "--inh-caps=+chown,+kill,+net_raw", "--"];
  const { stdout, stderr } = await container.exec(
    ["/bin/cat", "/proc/self/status"],
    { prefix: wide },
  );
  const chown = maskOf(["CHOWN"]);
  assertEquals(
    setsOf(parseStatus(stdout)),
    [NONE, chown, chown, chown, NONE],
    stderr,
  );
});

test("ambient capabilities of the caller do not reach a user inside (CVE-2016-8867)", async (workspace) => {
  const container = await workspace.container();
  const prefix = [
    "setpriv",
    "--inh-caps=+chown,+kill",
    "--ambient-caps=+chown,+kill",
    "--",
  ];
  const { stdout, stderr } = await container.exec(
    ["--user", "1000", "/bin/cat", "/proc/self/status"],
    { prefix },
  );
  assertEquals(
    setsOf(parseStatus(stdout)),
    [NONE, NONE, NONE, KEPT, NONE],
    stderr,
  );
});

test(
  "a file with inheritable capabilities gives a user nothing (CVE-2022-24769)",
  async (workspace) => {
    const path = `${workspace.rootfs}/bin/busybox-inheriting`;
    await Deno.copyFile(`${workspace.rootfs}/bin/busybox`, path);
    const setter = await compilePayload(
      `${workspace.dir}/setter`,
      `
int main(int argc, char **argv)
{
	/* struct vfs_cap_data, revision 2: inheritable chown, kill */
	uint32_t data[5] = { 0x02000001, 0, 0x21, 0, 0 };

	return syscall(SYS_setxattr, argv[1], "security.capability", data, sizeof(data), 0) ? 1 : 0;
}
`,
    );
    const done = await new Deno.Command(setter, { args: [path] }).output();
    assertEquals(done.code, 0);
    const container = await workspace.container();
    const { stdout, code, stderr } = await container.exec([
      "--user",
      "1000",
      "/bin/busybox-inheriting",
      "cat",
      "/proc/self/status",
    ]);
    assertEquals(code, 0, stderr);
    assertEquals(setsOf(parseStatus(stdout)).slice(1, 3), [NONE, NONE]);
    await Deno.remove(path);
  },
);

test("capabilities end at the user namespace's edge", async (workspace) => {
  const container = await workspace.container({
    ...IN_USERNS,
    capabilities: [
      "SYS_ADMIN",
      "DAC_OVERRIDE",
      "SYS_BOOT",
      "SYS_TIME",
      "MKNOD",
      "SYS_MODULE",
    ],
  });
  const output = await container.output(
    "cat /proc/self/uid_map; (echo h > /proc/sys/kernel/core_pattern) 2>&1; " +
      "date -s @1 2>&1; mknod /tmp/disk b 8 0 2>&1; hostname other && hostname",
  ).catch((error) => error.message as string);
  assertStringIncludes(output, "100000");
  for (
    const refusal of [
      "core_pattern",
      "date: can't set date",
      "mknod: /tmp/disk",
    ]
  ) {
    assertStringIncludes(output, refusal);
  }
});

test("a file of host root is nobody's to the root of a user namespace", async (workspace) => {
  const dir = await workspace.newDirectory();
  await Deno.writeTextFile(`${dir}/secret`, "of the host\n", { mode: 0o600 });
  const container = await workspace.container({
    ...IN_USERNS,
    mounts: [{
      device: "bind",
      source: dir,
      destination: "/tmp",
      flags: 4096,
      data: "",
      relabel: "",
    }],
    mask_paths: [],
    readonly_paths: [],
    devices: [],
  });
  const { stdout, stderr } = await container.sh(
    "stat -c %u /tmp/secret; cat /tmp/secret",
  );
  assertEquals(stdout, "65534\n");
  assertStringIncludes(stderr, "Permission denied");
});

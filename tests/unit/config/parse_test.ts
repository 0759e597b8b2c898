import { assert, assertEquals, assertRejects } from "@std/assert";
import { loadConfig, parseConfig } from "../../../lib/config/parse.ts";
import type { Dialect } from "../../../lib/config/types.ts";
import { ConfigError, type ConfigProblem } from "../../../lib/errors.ts";

const NS = '"namespaces": [{"type": "NEWNS"}]';

/** A D text around one more member; the member starts at line 2, column 1. */
function around(member: string): string {
  return `{"rootfs": "/r", ${NS},\n${member}}`;
}

async function problemsOf(
  text: string,
  options: Parameters<typeof parseConfig>[1] = {},
): Promise<readonly ConfigProblem[]> {
  const error = await assertRejects(
    () => parseConfig(text, options),
    ConfigError,
  );
  return error.problems;
}

Deno.test("parseConfig warns of unknown keys and names when permissive", async () => {
  const warnings: ConfigProblem[] = [];
  const text = around('"extra": 1, "capabilities": ["KILL", "FUTURE"]');
  const config = await parseConfig(text, {
    permissive: true,
    onWarning: (warning) => warnings.push(warning),
  });
  assertEquals(config.capabilities, ["KILL"]);
  assertEquals(warnings.map(({ path }) => path), ["extra", "capabilities[1]"]);
});

Deno.test("parseConfig never loses a namespace, permissive or not", async () => {
  const texts: [Dialect, string][] = [
    ["C3", '{"mount_config": {}, "namespaces": [{"type": ""}]}'],
    ["C3", '{"mount_config": {}, "namespaces": [{}]}'],
    ["C0", '{"namespaces": {"NEWNT": true}}'],
    ["D", '{"rootfs": "/r", "namespaces": [{"type": "NEWPIDS"}]}'],
    ["D", '{"rootfs": "/r", "namespaces": ["NEWNS", 5]}'],
  ];
  for (const [dialect, text] of texts) {
    await problemsOf(text, { dialect, permissive: true });
  }
  const asC3 = await parseConfig(
    '{"mount_config": {}, "namespaces": [{"name": "NEWNS"}]}',
    { dialect: "C3" },
  );
  assertEquals(asC3.namespaces, [{ type: "NEWNS" }]);
});

Deno.test("parseConfig refuses lists that could be meant to keep or to drop", async () => {
  const bare = '{"capabilities": ["SYS_ADMIN"]}';
  const [problem] = await problemsOf(bare);
  assert(problem?.message.includes("--dialect"));
  const kept = await parseConfig(bare, { dialect: "C0" });
  assertEquals(kept.capabilities, ["SYS_ADMIN"]);
  const dropped = await parseConfig(bare, { dialect: "A5" });
  assert(Array.isArray(dropped.capabilities));
  assertEquals(dropped.capabilities.includes("SYS_ADMIN"), false);
});

Deno.test("parseConfig refuses a drop list with names that no drop list had", async () => {
  const text = '{"namespaces": ["NEWNS"], "capabilities": ["CHOWN", "KILL"]}';
  assertEquals((await problemsOf(text)).map(({ path }) => path), [
    "capabilities[0]",
    "capabilities[1]",
  ]);
  await parseConfig(text, { dialect: "A5" });
});

Deno.test("parseConfig refuses B2 numbers that disagree with their keys", async () => {
  const text =
    '{"capabilities_mask": [{"key": "MKNOD", "value": 21, "enabled": false}],' +
    '"namespaces": [{"key": "NEWNS", "value": 67108864, "enabled": true}]}';
  const problems = await problemsOf(text);
  assertEquals(problems.map(({ path }) => path), [
    "capabilities_mask[0].value",
    "namespaces[0].value",
  ]);
  assert(problems[0]?.message.includes("MKNOD"));
  assert(problems[0]?.message.includes("SYS_ADMIN"));
});

Deno.test("parseConfig keeps the least of a mask map, unless B3 is named", async () => {
  const text = '{"capabilities_mask": {"MKNOD": true, "SYSLOG": false}}';
  const warnings: ConfigProblem[] = [];
  const onWarning = (warning: ConfigProblem): unknown => warnings.push(warning);
  const guessed = await parseConfig(text, { onWarning });
  assertEquals(guessed.capabilities, ["MKNOD"]);
  assertEquals(warnings.length, 1);
  const named = await parseConfig(text, { dialect: "B3" });
  assert(Array.isArray(named.capabilities));
  assertEquals(named.capabilities.length, 40);
});

Deno.test("parseConfig reads null and missing members as zero values", async () => {
  const text = around(
    '"hostname": null, "mounts": null, "cgroups": null,' +
      '"routes": null, "uid_mappings": null, "networks": null, "seccomp": null',
  );
  const config = await parseConfig(text);
  assertEquals(config.mounts.length, 6);
  assertEquals(config.devices.length, 6);
  assertEquals("hostname" in config, false);
  assertEquals(config.cgroups?.allowedDevices?.length, 14);
});

Deno.test("parseConfig takes empty lists of dialect D as they are", async () => {
  const text = around(
    '"mounts": [], "devices": [], "cgroups": {"allowed_devices": []}',
  );
  const config = await parseConfig(text);
  assertEquals([config.mounts, config.devices], [[], []]);
  assertEquals(config.cgroups?.allowedDevices, []);
});

Deno.test("parseConfig matches keys in any case", async () => {
  const config = await parseConfig(
    '{"Rootfs": "/r", "ReadonlyFS": true, "Namespaces": [{"Type": "NEWNS"}]}',
  );
  assertEquals([config.rootfs, config.readonlyfs], ["/r", true]);
});

Deno.test("parseConfig keeps limits above 2^53", async () => {
  const text = around(
    '"cgroups": {"memory": 9223372036854775807},' +
      '"rlimits": [{"type": 7, "hard": 18446744073709551615, "soft": 1}]',
  );
  const config = await parseConfig(text);
  assertEquals(config.cgroups?.memory, 9223372036854775807n);
  assertEquals(config.rlimits?.[0]?.hard, 18446744073709551615n);
});

Deno.test("parseConfig does not repeat the original's lost or invented limits", async () => {
  const read = async (limits: string): Promise<unknown[]> => {
    const { cgroups } = await parseConfig(around(`"cgroups": {${limits}}`));
    return [
      cgroups?.cpuQuota,
      cgroups?.memorySwappiness,
      cgroups?.memory,
      cgroups?.memorySwap,
    ];
  };
  assertEquals(await read('"cpu_quota": 5000, "memory": 0'), [
    5000,
    undefined,
    undefined,
    undefined,
  ]);
  assertEquals(await read('"memory_swappiness": -1'), [
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
  assertEquals(await read('"memory_swappiness": 0'), [
    undefined,
    0,
    undefined,
    undefined,
  ]);
  assertEquals(await read('"memory": 4096, "memory_swap": 0'), [
    undefined,
    undefined,
    4096,
    undefined,
  ]);
});

Deno.test("parseConfig reads seccomp of D and of E", async () => {
  const d = await parseConfig(
    around(
      '"seccomp": {"syscalls": [{"value": 56, "action": 1,' +
        '"args": [{"index": 0, "value": 268435456, "op": 4}, {"index": 1, "value": 2, "op": 2}]}]}',
    ),
  );
  assertEquals(d.seccomp?.syscalls[0], {
    name: 56,
    action: "SCMP_ACT_ERRNO",
    errnoRet: 1,
    args: [
      {
        index: 0,
        value: 268435456,
        valueTwo: 268435456,
        op: "SCMP_CMP_MASKED_EQ",
      },
      { index: 1, value: 2, valueTwo: 0, op: "SCMP_CMP_GT" },
    ],
  });
  const e = await parseConfig(
    around(
      '"seccomp": {"default_action": 2, "architectures": ["amd64"],' +
        '"syscalls": [{"name": "read", "action": 4, "args": []}]}',
    ),
  );
  assertEquals(e.dialect, "E");
  assertEquals(e.seccomp?.defaultAction, "SCMP_ACT_ERRNO");
  assertEquals(e.seccomp?.architectures, ["SCMP_ARCH_X86_64"]);
});

Deno.test("parseConfig reads what only runc's files have", async () => {
  const config = await parseConfig(
    around(
      '"no_new_privileges": true, "oom_score_adj": -5,' +
        '"rootPropagation": 262144, "labels": ["a=b"], "sysctl": {}, "Hooks": null,' +
        '"capabilities": {"Bounding": ["KILL"], "Ambient": null},' +
        '"mounts": [{"device": "tmpfs", "destination": "/a", "propagation_flags": [540672]}],' +
        '"cgroups": {"path": "/a/b", "pids_limit": 9, "blkio_weight_device": [{"major": 8, "minor": 0, "weight": 50}]}',
    ),
  );
  assertEquals([config.dialect, config.oomScoreAdj], ["E", -5]);
  assertEquals(config.rootPropagation, 262144);
  assertEquals(config.mounts[0]?.propagationFlags, [540672]);
  assertEquals([config.cgroups?.parent, config.cgroups?.name], ["/a", "b"]);
  assertEquals(config.cgroups?.blkioWeightDevice, [{
    major: 8,
    minor: 0,
    value: 50,
  }]);
});

Deno.test("parseConfig joins namespaces named by networks and ipc", async () => {
  const config = await parseConfig(
    '{"mount_config": {}, "namespaces": {"NEWNS": true},' +
      '"ipc": "/proc/1/ns/ipc", "networks": [{"type": "netns", "ns_path": "/run/netns/a"}]}',
  );
  assertEquals(config.namespaces, [
    { type: "NEWNS" },
    { type: "NEWNET", path: "/run/netns/a" },
    { type: "NEWIPC", path: "/proc/1/ns/ipc" },
  ]);
  assertEquals(config.networks, []);
});

Deno.test("parseConfig mounts nothing on the host when the mount namespace is shared", async () => {
  const config = await parseConfig('{"namespaces": {"NEWPID": true}}');
  assertEquals(config.mounts, []);
});

Deno.test("parseConfig resolves an old root against the container's directory", async () => {
  const text = '{"namespaces": ["NEWNS"], "rootfs": "root"}';
  const read = async (
    options: Parameters<typeof parseConfig>[1],
  ): Promise<string> => (await parseConfig(text, options)).rootfs;
  assertEquals(await read({ directory: "/srv/c" }), "/srv/c/root");
  assertEquals(await read({ path: "/srv/d/container.json" }), "/srv/d/root");
  assertEquals(await read({}), `${Deno.cwd()}/root`);
});

Deno.test("parseConfig cuts the root off destinations that have it", async () => {
  const config = await parseConfig(around(
    '"mounts": [{"device": "tmpfs", "destination": "/r/tmp"}]',
  ));
  assertEquals(config.mounts[0]?.destination, "/tmp");
});

Deno.test("loadConfig tells what keeps it from reading", async () => {
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeFile(file, Uint8Array.of(0x7b, 0xff, 0x7d));
    const error = await assertRejects(() => loadConfig(file), ConfigError);
    assert(error.message.includes("UTF-8"));
    assert(error.message.startsWith(file));
  } finally {
    await Deno.remove(file);
  }
  await assertRejects(() => loadConfig(file), ConfigError, "cannot read");
  await assertRejects(() => loadConfig("/tmp"), ConfigError, "cannot read");
  await assertRejects(
    () => loadConfig("/dev/zero"),
    ConfigError,
    "longer than",
  );
});

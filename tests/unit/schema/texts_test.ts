import { assert, assertEquals, assertRejects } from "@std/assert";
import { defaultConfig } from "../../../lib/config/defaults.ts";
import { defaultSeccomp } from "../../../lib/config/default_seccomp.ts";
import { formatConfig } from "../../../lib/config/format.ts";
import { hostRootConfig } from "../../../lib/config/host_root.ts";
import { parseConfig } from "../../../lib/config/parse.ts";
import type { Config } from "../../../lib/config/types.ts";
import { ConfigError } from "../../../lib/errors.ts";
import { renderFiles } from "../../../tasks/gen_schema.ts";
import { OBJECTS, ROOT_SHAPE, SCHEMA_ID } from "../../../tasks/schema/root.ts";
import { type Schema, validate } from "../../support/json_schema.ts";
import { loadSamples } from "../../support/samples.ts";
import { makeText, readText, VARIANTS } from "../../support/schema_texts.ts";

const ROOT = new URL("../../../", import.meta.url);
const SCHEMA: Schema = JSON.parse(
  Deno.readTextFileSync(new URL("schema/container.schema.json", ROOT)),
);
const BASE = {
  rootfs: "/srv/root",
  namespaces: ["NEWNS", "NEWUTS", "NEWPID", "NEWNET", "NEWUSER", "NEWTIME"]
    .map((type) => ({ type })),
  uid_mappings: [{ container_id: 0, host_id: 100000, size: 65536 }],
  gid_mappings: [{ container_id: 0, host_id: 100000, size: 65536 }],
};

Deno.test("schema and documentation are generated from the table", async () => {
  for (const [name, text] of Object.entries(await renderFiles())) {
    assertEquals(await Deno.readTextFile(new URL(name, ROOT)), text, name);
  }
});

Deno.test("every key and every object is documented", async () => {
  const text = await Deno.readTextFile(new URL("docs/configuration.md", ROOT));
  const [root = "", ...sections] = text.split(/^### /m);
  for (const [name, { keys }] of Object.entries(OBJECTS)) {
    const section = sections.find((part) => part.startsWith(`${name}\n`)) ?? "";
    for (const key of Object.keys(keys)) {
      assert(section.includes(`| \`${key}\` `), `${name}.${key}`);
    }
  }
  for (const key of Object.keys(ROOT_SHAPE.keys)) {
    const rest = [root, ...sections].join("");
    assert(rest.includes(`\n| \`${key}\` `), key);
  }
});

Deno.test("samples of dialect D, and all samples written as D, are valid", async () => {
  let count = 0;
  for (const { name, text } of loadSamples()) {
    const dialect =
      name === "2014-02-26-595d116-networks-list-caps-still-drop.json"
        ? { dialect: "A5" as const }
        : {};
    const config = await parseConfig(text, {
      path: `/srv/${name}`,
      ...dialect,
    });
    const written = JSON.parse(formatConfig(config, "container.json"));
    assertEquals(validate(SCHEMA, written), [], `${name}, written`);
    if (config.dialect !== "D") continue;
    assertEquals(validate(SCHEMA, JSON.parse(text)), [], name);
    count++;
  }
  assertEquals(count, 6);
});

Deno.test("whatever is read is written so that it is valid and reads the same", () => {
  for (let variant = 0; variant < VARIANTS; variant++) {
    const { config } = readText(makeText({ variant }));
    const text = JSON.parse(formatConfig(config, "container.json"));
    assertEquals(validate(SCHEMA, text), []);
    assertEquals(readText(text).problems, []);
    assertEquals(Object.keys(readText(text).config), Object.keys(config));
  }
});

/** One for each feature. */
const FEATURES: Readonly<Record<string, Record<string, unknown>>> = {
  "hooks": {
    hooks: {
      prestart: [{ path: "/bin/a", args: ["a"], env: ["A=1"], timeout: 3 }],
      createRuntime: [{ path: "/bin/a", dir: "/tmp" }],
      createContainer: [{ path: "/bin/a" }],
      startContainer: [{ path: "/bin/a" }],
      poststart: [{ path: "/bin/a" }],
      poststop: [{ path: "/bin/a" }],
    },
  },
  "a batch scheduler": {
    scheduler: {
      policy: "SCHED_BATCH",
      nice: 5,
      flags: ["SCHED_FLAG_RESET_ON_FORK"],
    },
  },
  "a deadline scheduler": {
    scheduler: {
      policy: "SCHED_DEADLINE",
      runtime: 10000000,
      deadline: 20000000,
      period: 30000000,
    },
  },
  "IO priority": { io_priority: { class: "IOPRIO_CLASS_IDLE", priority: 7 } },
  "an overlay": { overlay: { size: 67108864 } },
  "a kept overlay": { overlay: { upper: "/srv/kept", work: "/srv/work" } },
  "a host root": {
    rootfs: "/",
    host_root: { size: 8192, paths: ["/opt/tool"] },
  },
  "offsets of clocks": {
    time_offsets: {
      monotonic: { secs: -5, nanosecs: 1 },
      boottime: { secs: 86400, nanosecs: 0 },
    },
  },
  "id-mapped mounts": {
    mounts: [{
      device: "bind",
      source: "/srv/data",
      destination: "/data",
      flags: 20480,
      ridmap: true,
      uid_mappings: [{ container_id: 0, host_id: 1000, size: 10 }],
      gid_mappings: [{ container_id: 0, host_id: 1000, size: 10 }],
      propagation_flags: [540672, 262144],
    }],
  },
  "a filter in OCI's spelling": {
    seccomp: {
      defaultAction: "SCMP_ACT_ALLOW",
      flags: ["SECCOMP_FILTER_FLAG_LOG"],
      listenerPath: "/run/agent.sock",
      syscalls: [{ names: ["mkdir", 83], action: "SCMP_ACT_NOTIFY" }],
    },
  },
  "a filter in early runc's spelling": {
    seccomp: {
      default_action: 4,
      architectures: ["amd64"],
      syscalls: [{
        name: "socket",
        action: 2,
        args: [{ index: 0, value: 16, op: 1 }],
      }],
    },
  },
  "a filter in numbers": { seccomp: { syscalls: [{ value: 169, action: 1 }] } },
  "processes": {
    umask: 63,
    cpu_affinity: { initial: "0", final: "0-1" },
    personality: { domain: "LINUX32" },
    no_new_keyring: true,
    no_new_privileges: true,
    domainname: "example.org",
    oom_score_adj: 5,
    labels: ["a=b"],
    rlimits: [{ type: 7, hard: 18446744073709551615n, soft: 5 }],
  },
  "limits": {
    cgroups: {
      name: "a",
      parent: "b",
      memory: 268435456,
      cpu_burst: 20000,
      cpu_idle: 1,
      unified: { "memory.high": "200M" },
      pids_limit: 10,
    },
  },
  "five sets of capabilities": {
    capabilities: { bounding: ["KILL"], ambient: ["CAP_KILL"] },
  },
  "the address of the schema": { $schema: SCHEMA_ID },
  "nulls": { mounts: null, cgroups: null, seccomp: null, hostname: null },
};

function write(value: unknown): string {
  return JSON.stringify(
    value,
    (_key, item) => typeof item === "bigint" ? `<${item}>` : item,
  ).replaceAll(/"<(\d+)>"/g, "$1");
}

for (const [name, members] of Object.entries(FEATURES)) {
  Deno.test(`parser and schema take ${name}, also as written again`, async () => {
    const text = write({ ...BASE, ...members });
    assertEquals(validate(SCHEMA, JSON.parse(text)), []);
    const config = await parseConfig(text, { dialect: "D" });
    const again = formatConfig(config, "container.json");
    assertEquals(validate(SCHEMA, JSON.parse(again)), []);
    assertEquals(
      { ...await parseConfig(again), dialect: undefined },
      { ...config, dialect: undefined },
    );
  });
}

Deno.test("templates are written so that they are valid", () => {
  const configs: Config[] = [
    defaultConfig("/srv"),
    { ...defaultConfig("/srv"), seccomp: defaultSeccomp },
    hostRootConfig(),
  ];
  for (const config of configs) {
    const text = formatConfig(config, "container.json");
    assertEquals(validate(SCHEMA, JSON.parse(text)), []);
  }
});

Deno.test("$schema is for editors alone", async () => {
  const text = JSON.stringify({ ...BASE, $schema: SCHEMA_ID });
  const config = await parseConfig(text);
  assertEquals(config, await parseConfig(JSON.stringify(BASE)));
  assertEquals(
    JSON.parse(formatConfig(config, "container.json")).$schema,
    undefined,
  );
});

/** What neither takes. */
const BAD: readonly Record<string, unknown>[] = [
  { hostnme: "a" },
  { $schema: 5 },
  { $comment: "x" },
  { hostname: 5 },
  { readonlyfs: "yes" },
  { mounts: {} },
  { mounts: [{ destination: "/tmp" }] },
  { mounts: [{ device: "nfs", destination: "/tmp" }] },
  { mounts: [{ device: "tmpfs", destination: "/tmp", flags: -1 }] },
  { mounts: [{ device: "tmpfs", destination: "/tmp", relabel: "x" }] },
  { mounts: [{ type: "bind", source: "/a", destination: "/a" }] },
  { mounts: [null] },
  { devices: [{ type: "c", path: "/dev/null" }] },
  { devices: [{ type: 99, path: "/dev/null", file_mode: 99999 }] },
  { namespaces: ["NEWFOO"] },
  { namespaces: [{ type: "NEWNS", enabled: true }] },
  { namespaces: [{}] },
  { namespaces: { NEWNS: 1 } },
  { capabilities: ["SYS_GOD"] },
  { capabilities: { bounding: ["SYS_GOD"] } },
  { capabilities: { all: ["KILL"] } },
  { cgroups: { memory: -2 } },
  { cgroups: { memory: "1g" } },
  { cgroups: { freezer: "COLD" } },
  { cgroups: { memory_swappiness: 101 } },
  { cgroups: { cpu_idle: 2 } },
  { cgroups: { net_cls_classid: "zz" } },
  { cgroups: { blkio_weight_device: "sda 5" } },
  { cgroups: { paths: { memory: "/a" } } },
  { cgroups: { unified: { "memory.high": 5 } } },
  { networks: [{ type: "macvlan" }] },
  { rlimits: [{ type: 16, hard: 1, soft: 1 }] },
  { umask: 512 },
  { umask: "022" },
  { oom_score_adj: 1001 },
  { parent_death_signal: 65 },
  { parent_death_signal: "SIGKILL" },
  { scheduler: { nice: 5 } },
  { scheduler: { policy: "SCHED_FAIR" } },
  { scheduler: { policy: "SCHED_BATCH", nice: 20 } },
  { scheduler: { policy: "SCHED_BATCH", flags: ["RESET"] } },
  { io_priority: { class: "IOPRIO_CLASS_BE", priority: 8 } },
  { io_priority: { class: "BE" } },
  { personality: { domain: "BSD" } },
  { personality: {} },
  { time_offsets: { monotonic: { secs: 1, nanosecs: 1e9 } } },
  { time_offsets: { realtime: { secs: 1 } } },
  { overlay: { size: 1 } },
  { overlay: { lower: "/a" } },
  { host_root: { paths: "/opt" } },
  { hooks: { prestart: { path: "/bin/a" } } },
  { hooks: { prestart: [{ path: "/bin/a", timeout: 0 }] } },
  { hooks: { prestart: [{}] } },
  { hooks: { beforeStart: [] } },
  { seccomp: { defaultAction: "ALLOW" } },
  { seccomp: { defaultAction: "SCMP_ACT_ALLOW", syscalls: [{ names: [] }] } },
  { seccomp: { default_action: 7 } },
  { seccomp: { syscalls: [{ value: 1, action: -4 }] } },
  { seccomp: { defaultAction: "SCMP_ACT_ALLOW", default_action: 4 } },
  { environment: ["A=1"] },
  { tty: true },
  { intelRdt: {} },
];

for (const members of BAD) {
  Deno.test(`neither parser nor schema takes ${JSON.stringify(members)}`, async () => {
    const text = { ...BASE, ...members };
    assert(validate(SCHEMA, text).length > 0, "the schema takes it");
    await assertRejects(
      () => parseConfig(JSON.stringify(text), { dialect: "D" }),
      ConfigError,
    );
  });
}

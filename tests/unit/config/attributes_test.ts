import { assert, assertEquals, assertRejects } from "@std/assert";
import { defaultConfig } from "../../../lib/config/defaults.ts";
import { formatConfig } from "../../../lib/config/format.ts";
import { formatPath } from "../../../lib/config/json_scan.ts";
import { parseConfig } from "../../../lib/config/parse.ts";
import type { Config } from "../../../lib/config/types.ts";
import { findFaults } from "../../../lib/config/validate.ts";
import { ConfigError } from "../../../lib/errors.ts";

const base = defaultConfig("/srv/root");

const FULL: Partial<Config> = {
  domainname: "example",
  umask: 0o027,
  scheduler: {
    policy: "SCHED_DEADLINE",
    flags: ["SCHED_FLAG_RESET_ON_FORK"],
    runtime: 10_000_000,
    deadline: 20_000_000,
    period: 2n ** 62n,
  },
  ioPriority: { class: "IOPRIO_CLASS_BE", priority: 3 },
  cpuAffinity: { initial: "0", final: "0-1,3" },
  personality: { domain: "LINUX32" },
  timeOffsets: {
    monotonic: { secs: -3, nanosecs: 999_999_999 },
    boottime: { secs: 2n ** 60n, nanosecs: 0 },
  },
  noNewKeyring: true,
  namespaces: [...base.namespaces, { type: "NEWTIME" }],
};

Deno.test("attributes are written as dialect D and read back the same", async () => {
  const config: Config = { ...base, ...FULL };
  const read = await parseConfig(formatConfig(config, "container.json"));
  for (const key of Object.keys(FULL) as (keyof Config)[]) {
    assertEquals(read[key], config[key], key);
  }
});

Deno.test("attributes are written where OCI has them", () => {
  const warnings: string[] = [];
  const oci = JSON.parse(formatConfig({ ...base, ...FULL }, "oci", {
    onWarning: (warning) => warnings.push(warning),
  }));
  assertEquals(oci.process.user.umask, 0o027);
  assertEquals(oci.process.scheduler.policy, "SCHED_DEADLINE");
  assertEquals(oci.process.ioPriority, FULL.ioPriority);
  assertEquals(oci.process.execCPUAffinity, FULL.cpuAffinity);
  assertEquals(oci.linux.personality, FULL.personality);
  assertEquals(oci.linux.timeOffsets.monotonic.secs, -3);
  assertEquals(oci.domainname, "example");
  assert(warnings.some((warning) => warning.includes("no_new_keyring")));
});

Deno.test("a personality may be the number that early runc wrote", async () => {
  const text = JSON.stringify({
    rootfs: "/srv",
    namespaces: [{ type: "NEWNS" }],
    personality: { domain: 8 },
  });
  assertEquals((await parseConfig(text)).personality, { domain: "LINUX32" });
});

const FAULTS: readonly (readonly [Partial<Config>, string])[] = [
  [{ umask: 0o1000 }, "umask"],
  [{ umask: -1 }, "umask"],
  [{ umask: 1.5 }, "umask"],
  [{ scheduler: { policy: "SCHED_ISO" } }, "scheduler.policy"],
  [{ scheduler: { policy: "SCHED_FIFO" } }, "scheduler.priority"],
  [{ scheduler: { policy: "SCHED_RR", priority: 100 } }, "scheduler.priority"],
  [
    { scheduler: { policy: "SCHED_OTHER", priority: 1 } },
    "scheduler.priority",
  ],
  [{ scheduler: { policy: "SCHED_OTHER", nice: 20 } }, "scheduler.nice"],
  [{ scheduler: { policy: "SCHED_IDLE", nice: 5 } }, "scheduler.nice"],
  [{ scheduler: { policy: "SCHED_OTHER", period: 5 } }, "scheduler.period"],
  [{ scheduler: { policy: "SCHED_DEADLINE", runtime: 5 } }, "scheduler"],
  [
    {
      scheduler: {
        policy: "SCHED_DEADLINE",
        runtime: 9000,
        deadline: 5000,
        period: 0,
      },
    },
    "scheduler",
  ],
  [
    { scheduler: { policy: "SCHED_OTHER", flags: ["SCHED_FLAG_RESET"] } },
    "scheduler.flags[0]",
  ],
  [
    { ioPriority: { class: "IOPRIO_CLASS_BE", priority: 8 } },
    "ioPriority.priority",
  ],
  [{ cpuAffinity: { final: "3-1" } }, "cpuAffinity.final"],
  [{ cpuAffinity: { initial: "9999" } }, "cpuAffinity.initial"],
  [{ timeOffsets: {} }, "timeOffsets"],
  [
    { timeOffsets: {}, namespaces: [{ type: "NEWTIME", path: "/p" }] },
    "timeOffsets",
  ],
  [
    {
      timeOffsets: { monotonic: { secs: 0, nanosecs: -1 } },
      namespaces: [...base.namespaces, { type: "NEWTIME" }],
    },
    "timeOffsets.monotonic.nanosecs",
  ],
];

for (const [changes, path] of FAULTS) {
  Deno.test(`findFaults finds ${path} of ${JSON.stringify(changes).slice(0, 60)}`, () => {
    const faults = findFaults({ ...base, ...changes });
    const found = faults.map((fault) => formatPath(fault.path));
    assert(found.includes(path), found.join(", "));
  });
}

for (
  const [text, wanted] of [
    ['"scheduler": {"policy": "SCHED_OTER"}', "SCHED_OTHER"],
    ['"scheduler": {}', "policy is missing"],
    ['"scheduler": {"policy": "SCHED_RR", "prio": 1}', "priority"],
    ['"io_priority": {"class": "IOPRIO_CLASS_B"}', "IOPRIO_CLASS_BE"],
    ['"personality": {"domain": "BSD"}', "LINUX32"],
    ['"intel_rdt": {"closID": "a"}', "Intel RDT"],
    ['"umask": 512', "0 to 511"],
    ['"cpu_affinity": {"final": "x"}', "list like"],
    [
      '"time_offsets": {"boottime": {"secs": 1, "nanosecs": 1000000000}}',
      "999999999",
    ],
  ] as const
) {
  Deno.test(`parseConfig says what is wrong with ${text}`, async () => {
    const file =
      `{"rootfs": "/srv", "namespaces": [{"type": "NEWNS"}],\n${text}}`;
    const error = await assertRejects(
      () => parseConfig(file, { path: "c.json" }),
      ConfigError,
      wanted,
    );
    assert(error.message.includes("c.json:2:"), error.message);
  });
}

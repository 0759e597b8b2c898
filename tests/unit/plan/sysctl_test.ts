import { assertEquals, assertThrows } from "@std/assert";
import type { Namespace } from "../../../lib/config/types.ts";
import { ConfigError } from "../../../lib/errors.ts";
import { planSysctls } from "../../../lib/plan/sysctl.ts";
import { configWith } from "./support.ts";

const ALL: readonly Namespace[] = [
  { type: "NEWIPC" },
  { type: "NEWNET" },
  { type: "NEWUTS" },
  { type: "NEWUSER" },
];

function keys(key: string, namespaces = ALL, value = "1"): string[] {
  return planSysctls(configWith({ namespaces, sysctl: { [key]: value } }))
    .map((op) => op.op === "sysctl.write" ? op.key : op.name);
}

const ALLOWED: readonly (readonly [string, string])[] = [
  ["kernel.shmmni", "kernel/shmmni"],
  ["kernel/shmmax", "kernel/shmmax"],
  ["kernel.shm_rmid_forced", "kernel/shm_rmid_forced"],
  ["kernel.sem", "kernel/sem"],
  ["kernel.msgmax", "kernel/msgmax"],
  ["fs.mqueue.queues_max", "fs/mqueue/queues_max"],
  ["net.ipv4.ip_forward", "net/ipv4/ip_forward"],
  ["net.ipv4.conf.eth0/1.forwarding", "net/ipv4/conf/eth0.1/forwarding"],
  ["net/ipv4/conf/eth0.1/forwarding", "net/ipv4/conf/eth0.1/forwarding"],
  ["user.max_user_namespaces", "user/max_user_namespaces"],
];

const REFUSED = [
  "kernel.core_pattern",
  "kernel/core_pattern",
  "kernel.hostname",
  "kernel.shm_rmid_forced/../core_pattern",
  "kernel/shm_rmid_forced/../core_pattern",
  "kernel.shmmni/../../vm/drop_caches",
  "net/../kernel/core_pattern",
  "net..ipv4",
  "net.",
  "net",
  ".net.ipv4.ip_forward",
  "/net/ipv4/ip_forward",
  "../proc/sysrq-trigger",
  "",
  "vm.overcommit_memory",
  "fs.file-max",
  "fs.mqueue.a/b",
  "kernel.semaphore",
  "kernel.shm.x",
  "net.ipv4.ip_forward\n",
  "net.ipv4.ip forward",
];

Deno.test("planSysctls takes the parameters of namespaces by exact path", () => {
  for (const [key, path] of ALLOWED) assertEquals(keys(key), [path], key);
});

Deno.test("planSysctls sets the domain name by call in a user namespace", () => {
  const types: readonly Namespace[] = [{ type: "NEWUTS" }];
  assertEquals(keys("kernel.domainname", types), ["kernel/domainname"]);
  assertEquals(keys("kernel.domainname", ALL, "inside"), ["inside"]);
});

Deno.test("planSysctls refuses everything of the host", () => {
  for (const key of REFUSED) {
    assertThrows(() => keys(key), ConfigError, undefined, key);
  }
});

Deno.test("planSysctls refuses parameters of shared namespaces", () => {
  for (const [key] of ALLOWED) {
    assertThrows(() => keys(key, [{ type: "NEWNS" }]), ConfigError);
  }
});

Deno.test("planSysctls refuses values of several lines", () => {
  assertThrows(() => keys("kernel.sem", ALL, "1\n2"), ConfigError);
});

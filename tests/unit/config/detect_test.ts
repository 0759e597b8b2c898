import { assertEquals, assertThrows } from "@std/assert";
import { detectDialect, isOciConfig } from "../../../lib/config/detect.ts";
import type { Json } from "../../../lib/config/json.ts";
import type { Dialect } from "../../../lib/config/types.ts";
import { ConfigError } from "../../../lib/errors.ts";

const types = [{ type: "NEWNS", path: "" }];

const DETECTED: readonly [Dialect, Json][] = [
  ["A1", { command: { args: ["/bin/sh"] } }],
  ["A1", { log_file: "/x", namespaces: ["NEWNS"] }],
  ["A2", { namespaces: ["NEWNS"], network: { ip: "10.0.0.2/8" } }],
  ["A2", { network: { bridge: "br0" } }],
  ["A2", { cgroup_name: "a" }],
  ["A3", { namespaces: ["NEWNS"], network: { address: "10.0.0.2/8" } }],
  ["A3", { namespaces: ["NEWNS"], tty: false }],
  ["A4", { namespaces: ["NEWNS"], network: { type: "veth" } }],
  ["A5", { namespaces: ["NEWNS"], networks: [] }],
  ["A5", { namespaces: ["NEWNS"], context: {} }],
  ["B1", { capabilities_mask: [], namespaces: ["NEWNS"] }],
  ["B1", { capabilities_mask: ["MKNOD"] }],
  ["B2", { capabilities_mask: [{ key: "MKNOD" }] }],
  ["B2", { namespaces: [{ key: "NEWNS", value: 131072, enabled: true }] }],
  ["B3", { capabilities_mask: {} }],
  ["C0", { namespaces: {}, capabilities: [] }],
  ["C0", { device_nodes: [], capabilities: [] }],
  ["C0", { cgroups: { allowed_devices: [] } }],
  ["C1", { namespaces: {}, mount_config: {} }],
  ["C1", { namespaces: {}, networks: [{ veth_prefix: "veth" }] }],
  ["C1", { namespaces: {}, process_label: "x" }],
  ["C1", { restrict_sys: true }],
  ["C2", { namespaces: [{ name: "NEWNS" }] }],
  ["C3", { namespaces: types, mount_config: {} }],
  ["D0", { namespaces: types, tty: true }],
  ["D0", { namespaces: types, mounts: [{ type: "tmpfs" }] }],
  ["D0", { namespaces: types, root_fs: "/x" }],
  ["D", { namespaces: types, rootfs: "/x" }],
  ["D", { namespaces: types, mask_paths: [], user: "daemon" }],
  ["D", { namespaces: null, readonlyfs: false }],
  ["D", { namespaces: [], mounts: [{ device: "bind" }] }],
  ["D", { rootfs: "/x", devices: [] }],
  ["E", { namespaces: types, no_new_privileges: true }],
  ["E", { namespaces: types, cgroups: { pids_limit: 5 } }],
  ["E", { sysctl: { "kernel.shmmni": "5" } }],
  ["D", { Namespaces: types, RootFS: "/x" }],
];

Deno.test("detectDialect follows the shape", () => {
  for (const [dialect, json] of DETECTED) {
    assertEquals(detectDialect(json), dialect, JSON.stringify(json));
  }
});

Deno.test("detectDialect refuses what nothing decides, saying how to decide", () => {
  const texts: Json[] = [
    { capabilities: ["SYS_ADMIN"] },
    { capabilities: ["CHOWN"], hostname: "a", tty: true },
    {},
    { hostname: "a" },
    { rootfs: "/x" },
    [],
    null,
    "x",
    { version: "0.1.0", process: {} },
  ];
  for (const json of texts) {
    assertThrows(() => detectDialect(json), ConfigError);
  }
  assertThrows(
    () => detectDialect({ capabilities: ["SYS_ADMIN"] }),
    ConfigError,
    "--dialect",
  );
});

Deno.test("a config.json is known by its ociVersion", () => {
  assertEquals(detectDialect({ ociVersion: "1.0.2" }), "OCI");
  assertEquals(detectDialect({ ociversion: "x", namespaces: [] }), "OCI");
});

Deno.test("isOciConfig knows early runc files from state files", () => {
  assertEquals(isOciConfig({ version: "0.1.0", process: {} }), true);
  assertEquals(isOciConfig({ version: "1.0", namespaces: [] }), false);
});

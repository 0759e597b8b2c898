/**
 * Which dialect a configuration is: a container.json never had a version key, so
 * the shape decides; a config.json has `ociVersion`.
 *
 * @module
 */
import { ConfigError } from "../errors.ts";
import { isJsonObject, type Json, type JsonObject } from "./json.ts";
import type { Dialect } from "./types.ts";

/** Read-only view with keys in lower case: Go matched them in any case. */
class Shape {
  readonly #members = new Map<string, Json>();

  constructor(value: Json | undefined) {
    if (!isJsonObject(value)) return;
    for (const [key, member] of Object.entries(value)) {
      if (member !== null) this.#members.set(key.toLowerCase(), member);
    }
  }

  get(key: string): Json | undefined {
    return this.#members.get(key);
  }

  has(...keys: readonly string[]): boolean {
    return keys.some((key) => this.#members.has(key));
  }

  inner(key: string): Shape {
    return new Shape(this.get(key));
  }

  /** Whether some item of a list has one of the keys. */
  itemHas(list: string, ...keys: readonly string[]): boolean {
    const items = this.get(list);
    return Array.isArray(items) &&
      items.some((item: Json) => new Shape(item).has(...keys));
  }

  first(list: string): Json | undefined {
    const items = this.get(list);
    return Array.isArray(items) ? items[0] : undefined;
  }
}

function detectA(root: Shape): Dialect {
  const network = root.inner("network");
  if (root.has("networks", "context", "mounts", "no_pivot_root")) return "A5";
  if (network.has("type", "context")) return "A4";
  return root.has("tty") || network.has("address") ? "A3" : "A2";
}

function isE(root: Shape): boolean {
  return root.has(
    "sysctl",
    "rootpropagation",
    "no_new_privileges",
    "no_new_keyring",
    "labels",
    "oom_score_adj",
    "hooks",
    "version",
    "rootless",
    "domainname",
    "umask",
    "scheduler",
    "io_priority",
    "cpu_affinity",
    "personality",
    "time_offsets",
    "intel_rdt",
  ) ||
    isJsonObject(root.get("capabilities")) ||
    root.itemHas("mounts", "propagation_flags") ||
    root.inner("seccomp").has("default_action") ||
    root.inner("cgroups").has(
      "path",
      "paths",
      "pids_limit",
      "scope_prefix",
      "kernel_memory_tcp",
      "cpu_rt_quota",
      "net_cls_classid_u",
    );
}

/** Keys that came when the process settings had gone. */
function hasOnlyD(root: Shape): boolean {
  return root.has(
    "mask_paths",
    "readonly_paths",
    "parent_death_signal",
    "privatefs",
    "system_properties",
    "seccomp",
    "overlay",
    "host_root",
  ) || root.itemHas("mounts", "device");
}

/** Keys that D0 still had, or mounts with a type. */
function isD0(root: Shape): boolean {
  if (hasOnlyD(root)) return false;
  return root.has(
    "environment",
    "tty",
    "user",
    "working_dir",
    "restrict_sys",
    "root_fs",
    "readonly_fs",
    "device_nodes",
    "console",
  ) ||
    root.itemHas("mounts", "type");
}

function isC1(root: Shape): boolean {
  return root.has(
    "mount_config",
    "restrict_sys",
    "root_fs",
    "apparmor_profile",
    "process_label",
  ) || root.itemHas("networks", "veth_prefix");
}

function detectByNamespaces(root: Shape): Dialect | undefined {
  const namespaces = root.get("namespaces");
  if (isJsonObject(namespaces)) return isC1(root) ? "C1" : "C0";
  const first = root.first("namespaces");
  if (typeof first === "string") return detectA(root);
  const item = new Shape(first);
  if (item.has("key")) return "B2";
  if (item.has("name")) return "C2";
  if (!item.has("type")) return undefined;
  if (root.has("mount_config")) return "C3";
  if (isD0(root)) return "D0";
  return isE(root) ? "E" : "D";
}

function detectByMarkers(root: Shape): Dialect | undefined {
  const isD = hasOnlyD(root) ||
    root.has("readonlyfs", "uid_mappings", "gid_mappings", "devices") ||
    root.itemHas("networks", "host_interface_name");
  if (isE(root)) return "E";
  if (isD) return isD0(root) ? "D0" : "D";
  if (root.has("mount_config", "restrict_sys")) return "C1";
  if (root.has("device_nodes", "allowed_devices", "routes", "context")) {
    return "C0";
  }
  const cgroups = root.inner("cgroups");
  if (cgroups.has("allowed_devices", "allow_all_devices")) return "C0";
  const isA = isJsonObject(root.get("network")) ||
    root.has("cgroup_name") || cgroups.has("device_access");
  return isA ? detectA(root) : undefined;
}

/**
 * Tells whether a JSON value is an OCI configuration, or one of before 1.0.
 *
 * @param json The parsed text.
 * @returns True when it is, so that it is no container.json.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { isOciConfig } from "./detect.ts";
 *
 * assert(isOciConfig({ ociVersion: "1.0.2" }));
 * ```
 */
export function isOciConfig(json: Json): json is JsonObject {
  const root = new Shape(json);
  return root.has("ociversion") ||
    root.has("version") && root.has("process", "platform");
}

/**
 * Finds the dialect of a configuration by its shape.
 *
 * Pure. Where two dialects would read it differently and nothing decides, it
 * is refused: the same list of capabilities meant "drop these" in 2014-02 and
 * "keep these" in 2014-05.
 *
 * @param json The parsed text.
 * @returns The dialect.
 * @throws {ConfigError} `ConfigInvalid` when it is no container.json, or when
 * the dialect must be named.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { detectDialect } from "./detect.ts";
 *
 * assertEquals(detectDialect({ namespaces: { NEWNS: true } }), "C0");
 * ```
 */
export function detectDialect(json: Json): Dialect {
  const refuse = (message: string): never => {
    throw new ConfigError(message, [{ path: "", message }]);
  };
  if (!isJsonObject(json)) return refuse("wanted a JSON object");
  if (isOciConfig(json)) {
    return new Shape(json).has("ociversion") ? "OCI" : refuse(
      "this is an OCI configuration of before its first version: it has no" +
        ' ociVersion; add "ociVersion": "1.0.0" and have it as runtime-spec' +
        " 1.0 says",
    );
  }
  const root = new Shape(json);
  if (root.has("command", "namespace_pid", "log_file")) return "A1";
  const mask = root.get("capabilities_mask");
  if (isJsonObject(mask)) return "B3";
  if (mask !== undefined) {
    return isJsonObject(root.first("capabilities_mask")) ? "B2" : "B1";
  }
  const found = detectByNamespaces(root) ?? detectByMarkers(root);
  if (found !== undefined) return found;
  return refuse(
    root.has("capabilities")
      ? 'cannot tell whether "capabilities" lists what is dropped (2014-02) or' +
        " kept (2014-05 on); name the dialect (--dialect A5 or --dialect D)"
      : "cannot tell which dialect of container.json this is; name it" +
        " (--dialect D for a new file)",
  );
}

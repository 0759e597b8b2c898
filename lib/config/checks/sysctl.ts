/**
 * Checks of kernel parameters: only those of the container's own namespaces.
 *
 * @module
 */
import { quote } from "../problems.ts";
import type { Config, NamespaceType } from "../types.ts";
import { type Check, hasNamespace, type Report } from "./report.ts";

/** Parameters of the IPC namespace, by exact name (ipc_namespaces(7)). */
const IPC_KEYS: ReadonlySet<string> = new Set([
  "kernel/auto_msgmni",
  "kernel/msgmax",
  "kernel/msgmnb",
  "kernel/msgmni",
  "kernel/msg_next_id",
  "kernel/sem",
  "kernel/sem_next_id",
  "kernel/shmall",
  "kernel/shmmax",
  "kernel/shmmni",
  "kernel/shm_next_id",
  "kernel/shm_rmid_forced",
  "fs/mqueue/msg_default",
  "fs/mqueue/msg_max",
  "fs/mqueue/msgsize_default",
  "fs/mqueue/msgsize_max",
  "fs/mqueue/queues_max",
]);
const MAX_VALUE = 4096;

/**
 * Turns a sysctl key into its components, as sysctl(8) does: the first
 * separator decides, and with dots a slash stands for a dot in a name.
 *
 * @param key `kernel.shmmni`, `net/ipv4/conf/eth0.1/mtu`, `net.ipv4.conf.eth0/1.mtu`.
 * @returns The components below /proc/sys; `undefined` when it is no key.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { splitSysctlKey } from "./sysctl.ts";
 *
 * assertEquals(splitSysctlKey("kernel/shmmni"), ["kernel", "shmmni"]);
 * assertEquals(splitSysctlKey("kernel/../x"), undefined);
 * ```
 */
export function splitSysctlKey(key: string): readonly string[] | undefined {
  if (!/^[\w./:-]{1,255}$/.test(key)) return undefined;
  const isSlashed = key.search(/[./]/) === key.indexOf("/");
  const parts = isSlashed
    ? key.split("/")
    : key.split(".").map((part) => part.replaceAll("/", "."));
  const isPlain = parts.length > 1 &&
    parts.every((part) => !["", ".", ".."].includes(part));
  return isPlain ? parts : undefined;
}

/** Namespace that a parameter belongs to; nothing when it is the host's. */
function findOwner(parts: readonly string[]): NamespaceType | undefined {
  const path = parts.join("/");
  if (IPC_KEYS.has(path)) return "NEWIPC";
  if (path === "kernel/domainname") return "NEWUTS";
  if (parts[0] === "net") return "NEWNET";
  return parts[0] === "user" ? "NEWUSER" : undefined;
}

function findFault(
  config: Config,
  key: string,
  value: string,
): string | undefined {
  const parts = splitSysctlKey(key);
  if (parts === undefined) {
    return "wanted a key like kernel.shmmni, without empty or .. components";
  }
  if (parts.join("/") === "kernel/hostname") return "use hostname instead";
  const type = findOwner(parts);
  if (type === undefined) {
    return "belongs to the whole host; only keys of the container's namespaces" +
      " can be set (net.*, fs.mqueue.*, kernel.msg*, kernel.sem*, kernel.shm*," +
      " kernel.domainname, user.*)";
  }
  // Whether one that is joined is the host's is looked at when it is.
  if (!hasNamespace(config, type)) {
    return `needs a ${type} namespace, else it would change the host's`;
  }
  const isText = value.length <= MAX_VALUE && /^[\x20-\x7e\t]*$/.test(value);
  return isText ? undefined : "the value must be one line of printable ASCII";
}

/** A parameter that is set in a namespace that is joined. */
export interface JoinedParameter {
  /** Its key, as the configuration has it. */
  readonly key: string;
  /** The namespace that it belongs to. */
  readonly type: NamespaceType;
  /** Where that is found. */
  readonly path: string;
}

/**
 * Lists the kernel parameters that belong to namespaces which others have made. Pure.
 *
 * @param config A configuration without faults.
 * @returns Each with its namespace.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../defaults.ts";
 * import { joinedParameters } from "./sysctl.ts";
 *
 * const config = { ...defaultConfig("/srv"), sysctl: { "kernel.sem": "1" } };
 * assertEquals(joinedParameters(config), []);
 * ```
 */
export function joinedParameters(
  config: Pick<Config, "sysctl" | "namespaces">,
): JoinedParameter[] {
  return Object.keys(config.sysctl ?? {}).flatMap((key) => {
    const type = findOwner(splitSysctlKey(key) ?? []);
    const path = config.namespaces.find((each) => each.type === type)?.path;
    return type && path ? [{ key, type, path }] : [];
  });
}

function checkSysctl(config: Config, report: Report): void {
  for (const [key, value] of Object.entries(config.sysctl ?? {})) {
    const fault = findFault(config, key, value);
    if (fault !== undefined) report(["sysctl", key], `${quote(key)}: ${fault}`);
  }
}

/** Checks of kernel parameters. */
export const SYSCTL_CHECKS: readonly Check[] = [
  { name: "kernel parameters are the container's own", run: checkSysctl },
];

/**
 * Parts of a configuration that have many members, from the few that differ.
 *
 * @module
 */
import { MOUNT_FLAGS } from "./names/mount_flags.ts";
import type { Mount, Network } from "./types.ts";

/** How a directory of the host is bound. */
export interface BindOptions {
  /** Whether it is read-only inside. */
  readonly readonly?: boolean;
}

/**
 * Describes a mount that shows a file or directory of the host, with what is
 * mounted below it; without devices and set-user-id programs.
 *
 * @param source Absolute path on the host.
 * @param destination Absolute path inside; made when missing.
 * @param options Whether it is read-only.
 * @returns An entry of `mounts`.
 *
 * @example
 * ```ts
 * import { bindMount } from "./shorthands.ts";
 * import { defaultConfig } from "./defaults.ts";
 *
 * const base = defaultConfig("/srv/root");
 * const data = bindMount("/srv/data", "/data", { readonly: true });
 * const config = { ...base, mounts: [...base.mounts, data] };
 * if (config.mounts.length !== 7) throw new Error("changed");
 * ```
 */
export function bindMount(
  source: string,
  destination: string,
  options: BindOptions = {},
): Mount {
  const { MS_BIND, MS_REC, MS_NOSUID, MS_NODEV, MS_RDONLY } = MOUNT_FLAGS;
  const flags = MS_BIND | MS_REC | MS_NOSUID | MS_NODEV |
    (options.readonly ? MS_RDONLY : 0);
  return { device: "bind", source, destination, flags, data: "", relabel: "" };
}

/**
 * Describes a veth pair: one end inside, the other on a bridge of the host.
 *
 * @param members The bridge, and what else differs: `address` and `gateway`
 * most of the time. The interface is `eth0` inside unless it has a `name`.
 * @returns An entry of `networks`.
 *
 * @example
 * ```ts
 * import { vethNetwork } from "./shorthands.ts";
 *
 * const eth0 = vethNetwork({ bridge: "br0", address: "10.0.0.2/24" });
 * if (eth0.name !== "eth0" || eth0.gateway !== "") throw new Error("changed");
 * ```
 */
export function vethNetwork(
  members: Partial<Omit<Network, "type">> & Pick<Network, "bridge">,
): Network {
  return {
    type: "veth",
    name: "eth0",
    macAddress: "",
    address: "",
    gateway: "",
    ipv6Address: "",
    ipv6Gateway: "",
    mtu: 0,
    txqueuelen: 0,
    hostInterfaceName: "",
    vethPrefix: "veth",
    hairpinMode: false,
    ...members,
  };
}

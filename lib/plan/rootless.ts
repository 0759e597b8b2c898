/**
 * Containers of ordinary users: what is changed in a configuration so that it
 * can be carried out without root, and what is refused.
 *
 * @module
 */
import type { Config, IdMapping, Namespace } from "../config/types.ts";
import { HostError } from "../errors.ts";
import type { Host, IdRange } from "../host/types.ts";

/** The user's own id as root inside, then further ranges in order. */
function mapOwn(id: number, ranges: readonly IdRange[]): IdMapping[] {
  let containerId = 1;
  const further = ranges.map(({ first, size }) => {
    const line = { containerId, hostId: first, size };
    containerId += size;
    return line;
  });
  return [{ containerId: 0, hostId: id, size: 1 }, ...further];
}

/**
 * Adds the user namespace without which nobody but root can make a container.
 * Pure.
 *
 * Inside, root is the user; the ranges of /etc/subuid and /etc/subgid follow
 * from id 1 where newuidmap(1) and newgidmap(1) are there to map them. A
 * configuration that has a user namespace is left as it is.
 *
 * @param config The configuration.
 * @param host The machine.
 * @returns The configuration that is carried out and recorded.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { addUserNamespace } from "./rootless.ts";
 *
 * const config = addUserNamespace(defaultConfig("/srv/root"), {
 *   euid: 1000,
 *   user: { gid: 1000, subordinateUids: [], subordinateGids: [], hasMappers: false },
 * });
 * assertEquals(config.uidMappings, [{ containerId: 0, hostId: 1000, size: 1 }]);
 * ```
 */
export function addUserNamespace(
  config: Config,
  host: Pick<Host, "euid" | "user">,
): Config {
  const { euid, user } = host;
  const hasOwn = config.namespaces.some(({ type }) => type === "NEWUSER");
  if (euid === 0 || user === undefined || hasOwn) return config;
  const uids = user.hasMappers ? user.subordinateUids : [];
  const gids = user.hasMappers ? user.subordinateGids : [];
  const added: Namespace = { type: "NEWUSER" };
  return {
    ...config,
    namespaces: [...config.namespaces, added],
    uidMappings: mapOwn(euid, uids),
    gidMappings: mapOwn(user.gid, gids),
  };
}

/**
 * Refuses what only root can do. Pure.
 *
 * @param config The configuration, with a user namespace.
 * @param host The machine.
 * @throws {HostError} `HostUnsupported` for overlays and veth interfaces.
 *
 * @example
 * ```ts
 * import { defaultConfig } from "../config/defaults.ts";
 * import { checkUnprivileged } from "./rootless.ts";
 *
 * checkUnprivileged(defaultConfig("/srv/root"), { euid: 1000 });
 * ```
 */
export function checkUnprivileged(
  config: Config,
  host: Pick<Host, "euid">,
): void {
  if (host.euid === 0) return;
  if (config.overlay !== undefined) {
    throw new HostError(
      "Cannot lay an overlay over the rootfs: this needs root; use sudo, or leave overlay out and give the container a copy of its own",
    );
  }
  const veth = (config.networks ?? []).find(({ type }) => type === "veth");
  if (veth === undefined) return;
  throw new HostError(
    `Cannot make the veth interface ${veth.name}: only root may put an interface on a bridge of the host; use sudo, or leave it out and keep the loopback`,
  );
}

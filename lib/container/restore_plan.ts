/**
 * Plans what of a restore is ours: where its groups, root and mounts from outside
 * are now.
 *
 * @module
 */
import type { Config } from "../config/types.ts";
import { validateConfig } from "../config/validate.ts";
import { HostError, StateError } from "../errors.ts";
import { probeHost } from "../host/probe.ts";
import { buildRestorePlan } from "../plan/restore.ts";
import type { ResourceCgroup } from "../plan/types.ts";
import type { ImageRecord } from "./images.ts";
import { findSources, movedPath } from "./restore_mounts.ts";
import type { RestoreRequest, Restoring } from "./restore_types.ts";
import { checkRootfs, placeContainer, scopeOf } from "./start.ts";

/** The namespaces are in the images: the configuration cannot have others. */
function checkNamespaces(
  id: string,
  wanted: Config,
  { config }: ImageRecord,
): void {
  const listOf = ({ namespaces }: Config): string =>
    namespaces.map(({ type }) => type).toSorted().join(" ");
  if (listOf(wanted) === listOf(config)) return;
  throw new StateError(
    "ContainerNotExists",
    `Cannot restore container ${id}: its configuration has the namespaces ${
      listOf(wanted)
    }, the images have ${
      listOf(config)
    }; use the configuration of the checkpoint`,
  );
}

/**
 * Plans a restore; touches nothing.
 *
 * @param request What is restored, as what.
 * @param stateDir Directory of the container's state.
 * @returns The Plan and what it was made from.
 * @throws {ConfigError} `ConfigInvalid` for a configuration that cannot be.
 * @throws {StateError} `ContainerNotExists` for images that are of another container.
 * @throws {HostError} `HostUnsupported` without root.
 *
 * @example
 * ```ts ignore
 * const { plan } = await planRestore(request, locked.dir);
 * ```
 */
export async function planRestore(
  request: RestoreRequest,
  stateDir: string,
): Promise<Restoring> {
  const { id, config, directory = "", images: { record } } = request;
  validateConfig(config);
  checkNamespaces(id, config, record);
  await checkRootfs(config.rootfs);
  const host = probeHost();
  if (host.euid !== 0) {
    throw new HostError(
      `Cannot restore container ${id}: only root can restore processes`,
    );
  }
  const placed = placeContainer(request, stateDir);
  const cgroups = await scopeOf(request, placed, host);
  const placement = { ...placed, ...(cgroups && { cgroups }) };
  const sourcesWith = (newGroups: readonly ResourceCgroup[]) =>
    findSources({
      mounts: record.mounts,
      oldGroups: record.cgroups,
      newGroups,
      config,
      move: (path) => movedPath(path, record.directory, directory),
    });
  const input = { config, host, placement };
  // Where the groups are is planned first, since some of the mounts show them.
  const first = buildRestorePlan({ ...input, mounts: sourcesWith([]) });
  const mounts = sourcesWith(first.resources.cgroups);
  const sources = new Map(
    record.mounts.map(({ key }, at) => [key, mounts[at]?.source ?? ""]),
  );
  const full = buildRestorePlan({ ...input, mounts });
  return { request, record, host, placement, plan: full, sources };
}

/**
 * Who the process is: user, groups, capabilities.
 *
 * @module
 */
import {
  CAPABILITIES,
  type CapabilityName,
} from "../config/names/capabilities.ts";
import type { CapabilitySets, Config } from "../config/types.ts";
import type { Host } from "../host/types.ts";
import { type ChildOp, type Op, POINTS } from "./ops.ts";
import { refuse } from "./refusal.ts";
import { defaultUser } from "./root.ts";
import type { FindUser, ProcessSpec } from "./types.ts";

/** The five capability sets as masks. */
export interface CapabilityMasks {
  /** Upper bound of what exec can give. */
  readonly bounding: bigint;
  /** In force. */
  readonly effective: bigint;
  /** May be made effective. */
  readonly permitted: bigint;
  /** Kept over exec for files that say so. */
  readonly inheritable: bigint;
  /** Kept over exec for all files. */
  readonly ambient: bigint;
}

function isList(
  capabilities: readonly CapabilityName[] | CapabilitySets,
): capabilities is readonly CapabilityName[] {
  return Array.isArray(capabilities);
}

/**
 * Turns capabilities into masks. Pure.
 *
 * A plain list is bounding, permitted and effective; inheritable and ambient
 * stay empty. (The original filled inheritable too, which gives capabilities to
 * users that should not have them: CVE-2022-29162.) Of five sets, effective is
 * cut to permitted and ambient to permitted and inheritable, as the kernel
 * would refuse more. What there is not to give is left out.
 *
 * @param capabilities Names, the five sets, or none at all.
 * @param available Mask of what there is to give.
 * @returns The masks.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { capabilityMasks } from "./identity.ts";
 *
 * const masks = capabilityMasks(["CHOWN", "KILL"], 0xffn);
 * assertEquals([masks.bounding, masks.effective, masks.ambient], [0x21n, 0x21n, 0n]);
 * ```
 */
export function capabilityMasks(
  capabilities: readonly CapabilityName[] | CapabilitySets | undefined,
  available: bigint,
): CapabilityMasks {
  const mask = (names: readonly CapabilityName[]): bigint =>
    names.reduce(
      (bits, name) => bits | (1n << BigInt(CAPABILITIES.indexOf(name))),
      0n,
    ) & available;
  const given = capabilities ?? [];
  if (isList(given)) {
    const kept = mask(given);
    return {
      bounding: kept,
      effective: kept,
      permitted: kept,
      inheritable: 0n,
      ambient: 0n,
    };
  }
  const permitted = mask(given.permitted);
  const inheritable = mask(given.inheritable);
  return {
    bounding: mask(given.bounding),
    effective: mask(given.effective) & permitted,
    permitted,
    inheritable,
    ambient: mask(given.ambient) & permitted & inheritable,
  };
}

/**
 * The capabilities that there are to give. The first process of a new user
 * namespace has them all, see user_namespaces(7); elsewhere nobody can give
 * what he does not have, e.g. root of a container, and asking is EPERM.
 */
function capabilitiesToGive(
  config: Config,
  host: Pick<Host, "lastCapability" | "capabilityBound">,
): bigint {
  const known = (1n << BigInt(host.lastCapability + 1)) - 1n;
  const isInOwn = config.namespaces.some(({ type }) => type === "NEWUSER");
  return isInOwn ? known : known & (host.capabilityBound ?? known);
}

/** With SYS_ADMIN a process could make writable what a host root shows. */
function checkHostRootMasks(
  { hostRoot }: Config,
  { bounding, permitted }: CapabilityMasks,
): void {
  const admin = 1n << BigInt(CAPABILITIES.indexOf("SYS_ADMIN"));
  if (hostRoot === undefined || ((bounding | permitted) & admin) === 0n) return;
  throw refuse(
    "capabilities",
    "Cannot give SYS_ADMIN in a host root: it could make the host's files writable; leave it out",
  );
}

/** crun's annotation, which engines set for `--group-add keep-groups`. */
const KEEP_GROUPS = "run.oci.keep_original_groups=1";

/** What the identity adds to a Plan. */
export interface IdentityPart {
  /** Parent: waits for the child, then resolves names while it waits. */
  readonly parent: readonly [Op<"await">, Op<"user.resolve">];
  /** Child: hands over passwd and group, waits for the user record. */
  readonly lookup: readonly ChildOp[];
  /** Child: bounding set, then ids; capabilities are kept. */
  readonly change: readonly ChildOp[];
  /** Child: the final capability sets. */
  readonly drop: Op<"caps.set">;
}

/**
 * Plans user, groups and capabilities. Pure.
 *
 * Order: bounding set, groups, ids, sets (CVE-2020-5291). The bounding set goes
 * first because dropping from it needs SETPCAP.
 *
 * @param config The configuration.
 * @param process The process.
 * @param host The machine.
 * @param options `groupsDenied`: setgroups(2) is denied in the user namespace;
 * `findUser`: tells what was looked up before.
 * @returns The operations.
 * @throws {ConfigError} `ConfigInvalid` for groups where setgroups(2) is denied.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { planIdentity } from "./identity.ts";
 *
 * const part = planIdentity(
 *   defaultConfig("/srv/root"),
 *   { user: "daemon" },
 *   { lastCapability: 40 },
 *   { groupsDenied: false },
 * );
 * assertEquals(part.change.map(({ op }) => op), ["caps.bound", "user.apply"]);
 * ```
 */
export function planIdentity(
  config: Config,
  process: Pick<ProcessSpec, "user" | "capabilities" | "additionalGroups">,
  host: Pick<Host, "lastCapability" | "capabilityBound">,
  options: { readonly groupsDenied: boolean; readonly findUser?: FindUser },
): IdentityPart {
  const keepsCallers = (config.labels ?? []).includes(KEEP_GROUPS);
  const groups = keepsCallers ? [] : [
    ...(config.additionalGroups ?? []),
    ...(process.additionalGroups ?? []),
  ];
  if (options.groupsDenied && groups.length > 0) {
    throw refuse(
      "additionalGroups",
      "Cannot give additional groups: without root the kernel denies setgroups in a user namespace; leave additionalGroups out",
    );
  }
  const keepsGroups = options.groupsDenied || keepsCallers;
  const masks = capabilityMasks(
    process.capabilities ?? config.capabilities,
    capabilitiesToGive(config, host),
  );
  checkHostRootMasks(config, masks);
  const { bounding, effective, permitted, inheritable, ambient } = masks;
  const point = POINTS.user;
  const user = process.user === "" ? defaultUser(config) : process.user;
  return {
    parent: [
      { op: "await", point },
      {
        op: "user.resolve",
        user,
        groups,
      },
    ],
    lookup: [
      { op: "user.files", ...options.findUser?.(user, groups) },
      { op: "sync", point },
    ],
    change: [
      { op: "caps.bound", mask: bounding },
      { op: "user.apply", flags: keepsGroups ? 1 : 0 },
    ],
    drop: { op: "caps.set", effective, permitted, inheritable, ambient },
  };
}

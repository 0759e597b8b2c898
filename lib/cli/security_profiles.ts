/**
 * The profiles of `--security`, as in nsinit 2.2.
 *
 * @module
 */
import type { CapabilityName } from "../config/names/capabilities.ts";
import type { Config, SeccompSyscall } from "../config/types.ts";

/** Names of the profiles, from strict to permissive. */
export const SECURITY_PROFILES = ["high", "medium", "low"] as const;

/** Name of a profile. */
export type SecurityProfile = typeof SECURITY_PROFILES[number];

const EPERM = 1;
const ENOSYS = 38;
const CLONE_NEWUSER = 0x10000000;

const MEDIUM_CAPABILITIES: readonly CapabilityName[] = [
  "CHOWN",
  "DAC_OVERRIDE",
  "FSETID",
  "FOWNER",
  "SETGID",
  "SETUID",
  "SETFCAP",
  "SETPCAP",
  "NET_BIND_SERVICE",
  "KILL",
  "AUDIT_WRITE",
];

const CAPABILITIES: Readonly<
  Record<SecurityProfile, readonly CapabilityName[]>
> = {
  high: ["NET_BIND_SERVICE", "KILL", "AUDIT_WRITE"],
  medium: MEDIUM_CAPABILITIES,
  low: [...MEDIUM_CAPABILITIES, "SYS_CHROOT"],
};

const LOW_SYSCALLS: readonly string[] = [
  "unshare",
  "setns",
  "mount",
  "umount2",
  "create_module",
  "delete_module",
  "kexec_load",
];

const MEDIUM_SYSCALLS: readonly string[] = [
  ...LOW_SYSCALLS,
  "chroot",
  "setdomainname",
  "sethostname",
];

/**
 * Besides the original's calls, those that do the same by another name:
 * without them `chmod` in any program would still work through `fchmodat`.
 */
const HIGH_SYSCALLS: readonly string[] = [
  ...MEDIUM_SYSCALLS,
  "capset",
  "chmod",
  "fchmod",
  "fchmodat",
  "fchmodat2",
  "chown",
  "fchown",
  "fchownat",
  "lchown",
  "link",
  "linkat",
  "unlink",
  "unlinkat",
];

const SYSCALLS: Readonly<Record<SecurityProfile, readonly string[]>> = {
  high: HIGH_SYSCALLS,
  medium: MEDIUM_SYSCALLS,
  low: LOW_SYSCALLS,
};

function deny(name: string): SeccompSyscall {
  return { name, action: "SCMP_ACT_ERRNO", errnoRet: EPERM, args: [] };
}

/** No new user namespaces, in which a program would get all capabilities. */
const USER_NAMESPACE_RULES: readonly SeccompSyscall[] = [
  {
    name: "clone",
    action: "SCMP_ACT_ERRNO",
    errnoRet: EPERM,
    args: [{
      index: 0,
      value: CLONE_NEWUSER,
      valueTwo: CLONE_NEWUSER,
      op: "SCMP_CMP_MASKED_EQ",
    }],
  },
  // Its flags are in memory, where a filter cannot look; for ENOSYS the C
  // libraries fall back to clone(2), which the rule above judges.
  { name: "clone3", action: "SCMP_ACT_ERRNO", errnoRet: ENOSYS, args: [] },
];

/**
 * Applies a profile: replaces rlimits, capabilities and seccomp, and drops the
 * AppArmor profile and both SELinux labels.
 *
 * Pure.
 *
 * @param config The configuration.
 * @param profile The profile.
 * @returns The changed configuration.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { applySecurityProfile } from "./security_profiles.ts";
 *
 * const config = applySecurityProfile(defaultConfig("/srv/root"), "high");
 * assertEquals(config.capabilities, ["NET_BIND_SERVICE", "KILL", "AUDIT_WRITE"]);
 * ```
 */
export function applySecurityProfile(
  config: Config,
  profile: SecurityProfile,
): Config {
  const {
    apparmorProfile: _apparmorProfile,
    processLabel: _processLabel,
    mountLabel: _mountLabel,
    ...rest
  } = config;
  return {
    ...rest,
    rlimits: [{ type: 7, hard: 1024, soft: 1024 }],
    capabilities: CAPABILITIES[profile],
    noNewPrivileges: true,
    seccomp: {
      defaultAction: "SCMP_ACT_ALLOW",
      architectures: [],
      syscalls: [...SYSCALLS[profile].map(deny), ...USER_NAMESPACE_RULES],
    },
  };
}

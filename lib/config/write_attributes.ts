/**
 * Attributes of processes and hooks, as dialect D and as OCI.
 *
 * @module
 */
import type { Json, JsonObject } from "./json.ts";
import { compact } from "./reading.ts";
import { HOOK_KINDS } from "./sections/hooks.ts";
import type {
  Config,
  Hook,
  IntelRdt,
  NetDevice,
  Scheduler,
  TimeOffset,
  TimeOffsets,
} from "./types.ts";
import type { WarningSink } from "./write_seccomp.ts";

function writeScheduler(scheduler: Scheduler): JsonObject {
  return compact<Record<string, Json>>({ ...scheduler });
}

function writeOffset({ secs, nanosecs }: TimeOffset): JsonObject {
  return { secs, nanosecs };
}

function writeOffsets({ monotonic, boottime }: TimeOffsets): JsonObject {
  return {
    ...monotonic === undefined ? {} : { monotonic: writeOffset(monotonic) },
    ...boottime === undefined ? {} : { boottime: writeOffset(boottime) },
  };
}

function writeHook({ path, args, env, dir, timeout }: Hook): JsonObject {
  return {
    path,
    ...args === undefined ? {} : { args },
    ...env === undefined ? {} : { env },
    ...dir ? { dir } : {},
    // Both formats know whole seconds only.
    ...timeout === undefined ? {} : { timeout: Math.ceil(timeout) },
  };
}

/**
 * Writes hooks. Pure.
 *
 * @param config The configuration.
 * @param options `hasDir`: whether the format has a key for the directory.
 * @param warn Takes a sentence for what is lost.
 * @returns The member `hooks`, or nothing.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { writeHooks } from "./write_attributes.ts";
 *
 * const hooks = { poststop: [{ path: "/bin/gone" }] };
 * assertEquals(writeHooks({ hooks }, { hasDir: true }, () => {}), { hooks });
 * ```
 */
export function writeHooks(
  { hooks }: Pick<Config, "hooks">,
  options: { readonly hasDir: boolean },
  warn: WarningSink,
): JsonObject {
  if (hooks === undefined) return {};
  const lists = HOOK_KINDS.flatMap((kind) => {
    const list = hooks[kind];
    if (list === undefined) return [];
    const written = list.map((hook, index) => {
      if (options.hasDir || !hook.dir) return writeHook(hook);
      warn(`hooks.${kind}[${index}].dir is left out`);
      return writeHook({ ...hook, dir: "" });
    });
    return [[kind, written]];
  });
  return { hooks: Object.fromEntries(lists) };
}

/**
 * Writes attributes with the keys of dialect D, those that say something. Pure.
 *
 * @param config The configuration.
 * @returns The members.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "./defaults.ts";
 * import { writeAttributes } from "./write_attributes.ts";
 *
 * assertEquals(writeAttributes({ ...defaultConfig("/srv"), umask: 0o77 }), { umask: 63 });
 * ```
 */
export function writeAttributes(config: Config): JsonObject {
  const { scheduler, ioPriority, cpuAffinity, personality, timeOffsets } =
    config;
  const { execCpuAffinity, memoryPolicy } = config;
  return {
    ...config.domainname ? { domainname: config.domainname } : {},
    ...config.umask === undefined ? {} : { umask: config.umask },
    ...scheduler && { scheduler: writeScheduler(scheduler) },
    ...ioPriority && { io_priority: { ...ioPriority } },
    ...cpuAffinity && { cpu_affinity: { ...cpuAffinity } },
    ...execCpuAffinity && { exec_cpu_affinity: { ...execCpuAffinity } },
    ...memoryPolicy && { memory_policy: { ...memoryPolicy } },
    ...config.netDevices === undefined
      ? {}
      : { net_devices: config.netDevices.map((entry) => ({ ...entry })) },
    ...personality && { personality: { ...personality } },
    ...timeOffsets && { time_offsets: writeOffsets(timeOffsets) },
    ...config.noNewKeyring ? { no_new_keyring: true } : {},
  };
}

/**
 * Writes what OCI keeps in `process`. Pure.
 *
 * @param config The configuration.
 * @param warn Takes a sentence for what is lost.
 * @returns The members of `process`, and the mask for its `user`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "./defaults.ts";
 * import { writeOciAttributes } from "./write_attributes.ts";
 *
 * const config = { ...defaultConfig("/srv"), umask: 0o77 };
 * assertEquals(writeOciAttributes(config, () => {}), { user: { umask: 63 }, process: {} });
 * ```
 */
export function writeOciAttributes(
  config: Config,
  warn: WarningSink,
): { readonly user: JsonObject; readonly process: JsonObject } {
  const { umask, scheduler, ioPriority } = config;
  const affinity = config.execCpuAffinity ?? config.cpuAffinity;
  if (config.cpuAffinity !== undefined) {
    warn(
      "cpu_affinity is written as execCPUAffinity, which the first process does not get",
    );
  }
  if (config.noNewKeyring) {
    warn("no_new_keyring is left out; it is a flag of run");
  }
  return {
    user: umask === undefined ? {} : { umask },
    process: {
      ...scheduler && { scheduler: writeScheduler(scheduler) },
      ...ioPriority && { ioPriority: { ...ioPriority } },
      ...affinity && { execCPUAffinity: { ...affinity } },
    },
  };
}

function writeNetDevices(devices: readonly NetDevice[]): JsonObject {
  return Object.fromEntries(
    devices.map(({ device, name }) => [
      device,
      name === undefined ? {} : { name },
    ]),
  );
}

function writeIntelRdt({ closId, ...rest }: IntelRdt): JsonObject {
  return { ...closId === undefined ? {} : { closID: closId }, ...rest };
}

/**
 * Writes what OCI keeps in `linux`. Pure.
 *
 * @param config The configuration.
 * @returns The members of `linux`.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { writeOciLinuxAttributes } from "./write_attributes.ts";
 *
 * const config = { personality: { domain: "LINUX32" } } as const;
 * assertEquals(writeOciLinuxAttributes(config), config);
 * ```
 */
export function writeOciLinuxAttributes(
  config: Pick<
    Config,
    | "intelRdt"
    | "memoryPolicy"
    | "netDevices"
    | "personality"
    | "timeOffsets"
  >,
): JsonObject {
  const { memoryPolicy, netDevices, personality, timeOffsets } = config;
  return {
    ...memoryPolicy && { memoryPolicy: { ...memoryPolicy } },
    ...netDevices && { netDevices: writeNetDevices(netDevices) },
    ...config.intelRdt && { intelRdt: writeIntelRdt(config.intelRdt) },
    ...personality && { personality: { ...personality } },
    ...timeOffsets && { timeOffsets: writeOffsets(timeOffsets) },
  };
}

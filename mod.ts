/**
 * Linux containers from TypeScript: libcontainer and nsinit of 2014 and 2015,
 * rebuilt for Deno.
 *
 * A {@linkcode Factory} creates and finds containers, a {@linkcode Container}
 * starts processes, a {@linkcode Process} is one of them. Nothing is loaded
 * before the first of them is used.
 *
 * Configurations are plain data. {@linkcode loadConfig} reads a container.json
 * of any era, {@linkcode defaultConfig} makes the built-in template,
 * {@linkcode formatConfig} writes one out again.
 *
 * @example Reading a configuration of 2015
 * ```ts
 * import { parseConfig } from "./mod.ts";
 *
 * const config = await parseConfig(`{
 *   "rootfs": "/srv/root",
 *   "hostname": "testing",
 *   "namespaces": [{ "type": "NEWNS" }, { "type": "NEWUTS" }],
 * }`);
 * if (config.hostname !== "testing") throw new Error("unexpected");
 * ```
 *
 * @module
 */
export { formatConfig, validateConfig } from "./lib/api/configs.ts";
export {
  Container,
  type DestroyOptions,
  type RestoreStreams,
} from "./lib/api/container.ts";
export { Factory, type FactoryOptions } from "./lib/api/factory.ts";
export {
  Process,
  type ProcessOutput,
  type ProcessStatus,
} from "./lib/api/process.ts";
export type {
  ProcessOptions,
  Stdio,
  TerminalSize,
} from "./lib/api/process_options.ts";
export type { ContainerState } from "./lib/api/state.ts";
export {
  type WarmConfig,
  type WarmOptions,
  WarmPool,
} from "./lib/api/warm_pool.ts";
export type { TerminalStreams } from "./lib/api/terminal.ts";
export {
  defaultAllowedDevices,
  defaultCapabilities,
  defaultConfig,
  defaultDevices,
  defaultMaskPaths,
  defaultMounts,
  defaultReadonlyPaths,
  type TemplateConfig,
} from "./lib/config/defaults.ts";
export { defaultSeccomp } from "./lib/config/default_seccomp.ts";
export { detectDialect } from "./lib/config/detect.ts";
export { DIALECTS } from "./lib/config/dialect_names.ts";
export type { FormatConfigOptions } from "./lib/config/format.ts";
export { hostRootConfig } from "./lib/config/host_root.ts";
export type { Json, JsonObject } from "./lib/config/json.ts";
export {
  CAPABILITIES,
  type CapabilityName,
} from "./lib/config/names/capabilities.ts";
export {
  loadConfig,
  parseConfig,
  type ParseConfigOptions,
} from "./lib/config/parse.ts";
export {
  bindMount,
  type BindOptions,
  vethNetwork,
} from "./lib/config/shorthands.ts";
export type { RootIds } from "./lib/config/reading.ts";
export type * from "./lib/config/types.ts";
// As they are written down, which is more often than they are read.
export type {
  CapabilitySets,
  CapabilitySpelling,
  Cgroup,
  Command,
  Config,
  Device,
  Mount,
  Namespace,
  NamespaceSpelling,
  Network,
  Resources,
  Rlimit,
  RlimitName,
  RlimitSpelling,
  Route,
  Seccomp,
  SeccompArg,
  SeccompSyscall,
} from "./lib/config/input/types.ts";
export type {
  CapabilitySets as CompleteCapabilitySets,
  Cgroup as CompleteCgroup,
  Command as CompleteCommand,
  Config as CompleteConfig,
  Device as CompleteDevice,
  Mount as CompleteMount,
  Namespace as CompleteNamespace,
  Network as CompleteNetwork,
  Resources as CompleteResources,
  Rlimit as CompleteRlimit,
  Route as CompleteRoute,
  Seccomp as CompleteSeccomp,
  SeccompArg as CompleteSeccompArg,
  SeccompSyscall as CompleteSeccompSyscall,
} from "./lib/config/types.ts";
export {
  type EventSink,
  type EventSource,
  EventStream,
} from "./lib/container/event_stream.ts";
export type {
  ContainerEvent,
  EventOptions,
  ExitEvent,
  StartEvent,
} from "./lib/container/events.ts";
export type {
  ContainerStatus,
  ContainerSummary,
} from "./lib/container/list.ts";
export type { CheckpointOptions } from "./lib/container/checkpoint.ts";
export type { DumpChoices } from "./lib/container/images.ts";
export type { RestoreOptions } from "./lib/container/restore_kept.ts";
export {
  type OomEvent,
  PRESSURE_TRIGGERS,
  type PressureEvent,
  type PressureLevel,
} from "./lib/container/memory_events.ts";
export type {
  AddFdOptions,
  SeccompHandler,
  SeccompReply,
  SeccompRequest,
} from "./lib/container/seccomp_types.ts";
export type { RecordedExit } from "./lib/container/store_types.ts";
export * from "./lib/errors.ts";
export type * from "./lib/stats/types.ts";

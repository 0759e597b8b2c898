/**
 * The messages of Kubernetes' container runtime interface, version 1, as far as
 * the tests send or read them.
 *
 * @module
 */
import type { Schema } from "./protobuf.ts";

/** Fields of the messages. */
export const CRI: Schema = {
  VersionRequest: "1 version",
  VersionResponse: "2 runtime_name, 3 runtime_version, 4 runtime_api_version",
  StatusRequest: "1 verbose bool",
  StatusResponse: "1 status RuntimeStatus",
  RuntimeStatus: "1 *conditions RuntimeCondition",
  RuntimeCondition: "1 type, 2 status bool, 3 reason, 4 message",

  Metadata: "1 name, 2 uid, 3 namespace, 4 attempt int",
  IDMapping: "1 host_id int, 2 container_id int, 3 length int",
  UserNamespace: "1 mode int, 2 *uids IDMapping, 3 *gids IDMapping",
  NamespaceOption:
    "1 network int, 2 pid int, 3 ipc int, 4 target_id, 5 userns_options UserNamespace",
  Int64Value: "1 value int",
  UInt64Value: "1 value int",
  SecurityProfile: "1 profile_type int, 2 localhost_ref",
  SandboxSecurity:
    "1 namespace_options NamespaceOption, 3 run_as_user Int64Value, 4 readonly_rootfs bool, 5 *supplemental_groups int, 6 privileged bool, 8 run_as_group Int64Value, 9 seccomp SecurityProfile, 10 apparmor SecurityProfile",
  LinuxSandbox:
    "1 cgroup_parent, 2 security_context SandboxSecurity, 3 *sysctls map",
  DNSConfig: "1 *servers, 2 *searches, 3 *options",
  PodSandboxConfig:
    "1 metadata Metadata, 2 hostname, 3 log_directory, 4 dns_config DNSConfig, 6 *labels map, 7 *annotations map, 8 linux LinuxSandbox",
  RunPodSandboxRequest: "1 config PodSandboxConfig, 2 runtime_handler",
  RunPodSandboxResponse: "1 pod_sandbox_id",
  StopPodSandboxRequest: "1 pod_sandbox_id",
  StopPodSandboxResponse: "",
  RemovePodSandboxRequest: "1 pod_sandbox_id",
  RemovePodSandboxResponse: "",
  PodSandboxStatusRequest: "1 pod_sandbox_id, 2 verbose bool",
  PodSandboxStatusResponse: "1 status PodSandboxStatus, 2 *info map",
  PodSandboxStatus:
    "1 id, 2 metadata Metadata, 3 state int, 4 created_at int, 5 network PodNetwork, 9 runtime_handler",
  PodNetwork: "1 ip",
  ListPodSandboxRequest: "",
  ListPodSandboxResponse: "1 *items PodSandbox",
  PodSandbox: "1 id, 2 metadata Metadata, 3 state int, 7 runtime_handler",

  ImageSpec: "1 image",
  Image: "1 id",
  ImageStatusRequest: "1 image ImageSpec",
  ImageStatusResponse: "1 image Image",
  Mount:
    "1 container_path, 2 host_path, 3 readonly bool, 4 selinux_relabel bool, 5 propagation int",
  Device: "1 container_path, 2 host_path, 3 permissions",
  KeyValue: "1 key, 2 value",
  Resources:
    "1 cpu_period int, 2 cpu_quota int, 3 cpu_shares int, 4 memory_limit_in_bytes int, 5 oom_score_adj int, 6 cpuset_cpus, 7 cpuset_mems, 9 *unified map, 10 memory_swap_limit_in_bytes int",
  Capability:
    "1 *add_capabilities, 2 *drop_capabilities, 3 *add_ambient_capabilities",
  Security:
    "1 capabilities Capability, 2 privileged bool, 3 namespace_options NamespaceOption, 5 run_as_user Int64Value, 6 run_as_username, 7 readonly_rootfs bool, 8 *supplemental_groups int, 9 apparmor_profile, 11 no_new_privs bool, 12 run_as_group Int64Value, 13 *masked_paths, 14 *readonly_paths, 15 seccomp SecurityProfile, 16 apparmor SecurityProfile",
  LinuxContainer: "1 resources Resources, 2 security_context Security",
  ContainerConfig:
    "1 metadata Metadata, 2 image ImageSpec, 3 *command, 4 *args, 5 working_dir, 6 *envs KeyValue, 7 *mounts Mount, 8 *devices Device, 9 *labels map, 10 *annotations map, 11 log_path, 12 stdin bool, 13 stdin_once bool, 14 tty bool, 15 linux LinuxContainer",
  CreateContainerRequest:
    "1 pod_sandbox_id, 2 config ContainerConfig, 3 sandbox_config PodSandboxConfig",
  CreateContainerResponse: "1 container_id",
  StartContainerRequest: "1 container_id",
  StartContainerResponse: "",
  StopContainerRequest: "1 container_id, 2 timeout int",
  StopContainerResponse: "",
  RemoveContainerRequest: "1 container_id",
  RemoveContainerResponse: "",
  ListContainersRequest: "",
  ListContainersResponse: "1 *containers Container",
  Container: "1 id, 2 pod_sandbox_id, 6 state int",
  ContainerStatusRequest: "1 container_id, 2 verbose bool",
  ContainerStatusResponse: "1 status ContainerStatus, 2 *info map",
  ContainerStatus:
    "1 id, 2 metadata Metadata, 3 state int, 4 created_at int, 5 started_at int, 6 finished_at int, 7 exit_code int, 10 reason, 11 message, 15 log_path",
  UpdateContainerResourcesRequest: "1 container_id, 2 linux Resources",
  UpdateContainerResourcesResponse: "",
  ExecSyncRequest: "1 container_id, 2 *cmd, 3 timeout int",
  ExecSyncResponse: "1 stdout, 2 stderr, 3 exit_code int",
  ExecRequest:
    "1 container_id, 2 *cmd, 3 tty bool, 4 stdin bool, 5 stdout bool, 6 stderr bool",
  ExecResponse: "1 url",
  AttachRequest:
    "1 container_id, 2 stdin bool, 3 tty bool, 4 stdout bool, 5 stderr bool",
  AttachResponse: "1 url",
  ReopenContainerLogRequest: "1 container_id",
  ReopenContainerLogResponse: "",

  CpuUsage:
    "1 timestamp int, 2 usage_core_nano_seconds UInt64Value, 3 usage_nano_cores UInt64Value",
  MemoryUsage:
    "1 timestamp int, 2 working_set_bytes UInt64Value, 3 available_bytes UInt64Value, 4 usage_bytes UInt64Value, 5 rss_bytes UInt64Value, 6 page_faults UInt64Value",
  ContainerAttributes: "1 id, 2 metadata Metadata",
  ContainerStats:
    "1 attributes ContainerAttributes, 2 cpu CpuUsage, 3 memory MemoryUsage",
  ContainerStatsRequest: "1 container_id",
  ContainerStatsResponse: "1 stats ContainerStats",
  ProcessUsage: "1 timestamp int, 2 process_count UInt64Value",
  LinuxPodStats:
    "1 cpu CpuUsage, 2 memory MemoryUsage, 4 process ProcessUsage, 5 *containers ContainerStats",
  PodAttributes: "1 id, 2 metadata Metadata",
  PodSandboxStats: "1 attributes PodAttributes, 2 linux LinuxPodStats",
  ListPodSandboxStatsRequest: "",
  ListPodSandboxStatsResponse: "1 *stats PodSandboxStats",
};

/**
 * Checks of mounts and devices.
 *
 * @module
 */
import { isWithin, normalizePath } from "../host_paths.ts";
import type { JsonPath } from "../json_scan.ts";
import {
  formatMountFlags,
  SUPPORTED_MOUNT_FLAGS,
} from "../names/mount_flags.ts";
import { PROC_FILES } from "../names/proc_files.ts";
import { quote } from "../problems.ts";
import type { Command, Config, Device, Mount } from "../types.ts";
import { checkIdMappings } from "./id_mappings.ts";
import {
  type Check,
  findPathFault,
  hasNamespace,
  type Report,
} from "./report.ts";

const MAX_MOUNTS = 1024;
const MAX_DATA = 4095;
const MAX_MAJOR = 0xfff;
const MAX_MINOR = 0xfffff;
const MAX_ID = 0xfffffffe;

function checkDestination(mount: Mount, at: JsonPath, report: Report): void {
  const path = [...at, "destination"];
  const fault = findPathFault(mount.destination);
  if (fault !== undefined) return report(path, fault);
  const target = normalizePath(mount.destination);
  if (target === "/") {
    report(path, "a mount onto / would hide the root; set rootfs instead");
  } else if (target === "/proc") {
    if (mount.device === "proc" || mount.device === "bind") return;
    report(path, `${mount.device} on /proc would fake it; wanted proc or bind`);
  } else if (isWithin(target, "/proc") && !PROC_FILES.has(target)) {
    const message =
      `${target} is inside /proc, where a mount can fake what the` +
      " runtime and security modules rely on; remove it";
    report(path, message);
  }
}

function checkBind(mount: Mount, at: JsonPath, report: Report): void {
  if (mount.device !== "bind" || mount.remount === true) return;
  const fault = findPathFault(mount.source);
  if (fault !== undefined) report([...at, "source"], fault);
  if (mount.relabel === "") return;
  const source = normalizePath(mount.source);
  if (["/", "/usr", "/etc"].includes(source)) {
    report([...at, "relabel"], `relabelling ${source} would break the host`);
  }
}

function checkFlags(mount: Mount, at: JsonPath, report: Report): void {
  const { flags, propagationFlags = [] } = mount;
  const all: [JsonPath, number][] = [
    [[...at, "flags"], flags],
    ...propagationFlags.map((bits, index): [JsonPath, number] => [
      [...at, "propagationFlags", index],
      bits,
    ]),
    [[...at, "clearFlags"], mount.clearFlags ?? 0],
    [[...at, "recursive"], mount.recursive?.set ?? 0],
    [[...at, "recursive"], mount.recursive?.clear ?? 0],
  ];
  for (const [path, bits] of all) {
    const isWord = Number.isInteger(bits) && bits >= 0 && bits <= 0xffffffff;
    if (!isWord) report(path, `found ${bits}, wanted bits of mount(2)`);
    else if ((bits & ~SUPPORTED_MOUNT_FLAGS) !== 0) {
      const names = formatMountFlags((bits & ~SUPPORTED_MOUNT_FLAGS) >>> 0);
      report(path, `flags ${names.join(", ")} cannot be used here`);
    }
  }
}

function checkCommands(
  commands: readonly Command[],
  at: JsonPath,
  report: Report,
): void {
  for (const [index, command] of commands.entries()) {
    const fault = findPathFault(command.path);
    if (fault !== undefined) report([...at, index, "path"], fault);
    const texts = [...command.args, ...command.env, command.dir];
    if (texts.some((text) => text.includes("\0"))) {
      report([...at, index], "holds a NUL character");
    }
  }
}

function checkIdmap(mount: Mount, at: JsonPath, report: Report): void {
  const { idmap, device } = mount;
  if (idmap === undefined) return;
  const path = [...at, "idmap"];
  if (device !== "bind") {
    report(path, `only bind mounts can be id-mapped; ${device} belongs to us`);
  }
  const { uidMappings, gidMappings } = idmap;
  if ((uidMappings === undefined) !== (gidMappings === undefined)) {
    report(
      path,
      "wanted uid_mappings and gid_mappings, or neither for the container's own",
    );
  }
  checkIdMappings([...path, "uidMappings"], uidMappings ?? [], report);
  checkIdMappings([...path, "gidMappings"], gidMappings ?? [], report);
}

/** A name as in /proc/filesystems; the kernel tells whether it knows it. */
const FILE_SYSTEM = /^\w[\w.+-]{0,63}$/;

function checkKind(mount: Mount, at: JsonPath, report: Report): void {
  const { device, remount = false, tmpcopyup = false } = mount;
  if (!FILE_SYSTEM.test(device) && !(remount && device === "")) {
    report([...at, "device"], `unknown device ${quote(String(device))}`);
  }
  if (tmpcopyup && device !== "tmpfs") {
    report([...at, "tmpcopyup"], `found ${device}; only a tmpfs can be filled`);
  }
  if (!remount) return;
  if (mount.idmap !== undefined || tmpcopyup || mount.data !== "") {
    const message = "changes attributes and propagation of a mount that is" +
      " there; leave idmap, tmpcopyup and options of file systems out";
    report([...at, "remount"], message);
  }
}

function checkMount(mount: Mount, at: JsonPath, report: Report): void {
  checkKind(mount, at, report);
  checkDestination(mount, at, report);
  checkBind(mount, at, report);
  checkFlags(mount, at, report);
  if (mount.data.length > MAX_DATA || mount.data.includes("\0")) {
    report([...at, "data"], `wanted up to ${MAX_DATA} bytes without NUL`);
  }
  if (mount.source.includes("\0")) report([...at, "source"], "holds NUL");
  if (!["", "z", "Z"].includes(mount.relabel)) {
    report([...at, "relabel"], 'wanted one letter: "z" or "Z"');
  }
  checkIdmap(mount, at, report);
  checkCommands(mount.premountCmds ?? [], [...at, "premountCmds"], report);
  checkCommands(mount.postmountCmds ?? [], [...at, "postmountCmds"], report);
}

/** A mount without maps of its own takes the container's. */
function checkIdmapSource(config: Config, report: Report): void {
  if (hasNamespace(config, "NEWUSER")) return;
  for (const [index, { idmap }] of config.mounts.entries()) {
    if (idmap === undefined || idmap.uidMappings || idmap.gidMappings) continue;
    const message = "has no maps of its own and the container has no user" +
      " namespace; add uid_mappings and gid_mappings";
    report(["mounts", index, "idmap"], message);
  }
}

function checkMounts({ mounts }: Config, report: Report): void {
  if (mounts.length > MAX_MOUNTS) {
    report(["mounts"], `${mounts.length} mounts, wanted up to ${MAX_MOUNTS}`);
  }
  for (const [index, mount] of mounts.entries()) {
    checkMount(mount, ["mounts", index], report);
  }
}

function isNumber(value: number, max: number, isRule: boolean): boolean {
  return Number.isInteger(value) && value <= max && value >= (isRule ? -1 : 0);
}

/** Checks what nodes and rules have in common. */
function checkDevice(
  device: Device,
  at: JsonPath,
  report: Report,
  isRule: boolean,
): void {
  const { type, permissions } = device;
  const isTyped = isRule ? /^[abc]$/.test(type) : /^[bcpu]$/.test(type);
  if (!isTyped) {
    const wanted = isRule ? "a, b or c" : "b, c or p";
    report([...at, "type"], `found ${quote(String(type))}, wanted ${wanted}`);
  }
  if (!isNumber(device.major, MAX_MAJOR, isRule)) {
    const message = `found ${device.major}, wanted 0 to ${MAX_MAJOR}` +
      (isRule ? ", or -1 for any" : "");
    report([...at, "major"], message);
  }
  if (!isNumber(device.minor, MAX_MINOR, isRule)) {
    const message = `found ${device.minor}, wanted 0 to ${MAX_MINOR}` +
      (isRule ? ", or -1 for any" : "");
    report([...at, "minor"], message);
  }
  const isAllowed = /^[rwm]*$/.test(permissions) &&
    (permissions !== "" || !isRule);
  if (!isAllowed) {
    const found = quote(permissions);
    report([...at, "permissions"], `found ${found}, wanted letters of "rwm"`);
  }
}

function checkNodes({ devices }: Config, report: Report): void {
  if (devices.length > MAX_MOUNTS) {
    report(["devices"], `${devices.length} nodes, wanted up to ${MAX_MOUNTS}`);
  }
  const isRule = false;
  for (const [index, device] of devices.entries()) {
    const at = ["devices", index];
    checkDevice(device, at, report, isRule);
    const fault = findPathFault(device.path);
    if (fault !== undefined) report([...at, "path"], fault);
    else if (normalizePath(device.path) !== device.path) {
      const clean = normalizePath(device.path);
      report([...at, "path"], `found ${quote(device.path)}, wanted ${clean}`);
    }
    const { fileMode, uid, gid } = device;
    if (!isNumber(fileMode, 0o7777, isRule)) {
      report([...at, "fileMode"], `found ${fileMode}, wanted 0 to 4095`);
    }
    if (!isNumber(uid, MAX_ID, isRule) || !isNumber(gid, MAX_ID, isRule)) {
      report(at, `uid and gid must be 0 to ${MAX_ID}`);
    }
  }
}

function checkRules({ cgroups }: Config, report: Report): void {
  const isRule = true;
  for (const key of ["allowedDevices", "deniedDevices"] as const) {
    for (const [index, rule] of (cgroups?.[key] ?? []).entries()) {
      checkDevice(rule, ["cgroups", key, index], report, isRule);
    }
  }
}

/** Checks of mounts, device nodes and device rules. */
export const MOUNT_CHECKS: readonly Check[] = [
  { name: "mounts are known and stay out of /proc", run: checkMounts },
  { name: "id-mapped mounts have maps", run: checkIdmapSource },
  { name: "device nodes can be made", run: checkNodes },
  { name: "device rules can be written", run: checkRules },
];

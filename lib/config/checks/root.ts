/**
 * Checks of the root, namespaces, id mappings and what needs a namespace.
 *
 * @module
 */
import { isWithin, normalizePath } from "../host_paths.ts";
import { parseNamespaceType } from "../names/namespaces.ts";
import { quote } from "../problems.ts";
import type { Config, Int64 } from "../types.ts";
import { checkIdMappings } from "./id_mappings.ts";
import {
  type Check,
  findPathFault,
  hasNamespace,
  type Report,
} from "./report.ts";

const MAX_HOSTNAME = 64;
/** Less than a page would be rounded up, and 0 means no limit to the kernel. */
const MIN_SIZE = 4096;
const MAX_SIZE = 2n ** 63n - 1n;
const MAX_PATHS = 256;
/** What a host root makes anew: the whole of it is never shown. */
const PRIVATE_PATHS = [
  "/etc",
  "/home",
  "/root",
  "/run",
  "/tmp",
  "/var/run",
  "/var/tmp",
];
const KERNEL_PATHS = ["/proc", "/sys", "/dev"];

function checkRootfs({ rootfs }: Config, report: Report): void {
  const fault = findPathFault(rootfs);
  if (fault !== undefined) return report(["rootfs"], fault);
  const clean = normalizePath(rootfs);
  if (clean === rootfs) return;
  report(["rootfs"], `found ${quote(rootfs)}, wanted ${quote(clean)}`);
}

function checkNamespaces({ namespaces }: Config, report: Report): void {
  const seen = new Set<string>();
  for (const [index, { type, path }] of namespaces.entries()) {
    const at = ["namespaces", index];
    if (parseNamespaceType(type) !== type) {
      report(at, `unknown namespace ${quote(String(type))}`);
    } else if (seen.has(type)) {
      report(at, `${type} is listed twice; keep one`);
    }
    seen.add(type);
    const fault = path === undefined ? undefined : findPathFault(path);
    if (fault !== undefined) report([...at, "path"], fault);
  }
}

function checkNeeds(config: Config, report: Report): void {
  const needs = [
    ["networks", "NEWNET", (config.networks ?? []).length > 0],
    ["routes", "NEWNET", (config.routes ?? []).length > 0],
    ["hostname", "NEWUTS", (config.hostname ?? "") !== ""],
    ["domainname", "NEWUTS", (config.domainname ?? "") !== ""],
    ["maskPaths", "NEWNS", (config.maskPaths ?? []).length > 0],
    ["readonlyPaths", "NEWNS", (config.readonlyPaths ?? []).length > 0],
    ["overlay", "NEWNS", config.overlay !== undefined],
    ["hostRoot", "NEWNS", config.hostRoot !== undefined],
    ["uidMappings", "NEWUSER", (config.uidMappings ?? []).length > 0],
    ["gidMappings", "NEWUSER", (config.gidMappings ?? []).length > 0],
  ] as const;
  for (const [key, type, isUsed] of needs) {
    if (!isUsed || hasNamespace(config, type)) continue;
    const message =
      `needs the namespace ${type}, else it would change the host;` +
      ` add ${type} to namespaces, or leave this out`;
    report([key], message);
  }
}

function checkHostname(config: Config, report: Report): void {
  for (const key of ["hostname", "domainname"] as const) {
    const name = config[key] ?? "";
    if (name.length > MAX_HOSTNAME) {
      report([key], `${name.length} bytes, wanted up to ${MAX_HOSTNAME}`);
    } else if (!/^[\x21-\x7e]*$/.test(name)) {
      report([key], `found ${quote(name)}, wanted printable ASCII`);
    }
  }
}

function checkPaths(config: Config, report: Report): void {
  for (const key of ["maskPaths", "readonlyPaths"] as const) {
    for (const [index, path] of (config[key] ?? []).entries()) {
      const fault = findPathFault(path);
      if (fault !== undefined) report([key, index], fault);
    }
  }
}

function checkMappings(config: Config, report: Report): void {
  const user = config.namespaces.find(({ type }) => type === "NEWUSER");
  for (const key of ["uidMappings", "gidMappings"] as const) {
    const mappings = config[key] ?? [];
    checkIdMappings([key], mappings, report);
    const hasRoot = mappings.some(({ containerId }) => containerId === 0);
    if (user === undefined || user.path !== undefined || hasRoot) continue;
    const text = key === "uidMappings" ? "uid_mappings" : "gid_mappings";
    const message = `NEWUSER needs a mapping of id 0; add ` +
      `{"container_id": 0, "host_id": ..., "size": ...} to ${text}` +
      " (dialect C3 or later)";
    report([key], message);
  }
}

function findSizeFault(size: Int64): string | undefined {
  const isWhole = typeof size === "bigint" || Number.isInteger(size);
  if (isWhole && size >= MIN_SIZE && size <= MAX_SIZE) return undefined;
  return `found ${size}, wanted ${MIN_SIZE} bytes or more`;
}

/** Reports a layer that lies in another directory of the overlay, or around it. */
function checkLayers({ overlay, rootfs }: Config, report: Report): void {
  const layers: [string, string][] = [["rootfs", normalizePath(rootfs)]];
  for (const key of ["upper", "work"] as const) {
    const path = overlay?.[key];
    if (path === undefined) continue;
    const at = ["overlay", key];
    const fault = findPathFault(path);
    if (fault !== undefined) {
      report(at, fault);
      continue;
    }
    const clean = normalizePath(path);
    const other = layers.find(([, layer]) =>
      isWithin(clean, layer) || isWithin(layer, clean)
    );
    if (other !== undefined) {
      report(at, `${clean} and ${other[0]} lie in one another; move it away`);
    }
    layers.push([key, clean]);
  }
}

function checkOverlay(config: Config, report: Report): void {
  const { overlay } = config;
  if (overlay === undefined) return;
  const { size, upper, work } = overlay;
  const fault = size === undefined ? undefined : findSizeFault(size);
  if (fault !== undefined) report(["overlay", "size"], fault);
  if (size !== undefined && upper !== undefined) {
    const message = "a directory that is kept has no size limit of its own;" +
      " leave size or upper out";
    report(["overlay", "size"], message);
  }
  if (work !== undefined && upper === undefined) {
    report(["overlay", "work"], "means nothing without upper");
  }
  checkLayers(config, report);
}

function findHostPathFault(path: string): string | undefined {
  const fault = findPathFault(path);
  if (fault !== undefined) return fault;
  const clean = normalizePath(path);
  if (clean !== path) return `found ${quote(path)}, wanted ${quote(clean)}`;
  if (KERNEL_PATHS.some((kernel) => isWithin(clean, kernel))) {
    return `${clean} belongs to the kernel; use mounts for it`;
  }
  const covered = PRIVATE_PATHS.find((own) => isWithin(own, clean));
  return covered === undefined
    ? undefined
    : `${clean} would show the host's whole ${covered}; name what is needed below it`;
}

function keepsSysAdmin({ capabilities = [] }: Config): boolean {
  if (!("bounding" in capabilities)) return capabilities.includes("SYS_ADMIN");
  const { bounding, permitted } = capabilities;
  return bounding.includes("SYS_ADMIN") || permitted.includes("SYS_ADMIN");
}

function checkHostRoot(config: Config, report: Report): void {
  const { hostRoot, overlay, rootfs } = config;
  if (hostRoot === undefined) return;
  if (overlay !== undefined) {
    report(["hostRoot"], "not with overlay: leave one of them out");
  }
  if (rootfs !== "/") {
    report(["rootfs"], `found ${quote(rootfs)}, a host root is made of "/"`);
  }
  if (config.noPivotRoot === true) {
    const message = "would leave the host's root below a host root;" +
      " leave it out";
    report(["noPivotRoot"], message);
  }
  if (keepsSysAdmin(config)) {
    const message = "SYS_ADMIN could make what the host root shows writable;" +
      " leave it out";
    report(["capabilities"], message);
  }
  const { size, paths = [] } = hostRoot;
  const fault = size === undefined ? undefined : findSizeFault(size);
  if (fault !== undefined) report(["hostRoot", "size"], fault);
  if (paths.length > MAX_PATHS) {
    const message = `${paths.length} paths, wanted up to ${MAX_PATHS}`;
    report(["hostRoot", "paths"], message);
  }
  for (const [index, path] of paths.entries()) {
    const wrong = findHostPathFault(path);
    if (wrong !== undefined) report(["hostRoot", "paths", index], wrong);
  }
}

/** Checks of the root, namespaces, id mappings and what needs a namespace. */
export const ROOT_CHECKS: readonly Check[] = [
  { name: "rootfs is an absolute, clean path", run: checkRootfs },
  { name: "namespaces are known and listed once", run: checkNamespaces },
  { name: "settings have the namespace they need", run: checkNeeds },
  { name: "host and domain name fit the kernel", run: checkHostname },
  { name: "masked and read-only paths are absolute", run: checkPaths },
  { name: "an overlay's layers lie apart", run: checkOverlay },
  { name: "a host root shows what is named alone", run: checkHostRoot },
  { name: "id mappings are valid and map root", run: checkMappings },
];

/**
 * Checks of the root, namespaces, id mappings and what needs a namespace.
 *
 * @module
 */
import { normalizePath } from "../host_paths.ts";
import { parseNamespaceType } from "../names/namespaces.ts";
import { quote } from "../problems.ts";
import type { Config } from "../types.ts";
import { checkIdMappings } from "./id_mappings.ts";
import {
  type Check,
  findPathFault,
  hasNamespace,
  type Report,
} from "./report.ts";

const MAX_HOSTNAME = 64;

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

/** Checks of the root, namespaces, id mappings and what needs a namespace. */
export const ROOT_CHECKS: readonly Check[] = [
  { name: "rootfs is an absolute, clean path", run: checkRootfs },
  { name: "namespaces are known and listed once", run: checkNamespaces },
  { name: "settings have the namespace they need", run: checkNeeds },
  { name: "host and domain name fit the kernel", run: checkHostname },
  { name: "masked and read-only paths are absolute", run: checkPaths },
  { name: "id mappings are valid and map root", run: checkMappings },
];

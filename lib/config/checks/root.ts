/**
 * Checks of the root, namespaces, id mappings and what needs a namespace.
 *
 * @module
 */
import { normalizePath } from "../host_paths.ts";
import { parseNamespaceType } from "../names/namespaces.ts";
import { quote } from "../problems.ts";
import type { Config, IdMapping } from "../types.ts";
import {
  type Check,
  findPathFault,
  hasNamespace,
  type Report,
} from "./report.ts";

/** The kernel refuses more lines in uid_map (Linux 4.15). */
const MAX_MAPPINGS = 340;
/** 2^32 - 1 is "no id" for the kernel. */
const MAX_ID = 0xfffffffe;
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

/** Reports ranges of one side of a mapping that run into each other. */
function checkOverlap(
  mappings: readonly IdMapping[],
  side: "containerId" | "hostId",
  fail: (message: string) => void,
): void {
  const sorted = [...mappings].sort((a, b) => a[side] - b[side]);
  for (const [index, mapping] of sorted.entries()) {
    const next = sorted[index + 1];
    if (next !== undefined && mapping[side] + mapping.size > next[side]) {
      const ids = side === "hostId" ? "host ids" : "container ids";
      return fail(`${ids} from ${next[side]} are mapped twice`);
    }
  }
}

function checkMapping(
  key: "uidMappings" | "gidMappings",
  mappings: readonly IdMapping[],
  report: Report,
): void {
  for (const [index, { containerId, hostId, size }] of mappings.entries()) {
    const isId = [containerId, hostId].every((id) =>
      Number.isInteger(id) && id >= 0 && id + size - 1 <= MAX_ID
    );
    if (!Number.isInteger(size) || size < 1) {
      report([key, index, "size"], `found ${size}, wanted 1 or more`);
    } else if (!isId) {
      report([key, index], `ids go beyond 0 to ${MAX_ID}`);
    }
  }
  if (mappings.length > MAX_MAPPINGS) {
    const count = mappings.length;
    report([key], `${count} lines, the kernel takes ${MAX_MAPPINGS}`);
  }
  const fail = (message: string): void => report([key], message);
  checkOverlap(mappings, "containerId", fail);
  checkOverlap(mappings, "hostId", fail);
}

function checkMappings(config: Config, report: Report): void {
  const user = config.namespaces.find(({ type }) => type === "NEWUSER");
  for (const key of ["uidMappings", "gidMappings"] as const) {
    const mappings = config[key] ?? [];
    checkMapping(key, mappings, report);
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

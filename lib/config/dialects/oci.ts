/**
 * Reads an OCI config.json (runtime-spec 1.0 to 1.3).
 *
 * @module
 */
import { resolvePath } from "../host_paths.ts";
import type { ObjectReader } from "../object_reader.ts";
import { quote } from "../problems.ts";
import { compact, nonEmpty, type Reading } from "../reading.ts";
import { HOOK_KINDS, readHooks } from "../sections/hooks.ts";
import type { Config } from "../types.ts";
import { readOciLinux } from "./oci_linux.ts";
import { requireKeys } from "./oci_mappings.ts";
import { readOciMounts } from "./oci_mounts.ts";
import { readOciPlatform } from "./oci_platforms.ts";
import { readOciProcess } from "./oci_process.ts";

/** Semantic versioning 2.0.0, as its authors write it. */
const VERSION =
  /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$/;
/** Version 1 promises that files of 1.x are read by all later ones. */
const MAJOR = 1;

function checkVersion(root: ObjectReader): void {
  const version = root.string("ociVersion");
  if (version === "") {
    if (!root.has("ociVersion")) requireKeys(root, ["ociVersion"]);
    else root.refuse("ociVersion", version, "a version such as 1.2.0");
    return;
  }
  const match = VERSION.exec(version);
  if (match === null) {
    root.refuse("ociVersion", version, "a version such as 1.2.0");
  } else if (Number(match[1]) > MAJOR) {
    const message = `unknown version specified: ${quote(version)}; wanted 1.x`;
    root.findings.problem(root.at("ociVersion"), message);
  }
}

/** `root`; without one there is nothing to run, which the start says. */
function readRoot(
  root: ObjectReader,
  reading: Reading,
): Pick<Config, "rootfs" | "readonlyfs"> {
  const bundle = reading.bundle ?? reading.directory;
  return root.object("root", (item) => {
    requireKeys(item, ["path"]);
    const path = item.string("path");
    if (item.has("path") && path === "") {
      item.findings.problem(item.at("path"), "empty; wanted a path");
    }
    return {
      rootfs: resolvePath(bundle(), path),
      readonlyfs: item.boolean("readonly"),
    };
  }) ?? { rootfs: resolvePath(bundle(), "rootfs"), readonlyfs: false };
}

/** Annotations are the model's labels, `K=V`. */
function readAnnotations(root: ObjectReader): string[] | undefined {
  const map = root.stringMap("annotations");
  if (map === undefined) return undefined;
  const labels = Object.entries(map).flatMap(([key, value]) => {
    if (key !== "" && !key.includes("=")) return [`${key}=${value}`];
    const path = [...root.at("annotations"), key];
    if (key === "") {
      root.findings.problem(path, "empty key; wanted a name", "key");
    } else {
      const message = `the key ${quote(key)} has an equals sign, which labels` +
        " cannot carry: it is left out";
      root.findings.warn(path, message);
    }
    return [];
  });
  return labels.length === 0 ? undefined : labels;
}

/** A hook without a program is a fault here, not only when it is to run. */
function checkHooks(root: ObjectReader): void {
  root.object("hooks", (hooks) => {
    for (const kind of HOOK_KINDS) {
      hooks.objects(kind, (item) => requireKeys(item, ["path"]));
    }
    return undefined;
  });
}

/**
 * Reads an OCI config.json.
 *
 * Members that nobody knows are passed over, as the specification wants; wrong
 * types and values are faults.
 *
 * @param root The root object.
 * @param reading The reading; relative paths count from its bundle.
 * @returns The configuration, its process among it.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { ObjectReader } from "../object_reader.ts";
 * import { Findings } from "../problems.ts";
 * import { readOci } from "./oci.ts";
 *
 * const findings = new Findings({ ignoresUnknownKeys: true });
 * const text = { ociVersion: "1.2.0", root: { path: "rootfs" } };
 * const config = readOci(new ObjectReader(findings, text, []), {
 *   findings,
 *   dialect: "OCI",
 *   isForced: false,
 *   directory: () => "/bundle",
 * });
 * assertEquals([config.rootfs, config.devices.length], ["/bundle/rootfs", 6]);
 * ```
 */
export function readOci(root: ObjectReader, reading: Reading): Config {
  if (!reading.anyVersion) checkVersion(root);
  checkHooks(root);
  const platform = readOciPlatform(root);
  return compact<Config>({
    dialect: reading.dialect,
    ...readRoot(root, reading),
    mounts: readOciMounts(root, reading),
    hostname: nonEmpty(root.string("hostname")),
    domainname: nonEmpty(root.string("domainname")),
    ...readOciProcess(root),
    ...readOciLinux(root, reading.rootIds),
    labels: readAnnotations(root),
    hooks: readHooks(root),
    platform,
  });
}

/**
 * Options for the kinds of root beyond a directory: overlays and host roots.
 *
 * @module
 */
import { resolvePath } from "../config/host_paths.ts";
import type { Config, HostRoot, Overlay } from "../config/types.ts";
import { UsageError } from "../errors.ts";
import type { Values } from "./values.ts";

const OVERLAY_OPTIONS = ["overlay", "overlay-upper", "overlay-work"] as const;

function overlayOf(values: Values, directory: string): Overlay {
  const size = values.size("overlay");
  const upper = values.text("overlay-upper");
  const work = values.text("overlay-work");
  return {
    ...(size === undefined ? {} : { size }),
    ...(upper ? { upper: resolvePath(directory, upper) } : {}),
    ...(work ? { work: resolvePath(directory, work) } : {}),
  };
}

function applyHostRoot(
  config: Config,
  values: Values,
  directory: string,
): Config {
  const size = values.size("host-root");
  const added = values.list("host-path")
    .map((path) => resolvePath(directory, path));
  if (!values.has("host-root") && added.length === 0) return config;
  if (!values.has("host-root") && config.hostRoot === undefined) {
    throw new UsageError("--host-path needs --host-root");
  }
  if (values.has("rootfs")) {
    throw new UsageError(
      "--host-root makes the root, and --rootfs names another: leave one of " +
        "them out",
    );
  }
  const paths = [...config.hostRoot?.paths ?? [], ...added];
  const hostRoot: HostRoot = {
    ...config.hostRoot,
    ...(size === undefined ? {} : { size }),
    ...(paths.length === 0 ? {} : { paths }),
  };
  return { ...config, rootfs: "/", hostRoot };
}

/**
 * Changes the kind of root as the options say. Pure.
 *
 * @param config The template, or a configuration that was read.
 * @param values Options, declared by `GENERATOR_OPTIONS`.
 * @param directory Directory that relative host paths start from.
 * @returns The changed configuration.
 * @throws {UsageError} `UsageInvalid` for options that contradict each other.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { GENERATOR_OPTIONS } from "./generator_options.ts";
 * import { applyRootKind } from "./root_kinds.ts";
 * import { Values } from "./values.ts";
 *
 * const values = new Values(GENERATOR_OPTIONS, new Map([["overlay", ["1m"]]]));
 * const { overlay } = applyRootKind(defaultConfig("/r"), values, "/");
 * assertEquals(overlay, { size: 1048576 });
 * ```
 */
export function applyRootKind(
  config: Config,
  values: Values,
  directory: string,
): Config {
  const changed = applyHostRoot(config, values, directory);
  if (!OVERLAY_OPTIONS.some((name) => values.has(name))) return changed;
  return { ...changed, overlay: overlayOf(values, directory) };
}

/**
 * A configuration back to text.
 *
 * @module
 */
import { UsageError } from "../errors.ts";
import type { Json } from "./json.ts";
import type { Config } from "./types.ts";
import { toContainerJson } from "./write_container_json.ts";
import { toOciJson } from "./write_oci.ts";

/** How a configuration is written. */
export interface FormatConfigOptions {
  /** Takes a sentence for each setting that the format cannot carry. */
  readonly onWarning?: (warning: string) => void;
}

/** `JSON.stringify` refuses `bigint`, so numbers are written here. */
function stringify(value: Json, indent: string): string {
  if (typeof value === "bigint") return String(value);
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const inner = `${indent}\t`;
  const isList = Array.isArray(value);
  const items = Object.entries(value).map(([key, item]) =>
    inner + (isList ? "" : `${JSON.stringify(key)}: `) + stringify(item, inner)
  );
  const [open, close] = isList ? ["[", "]"] : ["{", "}"];
  return items.length === 0
    ? `${open}${close}`
    : `${open}\n${items.join(",\n")}\n${indent}${close}`;
}

/**
 * Renders a JSON value with tabs, as nsinit did, keeping numbers of 64 bits.
 *
 * @param value The value.
 * @returns The text, without a newline at the end.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { formatJson } from "./format.ts";
 *
 * assertEquals(formatJson({ a: 2n ** 64n }), '{\n\t"a": 18446744073709551616\n}');
 * ```
 */
export function formatJson(value: Json): string {
  return stringify(value, "");
}

/**
 * Writes a configuration as text.
 *
 * Pure. `container.json` is dialect D with every key, as `nsinit config` of
 * 2015 wrote it. Settings that came later use the keys of early runc, and what
 * has no key at all is told by `onWarning`.
 *
 * @param config The configuration.
 * @param format `container.json`, or `oci` for a config.json.
 * @param options Where warnings go.
 * @returns The text, tab-indented, with a newline at the end.
 * @throws {UsageError} `UsageInvalid` when the format is unknown.
 *
 * @example There and back
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "./defaults.ts";
 * import { formatConfig } from "./format.ts";
 * import { parseConfig } from "./parse.ts";
 *
 * const config = defaultConfig("/srv/root");
 * const again = await parseConfig(formatConfig(config, "container.json"));
 * assertEquals(again.mounts, config.mounts);
 * ```
 */
export function formatConfig(
  config: Config,
  format: "container.json" | "oci",
  options: FormatConfigOptions = {},
): string {
  const warn = options.onWarning ?? ((): void => {});
  if (format === "container.json") {
    return `${formatJson(toContainerJson(config, warn))}\n`;
  }
  if (format === "oci") return `${formatJson(toOciJson(config, warn))}\n`;
  const message =
    `Cannot write format "${format}"; wanted container.json or oci`;
  throw new UsageError(message);
}

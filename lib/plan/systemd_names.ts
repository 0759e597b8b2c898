/**
 * Names of systemd's units and the places of their cgroups. Pure.
 *
 * @module
 */
import { refuse } from "./refusal.ts";

/** Longest name of a unit, in bytes. */
const NAME_LIMIT = 255;
/** What the kernel or systemd has files for: a group of that name gets `_` in front. */
const RESERVED =
  /^([_.]|cgroup\.|notify_on_release$|release_agent$|tasks$|(cpu|cpuacct|cpuset|io|blkio|memory|devices|pids|freezer|hugetlb|net_cls|net_prio|perf_event|rdma|misc|dmem)\.)/;

/**
 * Escapes a text for use in a unit's name: what is not a letter, a digit or one
 * of `: _ . -` becomes `\xHH`, as systemd-escape(1) does; `/` becomes `-`. Pure.
 *
 * @param text E.g. a container id.
 * @returns The escaped text.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { escapeUnitName } from "./systemd_names.ts";
 *
 * assertEquals(escapeUnitName("a+b/c"), "a\\x2bb-c");
 * ```
 */
export function escapeUnitName(text: string): string {
  return Array.from(new TextEncoder().encode(text), (byte) => {
    const char = String.fromCharCode(byte);
    if (char === "/") return "-";
    return /[A-Za-z0-9:_.-]/.test(char)
      ? char
      : `\\x${byte.toString(16).padStart(2, "0")}`;
  }).join("");
}

/**
 * Gives the path of a slice below systemd's own group: the dashes of its name
 * say in which slices it lies. Pure.
 *
 * @param slice E.g. `a-b.slice`; `-.slice` is the root.
 * @returns E.g. `/a.slice/a-b.slice`; empty for the root.
 * @throws {ConfigError} `ConfigInvalid` if it is no slice's name.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { slicePath } from "./systemd_names.ts";
 *
 * assertEquals(slicePath("a-b.slice"), "/a.slice/a-b.slice");
 * ```
 */
export function slicePath(slice: string): string {
  if (slice === "-.slice") return "";
  const name = slice.endsWith(".slice") ? slice.slice(0, -6) : "";
  const parts = name.split("-");
  const isValid = /^[\w:.@\\-]+$/.test(name) && slice.length <= NAME_LIMIT &&
    parts.every((part) => part !== "");
  if (!isValid) {
    throw refuse(
      "cgroups.slice",
      `Cannot use the slice ${
        JSON.stringify(slice)
      }: wanted a name such as machine.slice or a-b.slice`,
    );
  }
  return parts.map((_, at) =>
    `/${groupName(`${parts.slice(0, at + 1).join("-")}.slice`)}`
  ).join("");
}

/**
 * Gives the name of a unit's group. Pure.
 *
 * @param unit Name of the unit.
 * @returns The same, or with `_` in front where the kernel might have such a file.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { groupName } from "./systemd_names.ts";
 *
 * assertEquals(groupName("nsinit-a.scope"), "nsinit-a.scope");
 * assertEquals(groupName("cpu.scope"), "_cpu.scope");
 * ```
 */
export function groupName(unit: string): string {
  return RESERVED.test(unit) ? `_${unit}` : unit;
}

/** A scope by its names. */
export interface ScopeName {
  /** The slice that it lies in. */
  readonly slice: string;
  /** Name of the unit. */
  readonly unit: string;
}

/** What a scope is named after. */
export interface ScopeNaming {
  /** Container id. */
  readonly id: string;
  /** `cgroups.name`: empty for the id, or `slice:prefix:name` as in OCI. */
  readonly name: string;
  /** `cgroups.parent`: a prefix, or a slice. */
  readonly parent: string;
  /** `cgroups.slice`. */
  readonly slice?: string;
  /** Slice where none is given. */
  readonly defaultSlice: string;
  /** Whether another container has the name already: the id is added. */
  readonly isTaken: boolean;
}

/**
 * Names the scope of a container: `PREFIX-NAME.scope`. Pure.
 *
 * @param naming What it is named after.
 * @returns Slice and unit.
 * @throws {ConfigError} `ConfigInvalid` for names that no unit can have.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { scopeName } from "./systemd_names.ts";
 *
 * const naming = { id: "demo", name: "", parent: "nsinit", defaultSlice: "system.slice", isTaken: false };
 * assertEquals(scopeName(naming), { slice: "system.slice", unit: "nsinit-demo.scope" });
 * assertEquals(
 *   scopeName({ ...naming, name: "machine.slice:pod:web" }),
 *   { slice: "machine.slice", unit: "pod-web.scope" },
 * );
 * ```
 */
export function scopeName(naming: ScopeNaming): ScopeName {
  const { id, defaultSlice, isTaken } = naming;
  const parent = naming.parent.replace(/^\/+|\/+$/g, "");
  const isSlice = parent.endsWith(".slice");
  const triple = /^([^:]*):([^:]*):([^:]+)$/.exec(naming.name);
  const [, ociSlice = "", ociPrefix = "", ociName = ""] = triple ?? [];
  const prefix = triple ? ociPrefix : isSlice ? "" : parent;
  const wanted = triple ? ociName : naming.name;
  const name = wanted === "" ? id : isTaken ? `${wanted}-${id}` : wanted;
  const slice = ociSlice || naming.slice ||
    (isSlice ? parent.slice(parent.lastIndexOf("/") + 1) : defaultSlice);
  slicePath(slice);
  const full = prefix === "" ? name : `${prefix}-${name}`;
  const unit = `${escapeUnitName(full)}.scope`;
  if (unit.length > NAME_LIMIT) {
    throw refuse(
      "cgroups.name",
      `Cannot have systemd make a scope for container ${
        id.slice(0, 40)
      }...: its name would have ${unit.length} bytes, and ${NAME_LIMIT} are allowed; give a shorter cgroups.name`,
    );
  }
  return { slice, unit };
}

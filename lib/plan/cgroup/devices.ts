/**
 * Device rules: normal form, and the lines of the version 1 controller.
 *
 * @module
 */
import type { Device, Resources } from "../../config/types.ts";
import { refuse } from "../refusal.ts";
import type { LimitWrite } from "./types.ts";

/** Bits of access, as in `linux/bpf.h`. */
export const DEVICE_ACCESS = { m: 1, r: 2, w: 4 } as const;

/** One rule; -1 is any number. */
export interface DeviceRule {
  /** Character, block, or both. */
  readonly type: "c" | "b" | "a";
  /** Major number. */
  readonly major: number;
  /** Minor number. */
  readonly minor: number;
  /** Bits of {@linkcode DEVICE_ACCESS}. */
  readonly access: number;
}

/** What a group may do with devices. */
export interface DevicePolicy {
  /** What holds where no rule does. */
  readonly allow: boolean;
  /** Exceptions: rules that allow when `allow` is false, that deny when it is true. */
  readonly rules: readonly DeviceRule[];
}

function toRule(device: Device, path: string): DeviceRule {
  const { type, major, minor, permissions } = device;
  if (type === "p") {
    throw refuse(
      path,
      "Cannot make a device rule for a fifo: rules are for type c, b or a",
    );
  }
  let access = 0;
  for (const letter of permissions) {
    const bit = letter === "m" || letter === "r" || letter === "w"
      ? DEVICE_ACCESS[letter]
      : 0;
    if (bit === 0) {
      throw refuse(
        `${path}.permissions`,
        `Cannot make a device rule with permissions ${
          JSON.stringify(permissions)
        }: letters are r, w and m`,
      );
    }
    access |= bit;
  }
  return { type, major, minor, access };
}

/**
 * Brings device rules into normal form. Pure.
 *
 * Starts from "deny all" unless everything is allowed on purpose. Rules for the
 * same device are merged, as the version 1 controller does; rules without
 * access are dropped.
 *
 * @param resources The rules.
 * @returns The policy.
 * @throws {ConfigError} `ConfigInvalid` for fifos and unknown letters.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { devicePolicy } from "./devices.ts";
 *
 * assertEquals(devicePolicy({}), { allow: false, rules: [] });
 * ```
 */
export function devicePolicy(resources: Resources): DevicePolicy {
  const allow = resources.allowAllDevices === true;
  const key = allow ? "deniedDevices" : "allowedDevices";
  const merged = new Map<string, DeviceRule>();
  (resources[key] ?? []).forEach((device, index) => {
    const rule = toRule(device, `cgroups.${key}[${index}]`);
    if (rule.access === 0) return;
    const name = `${rule.type} ${rule.major} ${rule.minor}`;
    const access = rule.access | (merged.get(name)?.access ?? 0);
    merged.set(name, { ...rule, access });
  });
  return { allow, rules: [...merged.values()] };
}

/**
 * Whether a policy lets everything through, so that nothing has to be done. Pure.
 *
 * @param policy The policy.
 * @returns True when everything is allowed without exception.
 *
 * @example
 * ```ts
 * import { assert } from "@std/assert";
 * import { isOpenPolicy } from "./devices.ts";
 *
 * assert(isOpenPolicy({ allow: true, rules: [] }));
 * ```
 */
export function isOpenPolicy({ allow, rules }: DevicePolicy): boolean {
  return allow && rules.length === 0;
}

/** A rule as `devices.allow` and `devices.deny` take it. */
function formatRule({ type, major, minor, access }: DeviceRule): string {
  const number = (n: number): string => n < 0 ? "*" : String(n);
  const letters = (["r", "w", "m"] as const)
    .filter((letter) => (access & DEVICE_ACCESS[letter]) !== 0).join("");
  return `${type} ${number(major)}:${number(minor)} ${letters}`;
}

/** Rules of both types: the kernel reads `a` as "everything", whatever follows. */
function splitAny(rule: DeviceRule): DeviceRule[] {
  const isAll = rule.major < 0 && rule.minor < 0 && rule.access === 7;
  if (rule.type !== "a" || isAll) return [rule];
  return [{ ...rule, type: "c" }, { ...rule, type: "b" }];
}

/**
 * Lists the writes of the version 1 device controller. Pure.
 *
 * @param policy The policy.
 * @returns `devices.deny a` and lines that allow, or the reverse.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { deviceWrites } from "./devices.ts";
 *
 * const rule = { type: "c", major: 136, minor: -1, access: 6 } as const;
 * assertEquals(
 *   deviceWrites({ allow: false, rules: [rule] }).map(({ file, value }) => [file, value]),
 *   [["devices.deny", "a"], ["devices.allow", "c 136:* rw"]],
 * );
 * ```
 */
export function deviceWrites({ allow, rules }: DevicePolicy): LimitWrite[] {
  const [first, rest] = allow
    ? ["devices.allow", "devices.deny"]
    : ["devices.deny", "devices.allow"];
  const limit = allow ? "deniedDevices" : "allowedDevices";
  const line = (file: string, value: string): LimitWrite => ({
    limit,
    controller: "devices",
    file,
    value,
  });
  return [
    line(first, "a"),
    ...rules.flatMap(splitAny).map((rule) => line(rest, formatRule(rule))),
  ];
}

/** A rule that covers everything turns the policy over, and what stands beside it is void. */
function effective(policy: DevicePolicy): DevicePolicy {
  const isAll = ({ type, major, minor, access }: DeviceRule): boolean =>
    type === "a" && major < 0 && minor < 0 && access === 7;
  return policy.rules.some(isAll)
    ? { allow: !policy.allow, rules: [] }
    : { allow: policy.allow, rules: policy.rules.flatMap(splitAny) };
}

/** Access that rules have and others have not, by device. */
function lessAccess(
  rules: readonly DeviceRule[],
  others: readonly DeviceRule[],
): DeviceRule[] {
  return rules.map((rule) => {
    const same = others.filter(({ type, major, minor }) =>
      type === rule.type && major === rule.major && minor === rule.minor
    );
    const has = same.reduce((bits, { access }) => bits | access, 0);
    return { ...rule, access: rule.access & ~has };
  }).filter(({ access }) => access !== 0);
}

/** A change of the rules of a group that lives. */
export interface DeviceTransition {
  /** The writes in order. */
  readonly writes: readonly LimitWrite[];
  /**
   * Whether more than before and after is open in between: the kernel turns a
   * group to "everything" before it takes what is denied. Nothing may run then.
   */
  readonly isOpenBetween: boolean;
}

/**
 * Lists the writes that lead a version 1 group from rules to others. Pure.
 *
 * What is closed is closed first. Only from "nothing but" to "everything but"
 * the kernel knows no way without a gap, which is told.
 *
 * @param from The rules in force.
 * @param to The rules wanted.
 * @returns The writes.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { deviceTransition } from "./devices.ts";
 *
 * const rule = { type: "c", major: 1, minor: 5, access: 6 } as const;
 * const { writes } = deviceTransition(
 *   { allow: false, rules: [rule] },
 *   { allow: false, rules: [{ ...rule, access: 2 }] },
 * );
 * assertEquals(writes.map(({ file, value }) => [file, value]), [["devices.deny", "c 1:5 w"]]);
 * ```
 */
export function deviceTransition(
  from: DevicePolicy,
  to: DevicePolicy,
): DeviceTransition {
  const [before, after] = [effective(from), effective(to)];
  if (before.allow !== after.allow) {
    return {
      writes: deviceWrites(after),
      isOpenBetween: after.allow && after.rules.length > 0,
    };
  }
  const [closed, opened] = after.allow
    ? [
      lessAccess(after.rules, before.rules),
      lessAccess(before.rules, after.rules),
    ]
    : [
      lessAccess(before.rules, after.rules),
      lessAccess(after.rules, before.rules),
    ];
  const limit = after.allow ? "deniedDevices" : "allowedDevices";
  const line = (file: string, rule: DeviceRule): LimitWrite => ({
    limit,
    controller: "devices",
    file,
    value: formatRule(rule),
  });
  return {
    writes: [
      ...closed.map((rule) => line("devices.deny", rule)),
      ...opened.map((rule) => line("devices.allow", rule)),
    ],
    isOpenBetween: false,
  };
}

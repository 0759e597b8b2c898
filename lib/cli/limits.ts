/**
 * From the options of `update` to a change of limits.
 *
 * @module
 */
import type {
  BlkioDevice,
  Device,
  DeviceType,
  HugepageLimit,
  IfPrioMap,
  Int64,
  Resources,
} from "../config/types.ts";
import { UsageError } from "../errors.ts";
import { LIMIT_OPTIONS } from "./limit_options.ts";
import { parseSize, type Values } from "./values.ts";

/** Options of one number, and their member of the model. */
const NUMBERS = {
  "memory-limit": "memory",
  "memory-swap": "memorySwap",
  "memory-reservation": "memoryReservation",
  "kernel-memory": "kernelMemory",
  "kernel-memory-tcp": "kernelMemoryTcp",
  "memory-swappiness": "memorySwappiness",
  "cpushares": "cpuShares",
  "cpu-quota": "cpuQuota",
  "cpu-period": "cpuPeriod",
  "cpu-burst": "cpuBurst",
  "cpu-idle": "cpuIdle",
  "cpu-rt-runtime": "cpuRtRuntime",
  "cpu-rt-period": "cpuRtPeriod",
  "pids-limit": "pidsLimit",
  "blkio-weight": "blkioWeight",
  "net-cls-classid": "netClsClassid",
} as const;
/** Of those, the ones to which 0 is a value and not the absence of one. */
const ZERO_IS_VALUE: readonly string[] = [
  "memory-swappiness",
  "cpu-burst",
  "cpu-idle",
  "pids-limit",
];
const TEXTS = { "cpuset-cpus": "cpusetCpus", "cpuset-mems": "cpusetMems" };
/** Options of one value for each block device. */
const BLOCK_DEVICES = {
  "blkio-weight-device": "blkioWeightDevice",
  "device-read-bps": "blkioThrottleReadBpsDevice",
  "device-write-bps": "blkioThrottleWriteBpsDevice",
  "device-read-iops": "blkioThrottleReadIopsDevice",
  "device-write-iops": "blkioThrottleWriteIopsDevice",
} as const;

/** Tells a path's device numbers; a test takes the place of the file system. */
export type DeviceNumbers = (path: string) => readonly [number, number];

function wrong(name: string, text: string, wanted: string): UsageError {
  return new UsageError(
    `--${name} cannot be ${JSON.stringify(text)}: it is ${wanted}`,
  );
}

function singleNumbers(values: Values): Resources {
  const given = Object.entries(NUMBERS).filter(([name]) => values.has(name));
  return Object.fromEntries(given.map(([name, key]) => {
    const number = values.size(name) ?? 0;
    if (BigInt(number) === 0n && !ZERO_IS_VALUE.includes(name)) {
      throw wrong(name, "0", "above 0, or -1 to lift the limit");
    }
    return [key, number];
  }));
}

function textsOf(values: Values): Resources {
  const given = Object.entries(TEXTS).filter(([name]) => values.has(name));
  return Object.fromEntries(given.map(([name, key]) => {
    const text = values.text(name) ?? "";
    if (text === "") throw wrong(name, text, "a list, such as 0-1,3");
    return [key, text];
  }));
}

/** Splits at the last separator: names may hold it too. */
function split(
  name: string,
  text: string,
  separator: string,
  wanted: string,
): [string, Int64] {
  const cut = text.lastIndexOf(separator);
  const value = parseSize(text.slice(cut + 1));
  if (cut < 1 || value === undefined) throw wrong(name, text, wanted);
  return [text.slice(0, cut), value];
}

/** `previous` with the entries of the same name replaced, and new ones behind. */
function merge<T>(
  previous: readonly T[] | undefined,
  given: readonly T[],
  nameOf: (item: T) => string,
): T[] {
  const changed = new Map(
    [...previous ?? [], ...given].map((item) => [nameOf(item), item]),
  );
  return [...changed.values()];
}

function blockDevice(
  name: string,
  text: string,
  numbersOf: DeviceNumbers,
): BlkioDevice {
  const wanted = "DEV:N, with a block device's path or numbers, such as 8:0:1m";
  const [device, value] = split(name, text, ":", wanted);
  const [, major, minor] = /^(\d{1,9}):(\d{1,9})$/.exec(device) ?? [];
  if (major !== undefined) {
    return { major: Number(major), minor: Number(minor), value };
  }
  if (!device.startsWith("/")) throw wrong(name, text, wanted);
  const [own, number] = numbersOf(device);
  return { major: own, minor: number, value };
}

function blockDevicesOf(
  values: Values,
  current: Resources | undefined,
  numbersOf: DeviceNumbers,
): Resources {
  const given = Object.entries(BLOCK_DEVICES)
    .filter(([name]) => values.has(name));
  return Object.fromEntries(given.map(([name, key]) => {
    const entries = values.list(name)
      .map((text) => blockDevice(name, text, numbersOf));
    const nameOf = ({ major, minor }: BlkioDevice): string =>
      `${major}:${minor}`;
    // An entry of 0 sets the device free; without it the list says the same.
    return [key, merge(current?.[key], entries, nameOf)];
  }));
}

const RULE = /^([abc])\s+(\d+|\*):(\d+|\*)\s+([rwm]{1,3})$/;

/** Reads a rule as the kernel writes them in `devices.list`. */
function deviceRule(name: string, text: string): Device {
  const [, type, major, minor, permissions = ""] = RULE.exec(text.trim()) ?? [];
  if (type === undefined) {
    throw wrong(
      name,
      text,
      'type, numbers and letters of rwm, such as "c 10:200 rwm" or "b 8:* r"',
    );
  }
  const number = (digits = ""): number => digits === "*" ? -1 : Number(digits);
  return {
    type: type as DeviceType,
    path: "",
    major: number(major),
    minor: number(minor),
    permissions,
    fileMode: 0,
    uid: 0,
    gid: 0,
  };
}

function ruleName({ type, major, minor }: Device): string {
  return `${type} ${major}:${minor}`;
}

/** The rules with more letters for the same devices, or new rules behind. */
function addRule(rules: readonly Device[], rule: Device): Device[] {
  const known = rules.find((other) => ruleName(other) === ruleName(rule));
  if (known === undefined) return [...rules, rule];
  const letters = [...new Set(known.permissions + rule.permissions)].join("");
  return rules.map((other) =>
    other === known ? { ...known, permissions: letters } : other
  );
}

/** The rules with fewer letters for the same devices; one without any goes. */
function takeRule(
  rules: readonly Device[],
  rule: Device,
  refuse: (rule: Device) => UsageError,
): Device[] {
  const known = rules.find((other) => ruleName(other) === ruleName(rule));
  if (known === undefined) throw refuse(rule);
  const letters = [...known.permissions]
    .filter((letter) => !rule.permissions.includes(letter)).join("");
  return rules.flatMap((other) => {
    if (other !== known) return [other];
    return letters === "" ? [] : [{ ...known, permissions: letters }];
  });
}

/** Rules are added to those in force, or taken from them. */
function deviceRulesOf(
  values: Values,
  current: Resources | undefined,
): Resources {
  const read = (name: string): Device[] =>
    values.list(name).map((text) => deviceRule(name, text));
  const [allowed, denied] = [read("device-allow"), read("device-deny")];
  if (allowed.length + denied.length === 0) return {};
  // A container without rules of its own may use every device.
  const isOpen = current === undefined || current.allowAllDevices === true;
  const [added, taken] = isOpen ? [denied, allowed] : [allowed, denied];
  const option = isOpen ? "device-allow" : "device-deny";
  const refuse = (rule: Device): UsageError =>
    new UsageError(
      `--${option} ${ruleName(rule)}: the container has no rule that ` +
        `${isOpen ? "forbids" : "allows"} just that, so there is none to ` +
        "take away (nsinit state lists its rules)",
    );
  const key = isOpen ? "deniedDevices" : "allowedDevices";
  const without = taken.reduce(
    (rules, rule) => takeRule(rules, rule, refuse),
    [...current?.[key] ?? []],
  );
  return { allowAllDevices: isOpen, [key]: added.reduce(addRule, without) };
}

function hugepagesOf(
  values: Values,
  current: Resources | undefined,
): Resources {
  if (!values.has("hugetlb-limit")) return {};
  const given = values.list("hugetlb-limit").map((text): HugepageLimit => {
    const [pageSize, limit] = split(
      "hugetlb-limit",
      text,
      "=",
      "SIZE=BYTES, such as 2MB=64m",
    );
    return { pageSize, limit };
  });
  return {
    hugetlbLimit: merge(
      current?.hugetlbLimit,
      given,
      ({ pageSize }) => pageSize,
    ),
  };
}

function prioritiesOf(
  values: Values,
  current: Resources | undefined,
): Resources {
  if (!values.has("net-prio")) return {};
  const given = values.list("net-prio").map((text): IfPrioMap => {
    const wanted = "INTERFACE=N, such as eth0=3";
    const [name, priority] = split("net-prio", text, "=", wanted);
    return { interface: name, priority: Number(priority) };
  });
  return {
    netPrioIfpriomap: merge(
      current?.netPrioIfpriomap,
      given,
      (entry) => entry.interface,
    ),
  };
}

function unifiedOf(values: Values): Resources {
  if (!values.has("unified")) return {};
  const entries = values.list("unified").map((text) => {
    const equals = text.indexOf("=");
    if (equals < 1) throw wrong("unified", text, "FILE=VALUE");
    return [text.slice(0, equals), text.slice(equals + 1)];
  });
  return { unified: Object.fromEntries(entries) };
}

/**
 * Makes sure that some limit is given.
 *
 * @param values Options, declared by `LIMIT_OPTIONS`.
 * @throws {UsageError} `UsageInvalid` when none is.
 */
export function checkLimitsGiven(values: Values): void {
  if (LIMIT_OPTIONS.some(({ name }) => values.has(name))) return;
  throw new UsageError(
    "Nothing to change: name a limit, e.g. --memory-limit 256m " +
      "(nsinit help update lists them)",
  );
}

/**
 * Makes a change of limits from options.
 *
 * Pure, but for asking `numbersOf`. Of a list, what is given replaces what has
 * the same name; the rest of the list stays.
 *
 * @param values Options, declared by `LIMIT_OPTIONS`.
 * @param current The limits in force.
 * @param numbersOf Tells the device numbers of a path.
 * @returns What changes.
 * @throws {UsageError} `UsageInvalid` for values that make no sense.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { LIMIT_OPTIONS } from "./limit_options.ts";
 * import { limitsOf } from "./limits.ts";
 * import { Values } from "./values.ts";
 *
 * const values = new Values(LIMIT_OPTIONS, new Map([["pids-limit", ["50"]]]));
 * assertEquals(limitsOf(values, undefined, () => [0, 0]), { pidsLimit: 50 });
 * ```
 */
export function limitsOf(
  values: Values,
  current: Resources | undefined,
  numbersOf: DeviceNumbers,
): Resources {
  return {
    ...singleNumbers(values),
    ...textsOf(values),
    ...blockDevicesOf(values, current, numbersOf),
    ...deviceRulesOf(values, current),
    ...hugepagesOf(values, current),
    ...prioritiesOf(values, current),
    ...unifiedOf(values),
    ...(values.has("oom-kill-disable") &&
      { oomKillDisable: values.flag("oom-kill-disable") }),
  };
}

/**
 * Shapes of what processes are given: capabilities and resource limits.
 *
 * @module
 */
import {
  CAPABILITIES,
  type CapabilityName,
  parseCapability,
} from "../names/capabilities.ts";
import { parseRlimitType, RLIMITS } from "../names/rlimits.ts";
import type { CapabilitySets, Rlimit } from "../types.ts";
import {
  either,
  INTEGER64,
  list,
  oneOf,
  or,
  record,
  required,
  type Shape,
} from "./shape.ts";

const NAMES: Shape<readonly CapabilityName[]> = list(
  oneOf(CAPABILITIES, "capability", parseCapability),
);

const SETS = record<CapabilitySets>({
  bounding: or(NAMES, []),
  effective: or(NAMES, []),
  inheritable: or(NAMES, []),
  permitted: or(NAMES, []),
  ambient: or(NAMES, []),
});

/** Capabilities: a list to keep, or the five sets. */
export const KEPT_CAPABILITIES: Shape<
  readonly CapabilityName[] | CapabilitySets
> = either(Array.isArray, NAMES, SETS);

const NUMBERS = [...RLIMITS.keys()];
const NUMBERED = oneOf(NUMBERS, "resource");

/** The number of a resource, which may be named. */
const RESOURCE: Shape<number> = (value, path, findings) => {
  if (typeof value !== "string") return NUMBERED(value, path, findings);
  return parseRlimitType(value) ??
    findings.unknown(path, "resource", value, RLIMITS);
};

/** Limits of resources, which may be named. */
export const RESOURCE_LIMITS: Shape<readonly Rlimit[]> = list(
  record<Rlimit>({
    type: required(RESOURCE),
    hard: required(INTEGER64),
    soft: required(INTEGER64),
  }),
);

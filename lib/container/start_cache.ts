/**
 * Starts that were planned before: of one configuration, on one machine, for a
 * process that is the same, only names differ.
 *
 * @module
 */
import {
  fillPacked,
  type PackedTemplate,
  packTemplate,
} from "../../ffi/packed_template.ts";
import type { PackedPlan } from "../../ffi/plan_run.ts";
import type { Config } from "../config/types.ts";
import type { Host } from "../host/types.ts";
import { buildStartPlan } from "../plan/build.ts";
import {
  fillPlan,
  fillResources,
  knowsTheSame,
  makeTemplate,
  namesOf,
  type Template,
  templateKey,
} from "../plan/template.ts";
import type { Placement, ProcessSpec, StartPlan } from "../plan/types.ts";

/** A start, packed already where it was planned before. */
export interface ReadyStart extends StartPlan {
  /** The packed program; `plan` has signs in the place of names then. */
  readonly packed?: PackedPlan;
}

/** Kinds of process for each configuration that are kept; the oldest goes first. */
const KEPT = 8;

interface Entry {
  readonly host: Host;
  readonly template?: Template;
  readonly packed?: PackedTemplate;
}

/** Nobody can change what is shared, so that it is known by identity. */
const entries = new WeakMap<Config, Map<string, Entry>>();

function keep(config: Config, key: string, entry: Entry): void {
  const kinds = entries.get(config) ?? new Map<string, Entry>();
  entries.set(config, kinds);
  const [oldest] = kinds.keys();
  if (kinds.size >= KEPT && !kinds.has(key) && oldest !== undefined) {
    kinds.delete(oldest);
  }
  kinds.set(key, entry);
}

/** The entry of a start that is planned a second time. */
function secondEntry(
  config: Config,
  process: ProcessSpec,
  host: Host,
  placement: Placement,
): Entry {
  const template = makeTemplate(
    process,
    placement,
    (spec, place) => buildStartPlan(config, spec, host, place),
  );
  const packed = packTemplate(template.start.plan);
  return packed ? { host, template, packed } : { host, template };
}

/**
 * Plans a start, or takes what was planned before: from the second one on of a
 * kind.
 *
 * @param config The configuration; only one that is frozen is known again.
 * @param process The first process.
 * @param host The machine.
 * @param placement Names, paths and descriptors.
 * @returns The start.
 * @throws {NsinitError} As {@linkcode buildStartPlan}.
 *
 * @example
 * ```ts ignore
 * const { plan, packed } = planKnownStart(config, process, host, placement);
 * ```
 */
export function planKnownStart(
  config: Config,
  process: ProcessSpec,
  host: Host,
  placement: Placement,
): ReadyStart {
  const plan = (): StartPlan =>
    buildStartPlan(config, process, host, placement);
  const key = Object.isFrozen(config)
    ? templateKey(process, placement)
    : undefined;
  if (key === undefined) return plan();
  const found = entries.get(config)?.get(key);
  if (found?.host !== host) {
    keep(config, key, { host });
    return plan();
  }
  const isKnown = found.template && knowsTheSame(found.template, placement);
  const entry = isKnown ? found : secondEntry(config, process, host, placement);
  if (!isKnown) keep(config, key, entry);
  const { template, packed } = entry;
  if (!template || !packed) return plan();
  const names = namesOf(process, placement);
  return {
    ...template.start,
    resources: fillResources(template, names),
    packed: {
      bytes: fillPacked(packed, names),
      plan: () => fillPlan(template, names),
    },
  };
}

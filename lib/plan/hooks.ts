/**
 * Hooks: programs that run at points of a container's life.
 *
 * @module
 */
import { MOUNT_FLAGS } from "../config/names/mount_flags.ts";
import type { Config, Hook, Hooks } from "../config/types.ts";
import {
  type ChildOp,
  type Op,
  type ParentOp,
  POINTS,
  type UndoOp,
} from "./ops.ts";

const { MS_REC } = MOUNT_FLAGS;
/** Version of the OCI runtime specification whose state hooks get. */
const OCI_VERSION = "1.2.0";

/** Status of the container in the state that a hook gets, as runc has it. */
const STATUSES: { readonly [K in keyof Hooks]-?: string } = {
  prestart: "creating",
  createRuntime: "creating",
  createContainer: "creating",
  startContainer: "created",
  poststart: "running",
  poststop: "stopped",
};

/** What hooks are told of a container. */
export interface HookSubject {
  /** Its id. */
  readonly id: string;
  /** Its directory; empty for one that has none. */
  readonly directory: string;
  /** Environment of hooks that name none: an engine's, who expects it to be inherited. */
  readonly hookEnv?: readonly string[];
}

/** What hooks add to a Plan. */
export interface HookPart {
  /** Parent: while the child waits with its root furnished, not entered. */
  readonly parent: readonly ParentOp[];
  /** Child: then, in the container's namespaces, with the host's files. */
  readonly child: readonly ChildOp[];
  /** Child: before the program, as the program. */
  readonly start: readonly ChildOp[];
  /** Parent: when the program runs. */
  readonly after: readonly ParentOp[];
}

/** Labels as annotations. */
function annotationsOf(labels: readonly string[]): Record<string, string> {
  return Object.fromEntries(labels.map((label) => {
    const cut = label.indexOf("=");
    return cut < 0 ? [label, ""] : [label.slice(0, cut), label.slice(cut + 1)];
  }));
}

/**
 * Writes the state that a hook gets on its standard input. Pure.
 *
 * @param config The configuration.
 * @param subject The container.
 * @param kind Which hook.
 * @returns JSON in two pieces, between which the pid goes; in one for a
 * container that has no process any more.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { hookState } from "./hooks.ts";
 *
 * const pieces = hookState({ rootfs: "/srv" }, { id: "demo", directory: "/run/demo" }, "poststart");
 * assertEquals(JSON.parse(pieces.join("7")), {
 *   ociVersion: "1.2.0",
 *   id: "demo",
 *   status: "running",
 *   pid: 7,
 *   bundle: "/run/demo",
 * });
 * ```
 */
export function hookState(
  { labels = [], rootfs }: Pick<Config, "labels" | "rootfs">,
  { id, directory }: HookSubject,
  kind: keyof Hooks,
): string[] {
  const head = { ociVersion: OCI_VERSION, id, status: STATUSES[kind] };
  const tail = {
    bundle: directory || rootfs,
    ...labels.length > 0 ? { annotations: annotationsOf(labels) } : {},
  };
  if (kind === "poststop") return [JSON.stringify({ ...head, ...tail })];
  const before = JSON.stringify(head).slice(0, -1);
  return [`${before},"pid":`, `,${JSON.stringify(tail).slice(1)}`];
}

/** Milliseconds, at least one; 0 is no limit. */
function timeoutOf({ timeout }: Hook): number {
  return timeout === undefined ? 0 : Math.max(1, Math.ceil(timeout * 1000));
}

/** Inside it is the environment of the program. */
function insideEnv({ process }: Config): readonly string[] {
  const env = process?.env ?? [];
  if (env.some((entry) => entry.startsWith("HOME="))) return env;
  const isRoot = /^(0|root|)(:|$)/.test(process?.user ?? "");
  return [...env, `HOME=${isRoot ? "/root" : "/"}`];
}

/** Where the hooks of a kind run, as fields of the operation. */
type HookPlace = Pick<Op<"hook.run">, "flags" | "propagation" | "root">;

/** On the host; what they say goes to the error output. */
const ON_HOST: HookPlace = { flags: 1, propagation: 0 };
/** In the container; what they say is output of the container. */
const INSIDE: HookPlace = { flags: 0, propagation: 0 };
/** Flag: what it says is kept for the message of its failure, as engines expect, who read one line. */
const KEEPS_SAID = 2;

function hookOps(
  config: Config,
  subject: HookSubject,
  kind: keyof Hooks,
  place: HookPlace,
): Op<"hook.run">[] {
  const isEngines = subject.hookEnv !== undefined;
  // The failure of one at the end is a warning that has no message of its own.
  const keeps = isEngines && kind !== "poststop" ? KEEPS_SAID : 0;
  return (config.hooks?.[kind] ?? []).map((hook, index) => ({
    op: "hook.run",
    timeout: timeoutOf(hook),
    argv: [hook.path, ...hook.args ?? [hook.path]],
    envp: hook.env ?? subject.hookEnv ?? [],
    dir: hook.dir ?? "",
    state: hookState(config, subject, kind),
    ...place,
    flags: Number(place.flags) | keeps,
    note: `hooks.${kind}[${index}]`,
  }));
}

/**
 * Plans the hooks of a start. Pure.
 *
 * Prestart and createRuntime hooks run in the caller's namespaces when all of
 * the container's exist; createContainer hooks then in those of the container,
 * with the host's files and the root at its host path; startContainer hooks
 * inside, with the rights of the program; poststart hooks when the program runs.
 * One that fails makes the start fail. That hooks run is recorded first: from
 * then on poststop hooks run at the end, whoever brings it about.
 *
 * @param config The configuration.
 * @param subject The container.
 * @param root Host path and `MS_*` propagation of a root of the container's own.
 * @returns The operations.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { planHooks } from "./hooks.ts";
 *
 * const config = { ...defaultConfig("/srv"), hooks: { prestart: [{ path: "/bin/net" }] } };
 * const { parent } = planHooks(config, { id: "demo", directory: "/run/demo" }, undefined);
 * assertEquals(parent.map(({ op }) => op), ["await", "hooks.begin", "hook.run", "release"]);
 * ```
 */
export function planHooks(
  config: Config,
  subject: HookSubject,
  root: { readonly path: string; readonly propagation: number } | undefined,
): HookPart {
  const early = [
    ...hookOps(config, subject, "prestart", ON_HOST),
    ...hookOps(config, subject, "createRuntime", ON_HOST),
  ];
  const isShown = root !== undefined && root.path !== "/";
  const inNamespaces: HookPlace = isShown
    ? { flags: 1, propagation: root.propagation & ~MS_REC, root: root.path }
    : ON_HOST;
  const hasPoststop = (config.hooks?.poststop ?? []).length > 0;
  const point = POINTS.hooks;
  const meets = early.length > 0 || hasPoststop;
  return {
    parent: meets
      ? [
        { op: "await", point },
        { op: "hooks.begin" },
        ...early,
        { op: "release", point },
      ]
      : [],
    child: [
      ...(meets ? [{ op: "sync", point } as const] : []),
      ...hookOps(config, subject, "createContainer", inNamespaces),
    ],
    start: hookOps(
      config,
      { ...subject, ...subject.hookEnv && { hookEnv: insideEnv(config) } },
      "startContainer",
      INSIDE,
    ),
    after: hookOps(config, subject, "poststart", ON_HOST),
  };
}

/**
 * Plans the hooks that run when everything of a container is gone. Pure.
 *
 * @param config The configuration.
 * @param subject The container.
 * @returns The operations; one that fails is told and holds up nothing.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { planPoststop } from "./hooks.ts";
 *
 * assertEquals(planPoststop(defaultConfig("/srv"), { id: "demo", directory: "" }), []);
 * ```
 */
export function planPoststop(
  config: Config,
  subject: HookSubject,
): UndoOp[] {
  return hookOps(config, subject, "poststop", ON_HOST);
}

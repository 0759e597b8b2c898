/**
 * `create` and `run`: from a bundle to a container.
 *
 * @module
 */
import type { Option } from "../cli/command.ts";
import type { Config } from "../config/types.ts";
import { ConfigError } from "../errors.ts";
import type { Attachment } from "../container/attach.ts";
import { takeId } from "../container/create.ts";
import { removeRemains } from "../container/recover.ts";
import type { Started, StartRequest } from "../container/start.ts";
import {
  type LockedState,
  readState,
  unlockState,
} from "../container/store.ts";
import { attachFor } from "./attach.ts";
import { type Bundle, loadBundle } from "./bundle.ts";
import type { Invocation } from "./command.ts";
import { keptDescriptors } from "./descriptors.ts";
import { cgroupDriverOf, managerSocket, usesSystemd } from "./globals.ts";
import { checkTerminal, HAND_OUT_OPTIONS, handOut } from "./hand_out.ts";
import { checkOciId } from "./state.ts";

/** Options of both commands. */
export const MAKE_OPTIONS: readonly Option[] = [
  {
    name: "bundle",
    short: "b",
    type: "text",
    metavar: "DIR",
    default: "",
    doc: "directory of the bundle (default the current directory)",
  },
  {
    name: "config",
    short: "f",
    type: "text",
    metavar: "FILE",
    doc: "read FILE instead of the bundle's config.json",
  },
  ...HAND_OUT_OPTIONS,
  {
    name: "no-pivot",
    type: "boolean",
    doc: "do not use pivot_root, for a root on a ramdisk",
  },
  {
    name: "no-new-keyring",
    type: "boolean",
    doc: "keep the session keyring of the caller",
  },
  {
    name: "no-subreaper",
    type: "boolean",
    doc: "accepted and without effect: nothing here adopts processes",
  },
];

/**
 * The groups as whoever makes them takes the path: systemd SLICE:PREFIX:NAME, which
 * to all others is a name as any.
 */
function groupsOf(
  { config, cgroupsPath }: Bundle,
  systemd: boolean,
): Pick<Config, "cgroups"> {
  const { cgroups } = config;
  const parts = cgroupsPath.split(":");
  if (systemd && cgroupsPath !== "" && parts.length !== 3) {
    throw new ConfigError(
      `expected cgroupsPath to be of format "slice:prefix:name" for systemd cgroups, got ${
        JSON.stringify(cgroupsPath)
      } instead`,
    );
  }
  if (systemd || parts.length !== 3 || cgroups === undefined) return {};
  const { slice: _, ...rest } = cgroups;
  const cut = cgroupsPath.lastIndexOf("/");
  return {
    cgroups: {
      ...rest,
      name: cgroupsPath.slice(cut + 1),
      parent: cut < 0 ? "" : cgroupsPath.slice(0, Math.max(cut, 1)),
    },
  };
}

/** The configuration with what the command line says of it. */
function settle(bundle: Bundle, { values, globals }: Invocation): Config {
  return {
    ...bundle.config,
    ...groupsOf(bundle, usesSystemd(globals)),
    ...values.flag("no-pivot") && { noPivotRoot: true },
    ...values.flag("no-new-keyring") && { noNewKeyring: true },
  };
}

/** Makes what is asked for of a locked, empty state directory. */
export type Maker = (
  locked: LockedState,
  request: StartRequest,
) => Promise<Started>;

/** A container that has been made. */
export interface Made extends Started {
  /** Its state directory, locked. */
  readonly locked: LockedState;
  /** The caller's side of its streams. */
  readonly attachment: Attachment;
}

/** Takes a container back that nobody has been told of. */
async function takeBack(locked: LockedState): Promise<void> {
  const state = await readState(locked.dir).catch(() => undefined);
  await removeRemains(locked, state, { blocking: true });
}

async function requestFor(
  invocation: Invocation,
  id: string,
  detach: boolean,
): Promise<StartRequest> {
  const { values, globals, log } = invocation;
  const file = values.text("config");
  const bundle = await loadBundle({
    directory: values.text("bundle") ?? "",
    ...file !== undefined && { file },
    onWarning: (message) => log.warn(message),
  });
  const tty = bundle.config.process?.tty ?? false;
  checkTerminal(values, { tty, detach });
  const { extraFiles, env } = keptDescriptors(
    values.integer("preserve-fds") ?? 0,
    (name) => Deno.env.get(name),
  );
  return {
    id,
    config: settle(bundle, invocation),
    directory: bundle.path,
    configPath: bundle.configPath,
    oci: { bundle: bundle.path, version: bundle.version },
    process: { args: [], env, ...extraFiles.length > 0 && { extraFiles } },
    attachment: attachFor({ tty, detach }),
    keep: true,
    blocking: true,
    ...cgroupDriverOf(globals),
    // Who stays with it ends without asking systemd.
    ...detach && { keepsFailedUnit: true },
  };
}

/** Where a service manager wants to know, the program gets a socket to tell. */
async function withReadiness(
  request: StartRequest,
  { dir }: LockedState,
): Promise<StartRequest> {
  if (managerSocket() === undefined || request.oci === undefined) {
    return request;
  }
  const { makeNotifyDirectory } = await import("../container/readiness.ts");
  const { withNotifySocket } = await import("./notify.ts");
  const config = withNotifySocket(
    request.config,
    await makeNotifyDirectory(dir),
  );
  return { ...request, config, oci: { ...request.oci, tellsReady: true } };
}

/**
 * Makes a container of a bundle and hands out what the engine asks for.
 *
 * @param invocation The use of the command.
 * @param maker Makes it: up to its program, or with it.
 * @param detach Whether nobody stays with it.
 * @returns The container; its lock is the caller's to give up.
 * @throws {NsinitError} Any of the hierarchy; nothing is left of it then.
 */
export async function makeOci(
  invocation: Invocation,
  maker: Maker,
  detach: boolean,
): Promise<Made> {
  const { values, stateRoot, args, log } = invocation;
  const id = checkOciId(args[0]);
  const wanted = await requestFor(invocation, id, detach);
  const locked = await takeId(stateRoot, id);
  let made: Started | undefined;
  try {
    const request = await withReadiness(wanted, locked);
    made = await maker(locked, request);
    handOut(values, made.run);
    if (log.isDebug) {
      const { logSteps } = await import("./steps.ts");
      logSteps(log, request.config, false);
    }
    return { ...made, locked, attachment: request.attachment };
  } catch (error) {
    if (made) made.run.close();
    await takeBack(locked);
    unlockState(locked);
    throw error;
  }
}

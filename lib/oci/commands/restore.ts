/**
 * `restore`: brings a container back from the images of a checkpoint, by CRIU.
 *
 * @module
 */
import { choicesOf } from "../../cli/checkpoint_options.ts";
import type { Values } from "../../cli/values.ts";
import type { RestoreTuning } from "../../container/criu_tuning.ts";
import { openImages } from "../../container/images.ts";
import type { RestoreRequest } from "../../container/restore_types.ts";
import { restoreForEngine } from "../../container/restore_engine.ts";
import { HostError, StateError, UsageError } from "../../errors.ts";
import { attachFor } from "../attach.ts";
import { loadBundle } from "../bundle.ts";
import { CRIU_OPTIONS, imagePathOf, tuningOf } from "../checkpoint_options.ts";
import type { Invocation, OciCommand } from "../command.ts";
import { absolutePath, cgroupDriverOf } from "../globals.ts";
import { checkTerminal } from "../hand_out.ts";
import { checkOciId } from "../state.ts";

function restoreTuningOf(
  values: Values,
  labels: readonly string[] | undefined,
): RestoreTuning {
  const lsmProfile = values.text("lsm-profile");
  const lsmMountContext = values.text("lsm-mount-context");
  if (lsmProfile && !/^[^:]+:./.test(lsmProfile)) {
    throw new UsageError(
      `--lsm-profile ${JSON.stringify(lsmProfile)} is not TYPE:NAME`,
    );
  }
  return {
    ...tuningOf(values, labels),
    ...lsmProfile && { lsmProfile },
    ...lsmMountContext && { lsmMountContext },
  };
}

async function requestOf(invocation: Invocation): Promise<RestoreRequest> {
  const { values, globals, args, log } = invocation;
  const id = checkOciId(args[0]);
  const detach = values.flag("detach");
  const bundle = await loadBundle({
    directory: values.text("bundle") ?? "",
    onWarning: (message) => log.warn(message),
  });
  const tuning = restoreTuningOf(values, bundle.config.labels);
  const images = await openImages(imagePathOf(values));
  checkTerminal(values, { tty: images.hasTerminal, detach });
  const workPath = values.text("work-path");
  return {
    id,
    images,
    config: bundle.config,
    directory: bundle.path,
    oci: { bundle: bundle.path, version: bundle.version },
    attachment: attachFor({ tty: images.hasTerminal, detach }),
    keep: true,
    choices: choicesOf(values),
    tuning,
    criu: globals.text("criu") || "criu",
    onDebug: (line) => log.debug(line),
    ...workPath && { workPath: absolutePath(workPath) },
    ...values.flag("lazy-pages") && { lazyPages: true },
    ...cgroupDriverOf(globals),
  };
}

/** Of images it is said what is wrong with them, not that there is no container. */
function imageFailure(error: unknown): unknown {
  return error instanceof StateError && error.code === "ContainerNotExists"
    ? new HostError(error.message, { cause: error, context: error.context })
    : error;
}

async function restore(invocation: Invocation): Promise<number> {
  try {
    return await restoreImages(invocation);
  } catch (error) {
    throw imageFailure(error);
  }
}

async function restoreImages(invocation: Invocation): Promise<number> {
  const { values, stateRoot } = invocation;
  const consoleSocket = values.text("console-socket");
  const pidFile = values.text("pid-file");
  const workPath = values.text("work-path");
  if (workPath) await Deno.mkdir(workPath, { recursive: true, mode: 0o700 });
  return await restoreForEngine({
    stateRoot,
    request: await requestOf(invocation),
    detach: values.flag("detach"),
    ...consoleSocket && { consoleSocket: absolutePath(consoleSocket) },
    ...pidFile && { pidFile: absolutePath(pidFile) },
  });
}

/** Declaration of `restore`. */
export const COMMAND: OciCommand = {
  name: "restore",
  summary: "Bring a container back from the images of a checkpoint, by CRIU",
  usage: "[options] ID",
  options: [
    {
      name: "bundle",
      short: "b",
      type: "text",
      metavar: "DIR",
      doc: "directory of the bundle (default the current directory)",
    },
    ...CRIU_OPTIONS,
    {
      name: "detach",
      short: "d",
      type: "boolean",
      doc: "return when the container runs",
    },
    {
      name: "console-socket",
      type: "text",
      metavar: "PATH",
      doc: "unix socket that the terminal is sent to",
    },
    {
      name: "pid-file",
      type: "text",
      metavar: "FILE",
      doc: "file that the pid is written to",
    },
    {
      name: "lazy-pages",
      type: "boolean",
      doc: "fetch memory when it is used, from a criu lazy-pages that runs " +
        "in --work-path",
    },
    {
      name: "lsm-profile",
      type: "text",
      metavar: "TYPE:NAME",
      doc: "profile of a security module in place of that of the images",
    },
    {
      name: "lsm-mount-context",
      type: "text",
      metavar: "LABEL",
      doc: "SELinux label of the mounts in place of that of the images",
    },
    {
      name: "no-subreaper",
      type: "boolean",
      doc: "accepted and without effect: nothing here adopts processes",
    },
    {
      name: "no-pivot",
      type: "boolean",
      doc: "accepted and without effect: CRIU changes the root its own way",
    },
  ],
  arity: [1, 1],
  action: restore,
};

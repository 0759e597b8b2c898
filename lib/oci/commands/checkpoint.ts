/**
 * `checkpoint`: writes the processes of a container into images, by CRIU.
 *
 * @module
 */
import { choicesOf, pageServerOf } from "../../cli/checkpoint_options.ts";
import type { Values } from "../../cli/values.ts";
import { checkpointContainer } from "../../container/checkpoint.ts";
import type { CheckpointRequest } from "../../container/checkpoint.ts";
import { isOpenDescriptor } from "../../container/descriptors.ts";
import { removeRemains } from "../../container/recover.ts";
import { StateError, UsageError } from "../../errors.ts";
import { CRIU_OPTIONS, imagePathOf, tuningOf } from "../checkpoint_options.ts";
import type { Invocation, OciCommand } from "../command.ts";
import { absolutePath } from "../globals.ts";
import { loadOci, ociStatusOf, withOci } from "../state.ts";

/** Memory of the container goes there. */
const MODE = 0o700;

/** Images of an earlier pre-dump, which are found from these wherever both are moved to. */
async function parentPathOf(
  values: Values,
  imagePath: string,
): Promise<{ readonly parentPath?: string }> {
  const parentPath = values.text("parent-path") ?? "";
  if (parentPath === "") return {};
  if (parentPath.startsWith("/")) {
    throw new UsageError(
      `--parent-path ${parentPath} must be relative to --image-path`,
    );
  }
  const path = `${imagePath}/${parentPath}`;
  const info = await Deno.stat(path).catch((error) => {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  });
  if (!info?.isDirectory) {
    throw new UsageError(`invalid --parent-path: ${path} is no directory`);
  }
  return { parentPath };
}

function statusFdOf(values: Values): { readonly statusFd?: number } {
  const statusFd = values.integer("status-fd") ?? -1;
  if (statusFd === -1) return {};
  if (isOpenDescriptor(statusFd)) return { statusFd };
  throw new UsageError(
    `invalid --status-fd argument ${statusFd}: it is not open`,
  );
}

async function requestOf(
  { values, globals, log }: Invocation,
  labels: readonly string[] | undefined,
): Promise<CheckpointRequest> {
  const imagePath = imagePathOf(values);
  const workPath = values.text("work-path");
  const pageServer = pageServerOf(values.text("page-server") || undefined);
  if (values.flag("lazy-pages") && !pageServer) {
    throw new UsageError("--lazy-pages needs --page-server ADDRESS:PORT");
  }
  const statusFd = statusFdOf(values);
  await Deno.mkdir(imagePath, { recursive: true, mode: MODE });
  if (workPath) await Deno.mkdir(workPath, { recursive: true, mode: MODE });
  return {
    imagePath,
    ...workPath && { workPath: absolutePath(workPath) },
    ...choicesOf(values),
    ...await parentPathOf(values, imagePath),
    ...pageServer && { pageServer },
    ...values.flag("leave-running") && { leaveRunning: true },
    ...values.flag("pre-dump") && { preDump: true },
    ...values.flag("lazy-pages") && { lazyPages: true },
    tuning: {
      ...tuningOf(values, labels),
      ...statusFd,
      ...values.flag("link-remap") && { linkRemap: true },
      ...values.flag("tcp-skip-in-flight") && { tcpSkipInFlight: true },
    },
    criu: globals.text("criu") || "criu",
    onDebug: (line) => log.debug(line),
  };
}

/** Nothing of it is left but the images: a restore makes it anew. */
async function forget(stateRoot: string, id: string): Promise<void> {
  await withOci(stateRoot, id, async (locked, state) => {
    if (state.phase !== "checkpointed") return;
    await removeRemains(locked, state, { blocking: true });
  }).catch((error) => {
    // Who waited for its end may have been the first to take it away.
    const isGone = error instanceof StateError &&
      error.code === "ContainerNotExists";
    if (!isGone) throw error;
  });
}

async function checkpoint(invocation: Invocation): Promise<number> {
  const { stateRoot, args: [given], values } = invocation;
  const state = await loadOci(stateRoot, given);
  const { id, created } = state;
  const status = ociStatusOf(state);
  if (status !== "running" && status !== "paused") {
    throw new StateError(
      "ContainerNotStopped",
      `cannot checkpoint: Container cannot be checkpointed in ${status} state`,
      { context: { id } },
    );
  }
  await checkpointContainer(
    stateRoot,
    id,
    await requestOf(invocation, state.config.labels),
    created,
  );
  const stays = values.flag("leave-running") || values.flag("pre-dump");
  if (!stays) await forget(stateRoot, id);
  return 0;
}

/** Declaration of `checkpoint`. */
export const COMMAND: OciCommand = {
  name: "checkpoint",
  summary: "Write the processes of a container into images, by CRIU",
  usage: "[options] ID",
  options: [
    ...CRIU_OPTIONS,
    {
      name: "parent-path",
      type: "text",
      metavar: "DIR",
      doc: "images of an earlier --pre-dump, relative to --image-path: only " +
        "what has changed since is written",
    },
    {
      name: "leave-running",
      type: "boolean",
      doc: "let the container go on",
    },
    {
      name: "pre-dump",
      type: "boolean",
      doc: "write memory alone, and let the container go on",
    },
    {
      name: "tcp-skip-in-flight",
      type: "boolean",
      doc: "leave connections out that are being made",
    },
    {
      name: "link-remap",
      type: "boolean",
      doc: "allow open files that have been removed",
    },
    {
      name: "lazy-pages",
      type: "boolean",
      doc: "serve memory at --page-server until a restore has fetched it",
    },
    {
      name: "status-fd",
      type: "integer",
      metavar: "FD",
      default: "-1",
      doc: "descriptor that gets a byte once memory is served",
    },
    {
      name: "page-server",
      type: "text",
      metavar: "ADDRESS:PORT",
      doc: "where memory goes instead of into the images",
    },
  ],
  arity: [1, 1],
  action: checkpoint,
};

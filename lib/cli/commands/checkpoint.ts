/**
 * `nsinit checkpoint`: writes the processes of a container into images.
 *
 * @module
 */
import { UsageError } from "../../errors.ts";
import {
  CHOICE_OPTIONS,
  choicesOf,
  pageServerOf,
} from "../checkpoint_options.ts";
import type { Command, Invocation } from "../command.ts";
import { ID_OPTION } from "../id_option.ts";
import { absolute } from "../globals.ts";
import { withTarget } from "../target.ts";

async function checkpoint(invocation: Invocation): Promise<number> {
  const { values, output } = invocation;
  const imagePath = values.text("image-path");
  if (!imagePath) {
    throw new UsageError(
      "checkpoint needs --image-path DIR: the directory of the images, which it makes",
    );
  }
  const workPath = values.text("work-path");
  const parentPath = values.text("parent-path");
  const pageServer = pageServerOf(values.text("page-server"));
  if (values.flag("lazy-pages") && !pageServer) {
    throw new UsageError(
      "--lazy-pages needs --page-server ADDRESS:PORT, where memory is served",
    );
  }
  const { checkpointContainer } = await import("../../container/checkpoint.ts");
  const { Progress } = await import("../progress.ts");
  await withTarget(invocation, 0, async ({ stateRoot, id }) => {
    using progress = new Progress(output, `Checkpointing ${id}`, {
      unit: "bytes",
    });
    await checkpointContainer(stateRoot, id, {
      imagePath: absolute(imagePath),
      ...choicesOf(values),
      ...(workPath && { workPath: absolute(workPath) }),
      ...(parentPath && { parentPath }),
      ...(pageServer && { pageServer }),
      ...(values.flag("leave-running") && { leaveRunning: true }),
      ...(values.flag("pre-dump") && { preDump: true }),
      ...(values.flag("lazy-pages") && { lazyPages: true }),
      criu: values.text("criu") || "criu",
      onDebug: (line) => output.debug(line),
      onProgress: (done) => progress.set(done),
    });
  });
  return 0;
}

/** Declaration of `checkpoint`. */
export const COMMAND: Command = {
  name: "checkpoint",
  summary: "Write the processes of a container into images, by CRIU",
  usage: "--image-path DIR [flags] [ID]",
  details: [
    "The container has no processes then, and goes on where it was by restore. " +
    "Where that fails it runs on, and no images are left.",
    "CRIU is needed (https://criu.org), and root.",
  ],
  options: [
    ID_OPTION,
    {
      name: "image-path",
      type: "text",
      metavar: "DIR",
      doc: "directory of the images; made if it is missing",
    },
    {
      name: "leave-running",
      type: "boolean",
      doc: "let the container go on",
    },
    ...CHOICE_OPTIONS,
    {
      name: "page-server",
      type: "text",
      metavar: "ADDRESS:PORT",
      doc: "send memory to a criu page-server instead of into the images",
    },
    {
      name: "pre-dump",
      type: "boolean",
      doc:
        "write memory alone and let the container go on: a checkpoint with " +
        "--parent-path then takes what has changed since",
    },
    {
      name: "parent-path",
      type: "text",
      metavar: "DIR",
      doc: "images of the pre-dump before, relative to the images",
    },
    {
      name: "lazy-pages",
      type: "boolean",
      doc:
        "serve memory at --page-server to a restore that fetches it when it is used",
    },
  ],
  usesDirectory: true,
  examples: [
    {
      doc: "the container of this directory; nsinit restore brings it back",
      line: "nsinit checkpoint --image-path /var/lib/demo.images",
    },
    {
      doc: "a copy of one that goes on, with its open connections",
      line:
        "nsinit checkpoint --image-path copy --leave-running --tcp-established demo",
    },
  ],
  action: checkpoint,
};

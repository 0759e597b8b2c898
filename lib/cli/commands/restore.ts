/**
 * `nsinit restore`: brings a container back from images.
 *
 * @module
 */
import type { Config } from "../../config/types.ts";
import { UsageError } from "../../errors.ts";
import { CHOICE_OPTIONS, choicesOf } from "../checkpoint_options.ts";
import type { Command, Invocation } from "../command.ts";
import { DIALECTS } from "../../config/dialect_names.ts";
import { SOURCE_OPTIONS } from "../exec_options.ts";
import { ID_OPTION } from "../id_option.ts";
import {
  absolute,
  checkDirectory,
  directoryOf,
  stateRootOf,
} from "../globals.ts";
import type { Output } from "../output.ts";
import type { Values } from "../values.ts";

/** The configuration that takes the place of the recorded one. */
async function readConfig(values: Values, output: Output): Promise<Config> {
  const path = absolute(values.text("config") ?? "");
  const { formatProblems } = await import("../../config/problems.ts");
  const { loadConfig } = await import("../../config/parse.ts");
  const dialect = DIALECTS.find((name) => name === values.text("dialect"));
  return await loadConfig(path, {
    permissive: values.flag("permissive"),
    directory: directoryOf(values),
    onWarning: (problem) => output.warn(formatProblems(path, [problem])),
    ...(dialect && { dialect }),
  });
}

async function restore(invocation: Invocation): Promise<number> {
  const { values, args, output } = invocation;
  const id = values.text("id") ?? args[0];
  if (args.length > (values.has("id") ? 0 : 1)) {
    throw new UsageError(
      `Too many arguments: restore takes an id, not ${
        JSON.stringify(args.at(-1))
      }`,
    );
  }
  const directory = directoryOf(values);
  checkDirectory(directory);
  const imagePath = values.text("image-path");
  if (imagePath === "") {
    throw new UsageError("--image-path needs the name of a directory");
  }
  const workPath = values.text("work-path");
  const pidFile = values.text("pid-file");
  const { restoreContainer } = await import(
    "../../container/restore_command.ts"
  );
  const { Progress } = await import("../progress.ts");
  using progress = new Progress(output, "Restoring", { unit: "bytes" });
  return await restoreContainer({
    stateRoot: stateRootOf(values),
    directory,
    choices: choicesOf(values),
    criu: values.text("criu") || "criu",
    detach: values.flag("detach"),
    onDebug: (line) => output.debug(line),
    onProgress: (bytes, total) => progress.set(bytes, { total }),
    onRunning: () => progress[Symbol.dispose](),
    ...(id !== undefined && { id }),
    ...(imagePath && { imagePath: absolute(imagePath) }),
    ...(workPath && { workPath: absolute(workPath) }),
    ...(pidFile && { pidFile: absolute(pidFile) }),
    ...(values.flag("lazy-pages") && { lazyPages: true }),
    ...(values.has("config") && {
      loadConfig: () => readConfig(values, output),
    }),
    ...(values.flag("systemd-cgroup") && { cgroupDriver: "systemd" }),
  });
}

/** Declaration of `restore`. */
export const COMMAND: Command = {
  name: "restore",
  summary: "Bring a container back from the images of a checkpoint, by CRIU",
  usage: "[--image-path DIR] [flags] [ID]",
  details: [
    "Its standard streams, or its terminal, are those of this command, which " +
    "ends as its program does.",
    "It may get another id, and another directory: the root file system has " +
    "to be there with the same files. A configuration named by --config takes " +
    "the place of the one of the checkpoint, e.g. when data has moved.",
  ],
  options: [
    ID_OPTION,
    {
      name: "image-path",
      type: "text",
      metavar: "DIR",
      doc: "directory of the images (default that of the last checkpoint)",
    },
    {
      name: "detach",
      short: "d",
      type: "boolean",
      doc: "return as soon as the container runs",
    },
    {
      name: "pid-file",
      type: "text",
      metavar: "FILE",
      doc: "write the program's process id to FILE",
    },
    ...CHOICE_OPTIONS,
    {
      name: "lazy-pages",
      type: "boolean",
      doc:
        "fetch memory when it is used, from a criu lazy-pages that runs in " +
        "--work-path",
    },
    ...SOURCE_OPTIONS,
  ],
  usesDirectory: true,
  examples: [
    {
      doc: "the container of this directory, after nsinit checkpoint",
      line: "nsinit restore --image-path /var/lib/demo.images",
    },
    {
      doc: "a second one from the same images, in the background",
      line: "nsinit restore --detach --image-path copy --id demo-2",
    },
  ],
  action: restore,
};

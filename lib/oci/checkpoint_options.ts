/**
 * Options that `checkpoint` and `restore` have in common.
 *
 * @module
 */
import { CHOICE_OPTIONS } from "../cli/checkpoint_options.ts";
import type { Option } from "../cli/command.ts";
import type { Values } from "../cli/values.ts";
import type { RestoreTuning } from "../container/criu_tuning.ts";
import { UsageError } from "../errors.ts";
import { CRIU_ANNOTATION } from "./features.ts";
import { absolutePath } from "./globals.ts";

/** Where images are unless the command line says otherwise. */
const DEFAULT_IMAGES = "checkpoint";
/** Namespaces whose content can be left out; what else there is comes with the processes. */
const EMPTY_NAMESPACES = ["network"];

/** The options. */
export const CRIU_OPTIONS: readonly Option[] = [
  {
    name: "image-path",
    type: "text",
    metavar: "DIR",
    doc: "directory of the images (default ./checkpoint)",
  },
  ...CHOICE_OPTIONS,
  {
    name: "manage-cgroups-mode",
    type: "text",
    metavar: "MODE",
    doc: "what becomes of the settings of cgroups: soft, full, strict or " +
      "ignore (default soft)",
  },
  {
    name: "empty-ns",
    type: "text",
    metavar: "TYPE",
    repeatable: true,
    doc: "leave the content of a namespace out: network, which always is",
  },
  {
    name: "auto-dedup",
    type: "boolean",
    doc: "take memory out of earlier images that later ones hold anew",
  },
];

/**
 * Reads where the images are.
 *
 * @param values The options.
 * @returns An absolute path.
 */
export function imagePathOf(values: Values): string {
  return absolutePath(values.text("image-path") || DEFAULT_IMAGES);
}

/** What is asked for by both commands. */
type Tuning = Pick<RestoreTuning, "autoDedup" | "cgroupMode" | "configFile">;

/** Settings of CRIU that hold for all containers of engines. */
const CRIU_FILE = "/etc/criu/runc.conf";
/** The annotation that names another file, or none by an empty text. */
const CRIU_LABEL = `${CRIU_ANNOTATION}=`;

function cgroupModeOf(text: string): Tuning {
  switch (text) {
    case "":
    case "soft":
    // The groups are those of the configuration in any case.
    case "ignore":
      return {};
    case "full":
    case "strict":
      return { cgroupMode: text };
    default:
      throw new UsageError(
        `Invalid manage-cgroups-mode value: ${JSON.stringify(text)}`,
      );
  }
}

/**
 * Reads how CRIU is to go about it.
 *
 * @param values The options.
 * @param labels Annotations of the container, `K=V`.
 * @returns The wishes.
 * @throws {UsageError} `UsageInvalid` for words that mean nothing.
 */
export function tuningOf(
  values: Values,
  labels: readonly string[] = [],
): Tuning {
  for (const name of values.list("empty-ns")) {
    if (EMPTY_NAMESPACES.includes(name)) continue;
    throw new UsageError(`namespace ${JSON.stringify(name)} is not supported`);
  }
  return {
    ...cgroupModeOf(values.text("manage-cgroups-mode") ?? ""),
    ...values.flag("auto-dedup") && { autoDedup: true },
    configFile: labels.find((label) => label.startsWith(CRIU_LABEL))
      ?.slice(CRIU_LABEL.length) ?? CRIU_FILE,
  };
}

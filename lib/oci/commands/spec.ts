/**
 * `spec`: writes a configuration to begin a bundle with.
 *
 * @module
 */
import { formatJson } from "../../cli/output.ts";
import { HostError } from "../../errors.ts";
import { probeHost } from "../../host/probe.ts";
import type { Invocation, OciCommand } from "../command.ts";
import { absolutePath } from "../globals.ts";
import { makeSpec } from "../spec.ts";

const CONFIG_FILE = "config.json";
const MODE = 0o666;

/** Words what keeps a file from being written. */
function refusalOf(error: unknown, bundle: string, path: string): unknown {
  if (error instanceof Deno.errors.AlreadyExists) {
    return new HostError(
      `File ${path.replace(/^.*\//, "")} exists. Remove it first`,
      { cause: error },
    );
  }
  if (error instanceof Deno.errors.NotFound) {
    return new HostError(`chdir ${bundle}: no such file or directory`, {
      cause: error,
    });
  }
  return error;
}

function spec({ values }: Invocation): Promise<number> {
  const bundle = absolutePath(values.text("bundle") || ".");
  const file = values.text("file");
  const path = file ? absolutePath(file) : `${bundle}/${CONFIG_FILE}`;
  const isRootless = values.flag("rootless");
  const config = makeSpec({
    hasCgroupNamespace: probeHost().cgroup.mode === "v2",
    ...isRootless && {
      rootless: { uid: Deno.uid() ?? 0, gid: Deno.gid() ?? 0 },
    },
  });
  // Tabs, and no newline at the end, as in the files that people know.
  const text = formatJson(config, "\t");
  try {
    Deno.writeTextFileSync(path, text, { createNew: true, mode: MODE });
  } catch (error) {
    throw refusalOf(error, bundle, path);
  }
  return Promise.resolve(0);
}

/** Declaration of `spec`. */
export const COMMAND: OciCommand = {
  name: "spec",
  summary: "Write a config.json to begin a bundle with",
  usage: "[options]",
  options: [
    {
      name: "bundle",
      short: "b",
      type: "text",
      metavar: "DIR",
      doc: "directory of the bundle (default the current directory)",
    },
    {
      name: "file",
      short: "f",
      type: "text",
      metavar: "FILE",
      doc: "write FILE instead of the bundle's config.json",
    },
    {
      name: "rootless",
      type: "boolean",
      doc:
        "for a user who is not root: a user namespace, and the host's network",
    },
  ],
  arity: [0, 0],
  action: spec,
};

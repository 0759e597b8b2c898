/**
 * `nsinit convert`: a configuration of any age in another form.
 *
 * @module
 */
import type { Config, Dialect } from "../../config/types.ts";
import { UsageError } from "../../errors.ts";
import type { Command, Invocation } from "../command.ts";
import { CONFIG_FILE_OPTIONS, writeConfig } from "../config_file.ts";
import { DIALECTS } from "../../config/dialect_names.ts";
import { SOURCE_OPTIONS } from "../exec_options.ts";
import { absolute, directoryOf } from "../globals.ts";

/** The argument that means stdin. */
const STDIN = "-";
const STDIN_PATH = "/dev/stdin";

function fileOf({ args, values }: Invocation): string {
  const [file = "", more] = args;
  if (file === "") {
    throw new UsageError(
      "Nothing to convert: name a file, e.g. nsinit convert container.json " +
        "(- for stdin)",
    );
  }
  if (more !== undefined) {
    throw new UsageError(
      `convert takes one file, and ${JSON.stringify(more)} is one more`,
    );
  }
  if (values.text("file") === "") throw new UsageError("--file needs a name");
  return file;
}

async function read(invocation: Invocation): Promise<Config> {
  const { values, output } = invocation;
  const file = fileOf(invocation);
  const [{ loadConfig }, { formatProblems }] = await Promise.all([
    import("../../config/parse.ts"),
    import("../../config/problems.ts"),
  ]);
  const dialect: Dialect | undefined = DIALECTS.find((name) =>
    name === values.text("dialect")
  );
  const path = file === STDIN ? STDIN_PATH : absolute(file);
  const isElsewhere = file === STDIN || values.has("data-path");
  return await loadConfig(path, {
    permissive: values.flag("permissive"),
    onWarning: (problem) => output.warn(formatProblems(file, [problem])),
    ...(isElsewhere && { directory: directoryOf(values) }),
    ...(dialect && { dialect }),
  });
}

async function convert(invocation: Invocation): Promise<number> {
  const config = await read(invocation);
  await writeConfig(config, invocation.values, invocation.output);
  return 0;
}

/** Declaration of `convert`. */
export const COMMAND: Command = {
  name: "convert",
  summary: "Turn a configuration of any age into today's form, or into OCI's",
  usage: "[flags] FILE",
  details: [
    "FILE is a container.json of any of the original's dialects, an OCI " +
    "config.json, or - for stdin. What the other form cannot carry is told, one warning each. " +
    "Nothing is added but what the file's own age supplied; a relative or " +
    "missing root file system is the one of the directory of FILE.",
  ],
  options: [
    ...CONFIG_FILE_OPTIONS,
    ...SOURCE_OPTIONS.filter(({ name }) => name !== "config"),
  ],
  usesDirectory: true,
  readsFiles: true,
  examples: [
    {
      doc: "an old configuration as nsinit 2 wrote them",
      line: "nsinit convert old/container.json > container.json",
    },
    {
      doc: "a bundle for an OCI runtime",
      line: "nsinit convert --format oci --file config.json container.json",
    },
  ],
  action: convert,
};

/**
 * A file that holds `process` of an OCI config.json alone, as engines write it
 * for another program in a container.
 *
 * @module
 */
import { ConfigError, type ConfigProblem } from "../errors.ts";
import { readOciProcess } from "./dialects/oci_process.ts";
import { isJsonObject, parseJson } from "./json.ts";
import { ObjectReader } from "./object_reader.ts";
import { Findings, formatProblems, locateFindings } from "./problems.ts";
import type { Config } from "./types.ts";

/** How such a file is read. */
export interface ProcessFileOptions {
  /** Path of the file, for messages. */
  readonly path: string;
  /** Takes what is worth telling but no fault. */
  readonly onWarning?: (warning: ConfigProblem) => void;
}

/**
 * Reads the text of such a file.
 *
 * @param text The text.
 * @param options Its path, and who takes warnings.
 * @returns The members of a configuration that concern the process.
 * @throws {ConfigError} `ConfigInvalid` with every fault found.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseProcessFile } from "./process_file.ts";
 *
 * const text = '{ "cwd": "/", "args": ["ls"], "user": { "uid": 1, "gid": 2 } }';
 * const { process } = await parseProcessFile(text, { path: "process.json" });
 * assertEquals([process?.user, process?.args], ["1:2", ["ls"]]);
 * ```
 */
export async function parseProcessFile(
  text: string,
  { path, onWarning }: ProcessFileOptions,
): Promise<Partial<Config>> {
  const json = await parseJson(text, path);
  if (!isJsonObject(json)) {
    const problem = { path: "", message: "wanted a JSON object" };
    throw new ConfigError(formatProblems(path, [problem]), [problem]);
  }
  const findings = new Findings({ ignoresUnknownKeys: true });
  const read = readOciProcess(
    new ObjectReader(findings, { process: json }, []),
  );
  // Positions count from the object itself.
  const inFile = ({ path, ...rest }: typeof findings.problems[number]) => ({
    ...rest,
    path: path.slice(1),
  });
  if (findings.problems.length > 0) {
    const problems = locateFindings(text, findings.problems.map(inFile));
    throw new ConfigError(formatProblems(path, problems), problems);
  }
  if (onWarning) {
    locateFindings(text, findings.warnings.map(inFile)).forEach(onWarning);
  }
  return read;
}

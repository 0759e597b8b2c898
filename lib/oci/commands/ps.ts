/**
 * `ps`: prints the processes of a container.
 *
 * @module
 */
import { formatJson } from "../../cli/output.ts";
import { pidsOf } from "../../container/processes.ts";
import type { StoredState } from "../../container/store_types.ts";
import { HostError } from "../../errors.ts";
import type { Invocation, OciCommand } from "../command.ts";
import { FORMAT_OPTION, formatOf } from "../format_option.ts";
import { filterRows } from "../ps_rows.ts";
import { loadOci, ociStatusOf } from "../state.ts";

/** What is asked of ps(1) unless the command line says otherwise. */
const DEFAULT_ARGS = ["-ef"];

/** Whoever is left of a container that has stopped can be in its groups alone. */
function pidsNow(state: StoredState): number[] {
  const hasGroups = state.resources.cgroups.length > 0;
  return hasGroups || ociStatusOf(state) !== "stopped" ? pidsOf(state) : [];
}

async function askPs(args: readonly string[]): Promise<string> {
  const command = new Deno.Command("ps", {
    args: [...args],
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
  const { code, success, stdout, stderr } = await command.output().catch(
    (cause) => {
      if (!(cause instanceof Deno.errors.NotFound)) throw cause;
      throw new HostError(
        'exec: "ps": executable file not found in $PATH; install procps, or ask for --format json',
        { cause },
      );
    },
  );
  const decoder = new TextDecoder();
  if (success) return decoder.decode(stdout);
  throw new HostError(`exit status ${code}: ${decoder.decode(stderr).trim()}`);
}

async function ps(invocation: Invocation): Promise<number> {
  const { stateRoot, args: [id, ...given], values, log } = invocation;
  const format = formatOf(values);
  const state = await loadOci(stateRoot, id);
  if (format === "json") {
    log.result(formatJson(pidsNow(state), 0));
    return 0;
  }
  const text = await askPs(given.length > 0 ? given : DEFAULT_ARGS);
  log.result(filterRows(text, pidsNow(state)));
  return 0;
}

/** Declaration of `ps`. */
export const COMMAND: OciCommand = {
  name: "ps",
  summary: "Print the processes of a container, with their ids on the host",
  usage: "[options] ID [PS-OPTIONS]",
  options: [FORMAT_OPTION],
  arity: [1, Infinity],
  stopEarly: true,
  action: ps,
};

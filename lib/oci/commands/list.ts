/**
 * `list`: prints the containers of a state directory.
 *
 * @module
 */
import { formatJson } from "../../cli/output.ts";
import { listIds, stateDirectory } from "../../container/store.ts";
import { StateError } from "../../errors.ts";
import { nameOfUser } from "../../host/user.ts";
import type { Invocation, OciCommand } from "../command.ts";
import { FORMAT_OPTION, formatOf } from "../format_option.ts";
import { formatList } from "../list_table.ts";
import type { Log } from "../log.ts";
import { loadOci, type OciState, ociStateOf } from "../state.ts";

/** Names of users, each looked up once; a number where there is none. */
class Owners {
  #passwd: string | undefined;

  #read(): string {
    try {
      return Deno.readTextFileSync("/etc/passwd");
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return "";
      throw error;
    }
  }

  nameOf(directory: string): string {
    const uid = Deno.statSync(directory).uid ?? 0;
    this.#passwd ??= this.#read();
    return nameOfUser(this.#passwd, uid) || `#${uid}`;
  }
}

/** Whether a container went away while the list was made; of a damaged record there is a cause. */
function isGone(error: unknown): boolean {
  return error instanceof Deno.errors.NotFound ||
    (error instanceof StateError && error.code === "ContainerNotExists" &&
      error.cause === undefined);
}

async function containersOf(
  stateRoot: string,
  log: Log,
): Promise<OciState[]> {
  const owners = new Owners();
  const found: OciState[] = [];
  for (const id of await listIds(stateRoot)) {
    try {
      const state = ociStateOf(await loadOci(stateRoot, id));
      const owner = owners.nameOf(stateDirectory(stateRoot, id));
      found.push({ ...state, owner });
    } catch (error) {
      if (isGone(error)) continue;
      // One that is damaged hides none of the others.
      const why = error instanceof Error ? error.message : String(error);
      log.warn(`load container ${id}: ${why}`);
    }
  }
  return found;
}

async function list(
  { stateRoot, values, log }: Invocation,
): Promise<number> {
  const format = formatOf(values);
  const containers = await containersOf(stateRoot, log);
  if (values.flag("quiet")) {
    if (containers.length === 0) return 0;
    log.result(containers.map(({ id }) => id).join("\n"));
  } else if (format === "table") {
    log.result(formatList(containers));
  } else {
    log.result(formatJson(containers.length === 0 ? null : containers, 0));
  }
  return 0;
}

/** Declaration of `list`. */
export const COMMAND: OciCommand = {
  name: "list",
  summary: "List the containers of the state directory",
  usage: "[options]",
  options: [
    FORMAT_OPTION,
    { name: "quiet", short: "q", type: "boolean", doc: "print the ids only" },
  ],
  arity: [0, 0],
  action: list,
};

/**
 * `update`: changes the limits of a container.
 *
 * @module
 */
import type { Option } from "../../cli/command.ts";
import type { Values } from "../../cli/values.ts";
import { updateContainer } from "../../container/update.ts";
import { usedMemoryOf } from "../../container/used_memory.ts";
import type { StoredState } from "../../container/store_types.ts";
import type { Resources } from "../../config/types.ts";
import { HostError, StateError, UsageError } from "../../errors.ts";
import type { Invocation, OciCommand } from "../command.ts";
import { absolutePath } from "../globals.ts";
import { loadOci, ociStatusOf } from "../state.ts";
import {
  completeUpdate,
  readUpdate,
  updateOfOptions,
  type UpdateRequest,
} from "../update_resources.ts";

/** More than any list of limits. */
const LONGEST_TEXT = 16 * 1024 * 1024;
/** Limits of resctrl, which no start carries out. */
const INTEL_RDT = ["l3-cache-schema", "mem-bw-schema"] as const;

async function readStdin(): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of Deno.stdin.readable) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > LONGEST_TEXT) {
      throw new UsageError(`more than ${LONGEST_TEXT} bytes on stdin`);
    }
  }
  return text + decoder.decode();
}

async function requestOf(values: Values): Promise<UpdateRequest> {
  const file = values.text("resources") ?? "";
  if (file === "-") return await readUpdate(await readStdin(), "stdin");
  if (file !== "") {
    const path = absolutePath(file);
    return await readUpdate(await Deno.readTextFile(path), file);
  }
  for (const name of INTEL_RDT) {
    if (values.text(name)) {
      throw new HostError(
        `Intel RDT: cannot set --${name}: resctrl is a matter of the whole host; change its group there`,
      );
    }
  }
  return updateOfOptions((name) => values.text(name));
}

/** Refuses limits that would have the kernel kill right away. */
function checkMemory(
  state: StoredState,
  { memory, memorySwap }: Resources,
): void {
  const used = usedMemoryOf(state);
  if (used === undefined) return;
  const limits = [["memory+swap", memorySwap], ["memory", memory]] as const;
  for (const [name, limit = 0] of limits) {
    // 0 is not given, and -1 is no limit.
    if (BigInt(limit) <= 0n || BigInt(limit) > BigInt(used)) continue;
    throw new StateError(
      "ContainerNotStopped",
      `cannot update ${state.id}: rejecting ${name} limit ${limit} <= usage ${used}`,
      { context: { id: state.id } },
    );
  }
}

async function update(
  { stateRoot, args: [id], values, log }: Invocation,
): Promise<number> {
  const state = await loadOci(stateRoot, id);
  if (ociStatusOf(state) === "stopped") {
    throw new StateError("ContainerNotRunning", "container not running", {
      context: { id: state.id },
    });
  }
  const { resources, checksMemory, warnings } = await requestOf(values);
  for (const warning of warnings) log.warn(warning);
  if (checksMemory) checkMemory(state, resources);
  await updateContainer(
    stateRoot,
    state.id,
    (current) => completeUpdate(resources, current),
  );
  return 0;
}

function limit(name: string, metavar: string, doc: string): Option {
  return { name, type: "text", metavar, doc };
}

/** Declaration of `update`. */
export const COMMAND: OciCommand = {
  name: "update",
  summary: "Change the limits of a container; what is not named stays",
  usage: "[options] ID",
  options: [
    {
      name: "resources",
      short: "r",
      type: "text",
      metavar: "FILE",
      doc: "read linux.resources of JSON from FILE, or stdin if it is -; " +
        "all other options are ignored then",
    },
    limit("memory", "SIZE", "bytes of memory, -1 for no limit"),
    limit(
      "memory-reservation",
      "SIZE",
      "bytes that are kept when memory is short",
    ),
    limit(
      "memory-swap",
      "SIZE",
      "bytes of memory and swap together, -1 for no limit",
    ),
    limit("cpu-period", "USECS", "length of a period of the CPU quota"),
    limit("cpu-quota", "USECS", "CPU time in each period, -1 for no limit"),
    limit(
      "cpu-burst",
      "USECS",
      "CPU time beyond the quota that may be saved up",
    ),
    limit("cpu-share", "NUMBER", "weight for CPU time"),
    limit("cpu-rt-period", "USECS", "length of a period of real-time tasks"),
    limit(
      "cpu-rt-runtime",
      "USECS",
      "CPU time of real-time tasks in each period",
    ),
    limit("cpu-idle", "0|1", "1: run only when no other group wants to"),
    limit("cpuset-cpus", "LIST", "CPUs that may be used, such as 0-2,7"),
    limit("cpuset-mems", "LIST", "memory nodes that may be used"),
    limit(
      "pids-limit",
      "NUMBER",
      "number of processes and threads, -1 for no limit",
    ),
    limit("blkio-weight", "NUMBER", "weight for block devices, 10 to 1000"),
    { ...limit("kernel-memory", "SIZE", "ignored"), hidden: true },
    { ...limit("kernel-memory-tcp", "SIZE", "ignored"), hidden: true },
    { ...limit("l3-cache-schema", "TEXT", "refused"), hidden: true },
    { ...limit("mem-bw-schema", "TEXT", "refused"), hidden: true },
  ],
  arity: [1, 1],
  action: update,
};

/**
 * `exec`: runs a further process in a container.
 *
 * @module
 */
import { becomeMonitor, closeInnerEnds } from "../../container/attach.ts";
import {
  joinContainer,
  type JoinOptions,
  type SubgroupOf,
} from "../../container/join.ts";
import type { Started } from "../../container/start.ts";
import type { StoredState } from "../../container/store_types.ts";
import { KernelError, StateError } from "../../errors.ts";
import type { Invocation, OciCommand } from "../command.ts";
import { keptDescriptors } from "../descriptors.ts";
import { execConfig, PROCESS_OPTIONS } from "../exec_process.ts";
import { checkTerminal, HAND_OUT_OPTIONS, handOut } from "../hand_out.ts";
import { attachFor } from "../attach.ts";
import { loadOci, ociStatusOf } from "../state.ts";
import { subgroupOf } from "../subgroups.ts";

/** Refuses a container that no process can join. */
function checkJoinable(state: StoredState, ignorePaused: boolean): void {
  const status = ociStatusOf(state);
  const context = { id: state.id };
  if (status === "stopped" || status === "creating") {
    throw new StateError(
      "ContainerNotRunning",
      `cannot exec in a ${
        status === "stopped" ? status : "half-made"
      } container`,
      { context },
    );
  }
  if (status === "paused" && !ignorePaused) {
    throw new StateError(
      "ContainerPaused",
      "cannot exec in a paused container (use --ignore-paused to override)",
      { context },
    );
  }
}

/** A group that cannot be entered, in the words of the field. */
function groupFailure(error: unknown): unknown {
  if (!(error instanceof KernelError)) return error;
  const { operation, errnoName, message } = error;
  const isEntry = operation === "cgroup.join" || operation === "cgroup.open" ||
    operation === "spawn" && errnoName === "EBUSY";
  if (!isEntry) return error;
  const [, path] = /^Cannot (?:open|join) cgroup (\/[^]*?): /.exec(message) ??
    [];
  const why = errnoName === "ENOENT" && path !== undefined
    ? `open ${path}/cgroup.procs: no such file or directory`
    : message;
  return new StateError(
    "ContainerNotRunning",
    `adding pid of the process to cgroups: ${why}`,
    { cause: error },
  );
}

/** Whether a group of version 2 takes no process, since it has been divided inside. */
function isDivided(error: unknown): boolean {
  return error instanceof KernelError && error.operation === "spawn" &&
    error.errnoName === "EBUSY";
}

/** Where the first process of the container has moved to below its group. */
function initSubgroup({ pid, resources }: StoredState): SubgroupOf {
  const group = resources.cgroups.find(({ version }) => version === 2)?.path;
  const text = Deno.readTextFileSync(`/proc/${pid}/cgroup`);
  const own = /^0::(.*)$/m.exec(text)?.[1] ?? "";
  // The file counts from the hierarchy's root, the record from that of the host.
  let above = own;
  while (above !== "" && !group?.endsWith(above)) {
    above = above.slice(0, above.lastIndexOf("/"));
  }
  const below = above === "" ? "" : own.slice(above.length);
  return ({ version }) => version === 2 ? below : "";
}

/** Joins, in another group where the first cannot be entered since it has been divided. */
async function enter(
  join: (options: JoinOptions) => Promise<Started["run"]>,
  { subgroup, instead }: {
    readonly subgroup: SubgroupOf;
    readonly instead?: () => SubgroupOf;
  },
): Promise<Started["run"]> {
  try {
    return await join({ subgroup }).catch((error) => {
      if (!instead || !isDivided(error)) throw error;
      return join({ subgroup: instead() });
    });
  } catch (error) {
    throw groupFailure(error);
  }
}

async function exec(invocation: Invocation): Promise<number> {
  const { stateRoot, args: [id, ...program], values, log } = invocation;
  const state = await loadOci(stateRoot, id);
  const ignorePaused = values.flag("ignore-paused");
  checkJoinable(state, ignorePaused);
  const config = await execConfig(state.config, values, program, log);
  const detach = values.flag("detach");
  const tty = config.process.tty ?? false;
  checkTerminal(values, { tty, detach });
  const { extraFiles, env } = keptDescriptors(
    values.integer("preserve-fds") ?? 0,
    (name) => Deno.env.get(name),
  );
  const subgroup = subgroupOf(
    values.list("cgroup"),
    state.resources.cgroups.flatMap(({ controllers }) => controllers),
  );
  const attachment = attachFor({ tty, detach });
  const run = await enter(
    (options) =>
      joinContainer(
        { ...state, config },
        { args: [], env, ...extraFiles.length > 0 && { extraFiles } },
        attachment,
        { blocking: true, ignorePaused, keepEnds: true, ...options },
      ),
    values.has("cgroup")
      ? { subgroup }
      : { subgroup, instead: () => initSubgroup(state) },
  ).finally(() => closeInnerEnds(attachment));
  if (log.isDebug) {
    const { logSteps } = await import("../steps.ts");
    logSteps(log, config, true);
  }
  try {
    handOut(values, run);
    if (!detach) {
      return becomeMonitor({ run, attachment, undo: [], message: "" });
    }
  } catch (error) {
    // Nobody has been told of it, so nobody would end it.
    run.abort();
    throw error;
  } finally {
    run.close();
  }
  return 0;
}

/** Declaration of `exec`. */
export const COMMAND: OciCommand = {
  name: "exec",
  summary: "Run a further process in a container",
  usage: "[options] ID COMMAND [ARGS...]  |  --process FILE [options] ID",
  options: [
    ...PROCESS_OPTIONS,
    ...HAND_OUT_OPTIONS,
    {
      name: "detach",
      short: "d",
      type: "boolean",
      doc: "return when the process runs",
    },
    {
      name: "cgroup",
      type: "text",
      metavar: "[CONTROLLERS:]PATH",
      repeatable: true,
      doc: "group below the container's that it joins",
    },
    {
      name: "ignore-paused",
      type: "boolean",
      doc: "join a paused container as well",
    },
  ],
  arity: [1, Infinity],
  stopEarly: true,
  failure: 255,
  prefix: "exec failed: ",
  action: exec,
};

/**
 * `nsinit delete`: removes what is left of containers.
 *
 * @module
 */
import type { ContainerSummary } from "../../container/list.ts";
import { UsageError } from "../../errors.ts";
import type { Command, Invocation } from "../command.ts";
import { ID_OPTION } from "../id_option.ts";
import { stateRootOf } from "../globals.ts";
import { withTarget } from "../target.ts";

/** Those that can be deleted without force. */
function hasEnded({ status }: ContainerSummary): boolean {
  return status === "stopped" || status === "checkpointed" ||
    status === "created";
}

async function removeMany(
  { values, output }: Invocation,
  ids: readonly string[],
): Promise<number> {
  const { deleteMany } = await import("../delete_many.ts");
  return await deleteMany(stateRootOf(values), ids, {
    force: values.flag("force"),
    output,
  });
}

async function removeAll(invocation: Invocation): Promise<number> {
  const { values, args } = invocation;
  if (args.length > 0 || values.has("id")) {
    throw new UsageError("--all means every container: leave the id out");
  }
  const { listContainers } = await import("../../container/list.ts");
  // Those whose state is damaged say so when it is their turn, unless forced.
  const damaged: string[] = [];
  const all = await listContainers(
    stateRootOf(values),
    (id) => damaged.push(id),
  );
  const chosen = values.flag("force") ? all : all.filter(hasEnded);
  const ids = chosen.map(({ id }) => id);
  return await removeMany(invocation, [...ids, ...damaged]);
}

async function remove(invocation: Invocation): Promise<number> {
  const { values, args } = invocation;
  if (values.flag("all")) return await removeAll(invocation);
  if (args.length > 1 && !values.has("id")) {
    return await removeMany(invocation, args);
  }
  const { deleteContainer } = await import("../../container/delete.ts");
  const force = values.flag("force");
  await withTarget(invocation, 0, async ({ stateRoot, id }) => {
    await deleteContainer(stateRoot, id, { force });
  });
  return 0;
}

/** Declaration of `delete`. */
export const COMMAND: Command = {
  name: "delete",
  aliases: ["rm"],
  summary: "Remove what is left of containers that have ended",
  usage: "[flags] [ID...]",
  options: [
    ID_OPTION,
    {
      name: "force",
      short: "f",
      type: "boolean",
      doc: "kill the container first if it runs; no error if there is none",
    },
    {
      name: "all",
      short: "a",
      type: "boolean",
      doc: "all containers that have ended or never ran; with --force those " +
        "that run as well",
    },
  ],
  usesDirectory: true,
  examples: [
    { doc: "whatever its condition", line: "nsinit delete --force demo" },
    { doc: "what has ended", line: "nsinit delete --all" },
  ],
  action: remove,
};

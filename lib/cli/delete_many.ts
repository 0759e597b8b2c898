/**
 * Deletes many containers, and shows how far it has come.
 *
 * @module
 */
import { deleteContainer } from "../container/delete.ts";
import { checkId } from "../container/identity.ts";
import { Throttle } from "../container/throttle.ts";
import type { Output } from "./output.ts";
import { Progress } from "./progress.ts";

/** Containers that are looked at at once; removals have fewer places still. */
const AT_ONCE = 16;

/** How they are deleted. */
export interface DeleteManyOptions {
  /** Kill those that run; do not mind those that are gone. */
  readonly force: boolean;
  /** Where errors go. */
  readonly output: Output;
}

/**
 * Deletes containers at once. One that cannot be deleted is told of and stops no
 * other.
 *
 * @param stateRoot State root.
 * @param ids Their ids.
 * @param options Whether those that run are killed.
 * @returns The exit status: that of the first failure, else 0.
 * @throws {StateError} `InvalidIdFormat` for a bad id, before anything is deleted.
 *
 * @example
 * ```ts ignore
 * await deleteMany("/run/nsinit", ["a", "b"], { force: true, output });
 * ```
 */
export async function deleteMany(
  stateRoot: string,
  ids: readonly string[],
  { force, output }: DeleteManyOptions,
): Promise<number> {
  const unique = [...new Set(ids.map(checkId))];
  const places = new Throttle(AT_ONCE);
  using progress = new Progress(output, "Deleting containers", {
    total: unique.length,
  });
  const failures = await Promise.all(unique.map((id) =>
    places.run(async () => {
      try {
        await deleteContainer(stateRoot, id, { force });
        return 0;
      } catch (error) {
        return output.fail(error);
      } finally {
        progress.add(1, id);
      }
    })
  ));
  return failures.find((status) => status !== 0) ?? 0;
}

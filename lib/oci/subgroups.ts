/**
 * `exec --cgroup`: groups below those of a container.
 *
 * @module
 */
import type { SubgroupOf } from "../container/join.ts";
import { UsageError } from "../errors.ts";

interface Wanted {
  readonly controllers: readonly string[];
  readonly path: string;
}

function parse(text: string, known: readonly string[]): Wanted {
  const cut = text.indexOf(":");
  const controllers = cut < 0 ? [] : text.slice(0, cut).split(",");
  const unknown = controllers.find((name) => !known.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(
      `unknown controller ${unknown}; there are ${known.join(", ")}`,
    );
  }
  const parts = text.slice(cut + 1).split("/").filter((part) =>
    part !== "" && part !== "."
  );
  if (parts.includes("..")) {
    throw new UsageError(
      `bad sub cgroup path: ${text.slice(cut + 1)} is not a sub cgroup path`,
    );
  }
  return { controllers, path: parts.map((part) => `/${part}`).join("") };
}

/**
 * Reads the values of `--cgroup`. Pure.
 *
 * @param texts `PATH`, or `CONTROLLER[,CONTROLLER...]:PATH` on version 1.
 * @param known Controllers of the container's groups.
 * @returns For each group of the container the path of the one below it.
 * @throws {UsageError} `UsageInvalid` for a path that leads elsewhere, and a controller that is not known.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { subgroupOf } from "./subgroups.ts";
 *
 * const find = subgroupOf(["pids:a", "b"], ["cpu", "cpuacct", "pids"]);
 * assertEquals(find({ version: 1, controllers: ["pids"] }), "/a");
 * assertEquals(find({ version: 1, controllers: ["cpu", "cpuacct"] }), "/b");
 * ```
 */
export function subgroupOf(
  texts: readonly string[],
  known: readonly string[],
): SubgroupOf {
  const wanted = texts.map((text) => parse(text, known));
  const all = wanted.findLast(({ controllers }) => controllers.length === 0);
  return ({ controllers: own }) => {
    const named = wanted.find(({ controllers }) =>
      controllers.some((name) => own.includes(name))
    );
    return (named ?? all)?.path ?? "";
  };
}

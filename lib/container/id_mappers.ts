/**
 * Has the host's newuidmap(1) and newgidmap(1) write maps that a user may not
 * write himself. They are setuid programs, which check the ids by
 * `/etc/subuid` and `/etc/subgid`.
 *
 * @module
 */
import { HostError } from "../errors.ts";
import { ID_MAPPERS } from "../host/user.ts";
import type { Op } from "../plan/ops.ts";

/** Nothing of the caller's environment reaches a program that runs as root. */
const ENVIRONMENT = { PATH: "/usr/bin:/bin", LC_ALL: "C" } as const;

/**
 * Writes one map of a process that waits for it.
 *
 * @param pid The process, a child of this one that has not been waited for.
 * @param op Which map.
 * @throws {HostError} `HostUnsupported` if the program is missing or refuses.
 *
 * @example
 * ```ts ignore
 * await runIdMapper(run.pid, { op: "idmap.run", kind: "uid", map: ["0", "1000", "1"] });
 * ```
 */
export async function runIdMapper(
  pid: number,
  op: Op<"idmap.run">,
): Promise<void> {
  const program = op.kind === "uid" ? ID_MAPPERS.uid : ID_MAPPERS.gid;
  const command = new Deno.Command(program, {
    args: [String(pid), ...op.map],
    clearEnv: true,
    env: ENVIRONMENT,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  });
  const attempt = `Cannot map the ${op.kind}s ${op.map.join(" ")}`;
  const { success, stderr } = await command.output().catch((cause) => {
    throw new HostError(
      `${attempt}: ${program} cannot be run; install the package uidmap`,
      { cause },
    );
  });
  if (success) return;
  const said = new TextDecoder().decode(stderr).trim().slice(0, 500);
  throw new HostError(
    `${attempt}: ${said}; ${program} allows what root has put into /etc/sub${op.kind}`,
  );
}

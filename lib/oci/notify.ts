/**
 * NOTIFY_SOCKET: a service manager that wants to know when the program of a
 * container is ready.
 *
 * @module
 */
import { MOUNT_FLAGS } from "../config/names/mount_flags.ts";
import type { Config, Mount } from "../config/types.ts";

const { MS_BIND, MS_NOSUID, MS_NOEXEC, MS_NODEV, MS_RDONLY } = MOUNT_FLAGS;
/** Where the container sees its socket. */
const INSIDE = "/run/notify";

/**
 * Shows a socket of its own to a container. Pure.
 *
 * @param config The configuration.
 * @param directory Host directory of the socket.
 * @returns The configuration with it, and with the variable.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { defaultConfig } from "../config/defaults.ts";
 * import { withNotifySocket } from "./notify.ts";
 *
 * const { process } = withNotifySocket(defaultConfig("/srv"), "/run/x/notify");
 * assertEquals(process?.env?.at(-1), "NOTIFY_SOCKET=/run/notify/notify.sock");
 * ```
 */
export function withNotifySocket(config: Config, directory: string): Config {
  const mount: Mount = {
    device: "bind",
    source: directory,
    destination: INSIDE,
    flags: MS_BIND | MS_NOSUID | MS_NOEXEC | MS_NODEV | MS_RDONLY,
    data: "",
    relabel: "",
  };
  const { process = {} } = config;
  const variable = `NOTIFY_SOCKET=${INSIDE}/notify.sock`;
  return {
    ...config,
    mounts: [...config.mounts, mount],
    process: { ...process, env: [...process.env ?? [], variable] },
  };
}

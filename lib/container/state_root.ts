/**
 * Where states are unless somebody says otherwise.
 *
 * @module
 */
import { resolvePath } from "../config/host_paths.ts";

/**
 * The usual state root of this program's user.
 *
 * @returns `/run/nsinit` for the superuser, else `nsinit` in the user's runtime
 * directory: `$XDG_RUNTIME_DIR`, else `/run/user/UID`.
 *
 * @example
 * ```ts
 * import { defaultStateRoot } from "./state_root.ts";
 *
 * if (!defaultStateRoot().startsWith("/")) throw new Error("changed");
 * ```
 */
export function defaultStateRoot(): string {
  const uid = Deno.uid();
  if (uid === 0) return "/run/nsinit";
  const runtime = Deno.env.get("XDG_RUNTIME_DIR") ?? "";
  // The base directory specification says to ignore relative paths.
  return runtime.startsWith("/")
    ? resolvePath(runtime, "nsinit")
    : `/run/user/${uid}/nsinit`;
}

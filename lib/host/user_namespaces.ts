/**
 * Why a kernel that has user namespaces may still refuse them.
 *
 * @module
 */

/** Reads a file; `undefined` when there is none. */
export type ReadFile = (path: string) => string | undefined;

/** A setting that forbids user namespaces, and what to do about it. */
interface Obstacle {
  readonly path: string;
  readonly isSet: (value: string) => boolean;
  readonly isForRoot: boolean;
  readonly advice: string;
}

const OBSTACLES: readonly Obstacle[] = [
  {
    path: "/proc/sys/user/max_user_namespaces",
    isSet: (value) => value === "0",
    isForRoot: true,
    advice:
      "user namespaces are switched off here: sysctl user.max_user_namespaces=15000 allows them",
  },
  {
    path: "/proc/sys/kernel/unprivileged_userns_clone",
    isSet: (value) => value === "0",
    isForRoot: false,
    advice:
      "only root may make user namespaces here: sysctl kernel.unprivileged_userns_clone=1 allows them to all",
  },
  {
    path: "/proc/sys/kernel/apparmor_restrict_unprivileged_userns",
    isSet: (value) => value !== "0" && value !== "",
    isForRoot: false,
    advice:
      'AppArmor takes the capabilities from user namespaces of users here: give the program a profile with "userns,", or sysctl kernel.apparmor_restrict_unprivileged_userns=0',
  },
];

function readText(path: string): string | undefined {
  try {
    return Deno.readTextFileSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return undefined;
  }
}

/**
 * Lists the settings of this machine that forbid user namespaces.
 *
 * @param euid Who wants one.
 * @param read How files are read.
 * @returns What to do, one sentence each; none when nothing stands in the way.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { userNamespaceAdvice } from "./user_namespaces.ts";
 *
 * assertEquals(userNamespaceAdvice(0, () => "5\n"), []);
 * ```
 */
export function userNamespaceAdvice(
  euid: number,
  read: ReadFile = readText,
): string[] {
  return OBSTACLES
    .filter(({ isForRoot }) => isForRoot || euid !== 0)
    .filter(({ path, isSet }) => {
      const text = read(path);
      return text !== undefined && isSet(text.trim());
    })
    .map(({ advice }) => advice);
}

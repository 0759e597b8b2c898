/**
 * The mount table: whether it has changed, and a namespace without it.
 *
 * @module
 */
import { library } from "./library.ts";
import { cString, unwrap } from "./native.ts";

const encoder = new TextEncoder();

/** Watches the mount table of this program; a worker has a watch of its own. */
class MountTable {
  #fd = -1;

  /**
   * Tells whether it has changed since the last call; it has at the first.
   *
   * @returns True if something was mounted or unmounted, or nobody knows.
   * @throws {KernelError} `SystemError` if procfs cannot be read.
   *
   * @example
   * ```ts ignore
   * if (mountTable.hasChanged()) lookAgain();
   * ```
   */
  hasChanged(): boolean {
    if (this.#fd >= 0) {
      return unwrap(
        library().nsi_mounts_changed(this.#fd),
        "watch the mount table",
      ) > 0;
    }
    this.#fd = unwrap(library().nsi_mounts_open(), "open the mount table");
    return true;
  }
}

/**
 * Names what is mounted at some places.
 *
 * @param file A file whose content counts too.
 * @param places Paths.
 * @returns A number that is another one when something has changed.
 *
 * @example
 * ```ts ignore
 * const before = placesStamp("/proc/self/cgroup", ["/sys/fs/cgroup"]);
 * ```
 */
export function placesStamp(file: string, places: readonly string[]): bigint {
  const list = places.map((place) => `${place}\0`).join("");
  return library().nsi_places_stamp(cString(file), encoder.encode(`${list}\0`));
}

/** The watch of this program. */
export const mountTable: MountTable = new MountTable();

/**
 * Makes the mount namespace that `anchor.open` gives to children, once.
 *
 * @returns False where the kernel refuses.
 *
 * @example
 * ```ts ignore
 * const hasAnchor = makeAnchor();
 * ```
 */
export function makeAnchor(): boolean {
  return library().nsi_anchor() >= 0;
}

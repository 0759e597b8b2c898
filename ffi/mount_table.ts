/**
 * The mount table: whether it has changed, and a namespace without it.
 *
 * @module
 */
import { library } from "./library.ts";
import { unwrap } from "./native.ts";

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

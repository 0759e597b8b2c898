/**
 * Root file systems for tests.
 *
 * @module
 */
import { makeRootfs } from "../../tasks/rootfs.ts";

/**
 * Makes a root file system with busybox, in real directories, that a test may
 * change as it likes.
 *
 * @param dir Where; made.
 * @returns The same path.
 */
export async function makeTestRootfs(dir: string): Promise<string> {
  await makeRootfs(dir);
  return dir;
}

/** Writes an executable file. */
export async function writeProgram(path: string, text: string): Promise<void> {
  await Deno.writeTextFile(path, text);
  await Deno.chmod(path, 0o755);
}

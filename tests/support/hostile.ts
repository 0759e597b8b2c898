/**
 * Hostile root file systems, and a tree of the host that must not change.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import type { Workspace } from "./containers.ts";
import { mustRun } from "./nsinit.ts";

/** What is put at a path of a root. */
export type Planted =
  | { readonly link: string }
  | { readonly text: string; readonly mode?: number }
  | { readonly copy: string }
  | { readonly sparse: number }
  | "directory"
  | "fifo"
  | "nothing";

const DIRECTORIES = ["bin", "dev", "etc", "proc", "sys", "tmp", "root"];
const APPLETS = [
  "cat",
  "echo",
  "env",
  "grep",
  "head",
  "id",
  "kill",
  "ln",
  "ls",
  "mkdir",
  "mknod",
  "mount",
  "mv",
  "pwd",
  "readlink",
  "rm",
  "rmdir",
  "sh",
  "sleep",
  "stat",
  "stty",
  "test",
  "touch",
  "true",
  "umount",
] as const; // deno-fmt-ignore

async function plant(path: string, what: Planted): Promise<void> {
  await Deno.remove(path, { recursive: true }).catch((error) => {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  });
  if (what === "nothing") return;
  await Deno.mkdir(path.slice(0, path.lastIndexOf("/")), { recursive: true });
  if (what === "directory") return await Deno.mkdir(path);
  if (what === "fifo") return void await mustRun(["mkfifo", path]);
  if ("link" in what) return await Deno.symlink(what.link, path);
  if ("copy" in what) return await Deno.copyFile(what.copy, path);
  if ("sparse" in what) {
    await Deno.writeTextFile(path, "");
    return await Deno.truncate(path, what.sparse);
  }
  await Deno.writeTextFile(path, what.text);
  await Deno.chmod(path, what.mode ?? 0o644);
}

/**
 * Makes a small root file system and puts traps into it.
 *
 * @param workspace Whose busybox is shared.
 * @param traps What is at which path, without a slash first.
 * @returns Its path.
 */
export async function hostileRootfs(
  workspace: Workspace,
  traps: Readonly<Record<string, Planted>> = {},
): Promise<string> {
  const dir = await workspace.newDirectory();
  for (const name of DIRECTORIES) await Deno.mkdir(`${dir}/${name}`);
  await Deno.link(`${workspace.rootfs}/bin/busybox`, `${dir}/bin/busybox`);
  for (const name of APPLETS) {
    await Deno.symlink("busybox", `${dir}/bin/${name}`);
  }
  for (const name of ["passwd", "group"]) {
    await Deno.copyFile(
      `${workspace.rootfs}/etc/${name}`,
      `${dir}/etc/${name}`,
    );
  }
  for (const [path, what] of Object.entries(traps)) {
    await plant(`${dir}/${path}`, what);
  }
  return dir;
}

/**
 * Describes a tree of the host byte for byte, with modes, owners and times, one
 * line for each file: two descriptions are equal when nothing has changed.
 *
 * @param dir Its top.
 * @returns The lines.
 */
export function describeTree(dir: string): Promise<string[]> {
  return Array.fromAsync(describe(dir));
}

async function* describe(path: string): AsyncGenerator<string> {
  const info = await Deno.lstat(path);
  const content = info.isFile ? await Deno.readTextFile(path) : "";
  const link = info.isSymlink ? await Deno.readLink(path) : "";
  const { mode, uid, gid, size, nlink, rdev, ino } = info;
  // A name that came and went leaves its trace in the directory's time.
  const fields = [
    mode,
    uid,
    gid,
    size,
    nlink,
    rdev,
    ino,
    info.mtime?.getTime(),
  ];
  yield `${path} ${fields.join(" ")} ${link} ${content}`;
  if (!info.isDirectory) return;
  const names: string[] = [];
  for await (const entry of Deno.readDir(path)) names.push(entry.name);
  for (const name of names.sort()) yield* describe(`${path}/${name}`);
}

/** A directory of the host that no container may change. */
export class Canary {
  /** Its path. */
  readonly dir: string;
  readonly #before: readonly string[];

  private constructor(dir: string, before: readonly string[]) {
    this.dir = dir;
    this.#before = before;
  }

  /** Makes one, with files and directories of the names that set-up looks for. */
  static async create(workspace: Workspace): Promise<Canary> {
    const dir = await workspace.newDirectory();
    for (const name of ["inner", "pts", "shm", "mqueue", "self", "fd"]) {
      await Deno.mkdir(`${dir}/${name}`);
    }
    for (const name of ["file", "null", "console", "ptmx", "passwd", "group"]) {
      await Deno.writeTextFile(`${dir}/${name}`, `${name} of the host\n`);
      await Deno.chmod(`${dir}/${name}`, 0o640);
    }
    await Deno.chown(`${dir}/file`, 1234, 1234);
    return new Canary(dir, await Array.fromAsync(describe(dir)));
  }

  /** Fails if anything of it has changed: names, content, modes, owners, times. */
  async assertUntouched(): Promise<void> {
    assertEquals(await Array.fromAsync(describe(this.dir)), this.#before);
  }
}

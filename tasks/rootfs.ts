/**
 * Makes a small root file system out of busybox.
 *
 * @module
 */
import { dirname, join, relative } from "@std/path";

const BUSYBOX = "/bin/busybox";

const DIRECTORIES: Readonly<Record<string, number>> = {
  "bin": 0o755,
  "dev": 0o755,
  "etc": 0o755,
  "home": 0o755,
  "home/user": 0o755,
  "proc": 0o755,
  "root": 0o700,
  "run": 0o755,
  "sbin": 0o755,
  "sys": 0o755,
  "tmp": 0o1777,
  "usr": 0o755,
  "usr/bin": 0o755,
  "usr/sbin": 0o755,
  "var": 0o755,
};

const FILES: Readonly<Record<string, string>> = {
  "etc/passwd": `root:x:0:0:root:/root:/bin/sh
daemon:x:1:1:daemon:/usr/sbin:/bin/sh
user:x:1000:1000:user:/home/user:/bin/sh
nobody:x:65534:65534:nobody:/nonexistent:/bin/false
`,
  "etc/group": `root:x:0:
daemon:x:1:
tty:x:5:
audio:x:29:daemon
plugdev:x:46:daemon,user
user:x:1000:
nogroup:x:65534:
`,
  "etc/hosts": "127.0.0.1 localhost\n::1 localhost\n",
  "etc/shells": "/bin/sh\n",
};

/**
 * Makes a root file system with busybox and all its applets, users `root`,
 * `daemon`, `user` and `nobody`, and empty `/proc`, `/sys` and `/dev`.
 *
 * Does nothing when it has been made before. Needs no privilege, but the files
 * belong to whoever runs it.
 *
 * @param dir Where; made with its parents if it is missing.
 * @throws {Error} If `busybox-static` is not installed.
 */
export async function makeRootfs(dir: string): Promise<void> {
  const busybox = join(dir, "bin/busybox");
  if (await exists(busybox)) return;

  const applets = await listApplets();

  await Deno.mkdir(dir, { recursive: true });
  for (const [name, mode] of Object.entries(DIRECTORIES)) {
    await Deno.mkdir(join(dir, name), { recursive: true });
    // The mode given to mkdir(2) is cut by the umask.
    await Deno.chmod(join(dir, name), mode);
  }
  for (const [name, text] of Object.entries(FILES)) {
    await Deno.writeTextFile(join(dir, name), text, { mode: 0o644 });
  }
  for (const applet of applets) await link(dir, applet);

  // Last, and under its name only when whole: it says that all else is there.
  await Deno.copyFile(BUSYBOX, `${busybox}.new`);
  await Deno.chmod(`${busybox}.new`, 0o755);
  await Deno.rename(`${busybox}.new`, busybox);
}

/** Paths of the applets, relative to the root: `bin/sh`, `usr/bin/id`, ... */
async function listApplets(): Promise<string[]> {
  const { code, stdout } = await runBusybox();
  if (code !== 0) {
    throw new Error(
      `Cannot list the applets of ${BUSYBOX}: it ended with ${code}`,
    );
  }

  return new TextDecoder().decode(stdout).split("\n")
    .filter((path) => path !== "" && path !== "bin/busybox");
}

async function runBusybox(): Promise<Deno.CommandOutput> {
  try {
    return await new Deno.Command(BUSYBOX, { args: ["--list-full"] }).output();
  } catch (cause) {
    throw new Error(
      `Cannot find ${BUSYBOX}: install the package busybox-static`,
      { cause },
    );
  }
}

/** A relative link, so that it means the same seen from outside. */
async function link(dir: string, applet: string): Promise<void> {
  const path = join(dir, applet);

  await Deno.mkdir(dirname(path), { recursive: true });
  try {
    await Deno.symlink(relative(dirname(path), join(dir, "bin/busybox")), path);
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.lstat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

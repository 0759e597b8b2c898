/**
 * An ordinary user: an id that nobody has, with a checkout, a Deno cache, a
 * runtime directory and a root file system of its own.
 *
 * @module
 */
import type { ConfigJson, Workspace } from "./containers.ts";
import {
  mustRun,
  nsinitCommand,
  REPOSITORY,
  Running,
  type RunOptions,
  runProgram,
  type RunResult,
} from "./nsinit.ts";
import { makeTestRootfs } from "./rootfs.ts";

/** Its user and group id. */
export const USER_ID = 61234;
/** Its name, where the test gives it ranges. */
const NAME = "nsinittester";
/** What the program under test is made of. */
const SOURCES = [
  "cli.ts",
  "oci.ts",
  "mod.ts",
  "deno.json",
  "lib",
  "ffi",
  "std",
];

/** Further ids of the user, as lines of /etc/subuid or /etc/subgid. */
export interface UserRanges {
  /** `first:count` each. */
  readonly uids: readonly string[];
  /** `first:count` each. */
  readonly gids: readonly string[];
}

/** Runs what follows as the user, with further groups or none. */
function asUser(groups: readonly number[] = []): string[] {
  return [
    "setpriv",
    `--reuid=${USER_ID}`,
    `--regid=${USER_ID}`,
    groups.length === 0 ? "--clear-groups" : `--groups=${groups.join(",")}`,
  ];
}

/** How a program is run as the user. */
export interface UserRunOptions extends RunOptions {
  /** Further groups of the user. */
  readonly groups?: readonly number[];
}

/** Puts files over those of /etc in a mount namespace that nobody else sees. */
const WITH_RANGES = `
for name in passwd subuid subgid; do
	[ -e /etc/$name ] || exit 77
	mount --bind "$0/$name" /etc/$name || exit 77
done
exec "$@"
`;

/** What the users of one workspace share: translating the program takes long. */
interface Installation {
  readonly checkout: string;
  /** Cache of Deno. */
  readonly cache: string;
  readonly deno: string;
}

const installations = new WeakMap<Workspace, Promise<Installation>>();

/** A private copy of what the program needs, in case its checkout is closed to others. */
async function install(workspace: Workspace): Promise<Installation> {
  const dir = await workspace.newDirectory();
  const [checkout, cache] = [`${dir}/checkout`, `${dir}/deno`];
  for (const each of [checkout, cache]) await Deno.mkdir(each);
  const sources = SOURCES.map((name) => `${REPOSITORY}/${name}`);
  await mustRun(["cp", "-r", ...sources, `${checkout}/`]);
  let deno = Deno.execPath();
  const isOpen = await runProgram([...asUser(), "test", "-x", deno]);
  if (isOpen.code !== 0) {
    await Deno.copyFile(deno, `${checkout}/deno`);
    deno = `${checkout}/deno`;
    await Deno.chmod(deno, 0o755);
  }
  await mustRun(["chown", "-R", `${USER_ID}:${USER_ID}`, dir]);
  return { checkout, cache, deno };
}

function installedIn(workspace: Workspace): Promise<Installation> {
  const found = installations.get(workspace) ?? install(workspace);
  installations.set(workspace, found);
  return found;
}

/** An ordinary user. */
export class OrdinaryUser {
  /** Directory of everything; the user's. */
  readonly home: string;
  readonly #installation: Installation;
  readonly #ranges: boolean;

  private constructor(
    home: string,
    installation: Installation,
    ranges: boolean,
  ) {
    this.home = home;
    this.#installation = installation;
    this.#ranges = ranges;
  }

  /** Makes a user, with further ids where asked for. */
  static async create(
    workspace: Workspace,
    ranges?: UserRanges,
  ): Promise<OrdinaryUser> {
    const home = await workspace.newDirectory();
    for (const name of ["run", "container"]) {
      await Deno.mkdir(`${home}/${name}`, { mode: 0o700 });
    }
    await makeTestRootfs(`${home}/rootfs`);
    await mustRun(["chown", "-R", `${USER_ID}:${USER_ID}`, home]);
    if (ranges) await writeRanges(home, ranges);
    const installation = await installedIn(workspace);
    return new OrdinaryUser(home, installation, ranges !== undefined);
  }

  /** The command that starts the program under test. */
  get #command(): readonly string[] {
    if ((Deno.env.get("NSINIT") ?? "") !== "") return nsinitCommand();
    return [...this.#deno, this.checkout("cli.ts")];
  }

  get #deno(): readonly string[] {
    return [this.#installation.deno, "run", "-A", "--no-check", "--no-lock"];
  }

  /** Runs a script of tests/support as the user. */
  async runScript(
    name: string,
    args: readonly string[],
    options: RunOptions = {},
  ): Promise<RunResult> {
    const dir = this.checkout("tests/support");
    await Deno.mkdir(dir, { recursive: true });
    await Deno.copyFile(
      `${REPOSITORY}/tests/support/${name}`,
      `${dir}/${name}`,
    );
    await mustRun(["chown", "-R", `${USER_ID}:${USER_ID}`, dir]);
    return await this.run([...this.#deno, `${dir}/${name}`, ...args], options);
  }

  /** Directory of its container. */
  get dir(): string {
    return `${this.home}/container`;
  }

  /** Its root file system. */
  get rootfs(): string {
    return `${this.home}/rootfs`;
  }

  /** Where its states are. */
  get stateRoot(): string {
    return `${this.home}/run/nsinit`;
  }

  #options({ groups, ...options }: UserRunOptions): RunOptions {
    const inEtc = this.#ranges
      ? [
        "unshare",
        "--mount",
        "--propagation",
        "private",
        "sh",
        "-c",
        WITH_RANGES,
        this.home,
      ]
      : [];
    return {
      cwd: this.dir,
      ...options,
      prefix: [...options.prefix ?? [], ...inEtc, ...asUser(groups)],
      env: {
        HOME: this.home,
        DENO_DIR: this.#installation.cache,
        XDG_RUNTIME_DIR: `${this.home}/run`,
        ...options.env,
      },
    };
  }

  /** Runs a program as the user. */
  run(
    command: readonly string[],
    options: UserRunOptions = {},
  ): Promise<RunResult> {
    return runProgram(command, this.#options(options));
  }

  /** The user's copy of a file of the checkout. */
  checkout(path: string): string {
    return `${this.#installation.checkout}/${path}`;
  }

  /** Runs a text as a program of Deno, as the user. */
  script(text: string, options: RunOptions = {}): Promise<RunResult> {
    return this.run([...this.#deno, "--ext=ts", "-"], {
      stdin: text,
      ...options,
    });
  }

  /** Runs nsinit as the user. */
  nsinit(
    args: readonly string[],
    options: UserRunOptions = {},
  ): Promise<RunResult> {
    return this.run([...this.#command, ...args], options);
  }

  /** Runs nsinit-oci as the user. */
  oci(
    args: readonly string[],
    options: UserRunOptions = {},
  ): Promise<RunResult> {
    return this.run([...this.#deno, this.checkout("oci.ts"), ...args], options);
  }

  /** `nsinit exec --detach`; its program keeps the error output open, a file. */
  async detach(
    args: readonly string[],
    options: UserRunOptions = {},
  ): Promise<RunResult> {
    const log = `${this.home}/stderr`;
    const redirect = ["sh", "-c", `exec "$@" > /dev/null 2> ${log}`, "sh"];
    const prefix = [...options.prefix ?? [], ...redirect];
    const result = await this.nsinit(["exec", "--detach", ...args], { prefix });
    return { ...result, stderr: await Deno.readTextFile(log) };
  }

  /** Starts nsinit as the user. */
  start(args: readonly string[], options: UserRunOptions = {}): Running {
    return new Running([...this.#command, ...args], this.#options(options));
  }

  /** `nsinit exec /bin/sh -c SCRIPT`. */
  sh(script: string, options: UserRunOptions = {}): Promise<RunResult> {
    return this.nsinit(["exec", "/bin/sh", "-c", script], options);
  }

  /** As {@linkcode OrdinaryUser.sh}, for a script that must succeed. */
  async output(script: string, options: UserRunOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.sh(script, options);
    if (code === 0) return stdout;
    throw new Error(`${script}: status ${code}\n${stdout}\n${stderr}`);
  }

  /** Gives its container a configuration. */
  async configure(config: ConfigJson): Promise<void> {
    const path = `${this.dir}/container.json`;
    const text = JSON.stringify({ ...config, rootfs: this.rootfs });
    await Deno.writeTextFile(path, text);
    await Deno.chown(path, USER_ID, USER_ID);
  }

  /** Ids of containers that it has a state of. */
  states(): string[] {
    try {
      return [...Deno.readDirSync(this.stateRoot)].map(({ name }) => name);
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) return [];
      throw error;
    }
  }

  /** Host pids of its processes whose command line holds a text. */
  async processes(text: string): Promise<number[]> {
    const found: number[] = [];
    for await (const { name } of Deno.readDir("/proc")) {
      if (!/^\d+$/.test(name)) continue;
      const path = `/proc/${name}/cmdline`;
      const line = await Deno.readTextFile(path).catch(() => "");
      if (line.replaceAll("\0", " ").includes(text)) found.push(Number(name));
    }
    return found;
  }
}

async function writeRanges(
  home: string,
  { uids, gids }: UserRanges,
): Promise<void> {
  const passwd = await Deno.readTextFile("/etc/passwd");
  const lines = (ranges: readonly string[]): string =>
    ranges.map((range) => `${NAME}:${range}\n`).join("");
  const entry = `${NAME}:x:${USER_ID}:${USER_ID}::${home}:/bin/sh\n`;
  await Deno.writeTextFile(`${home}/passwd`, passwd + entry);
  await Deno.writeTextFile(`${home}/subuid`, lines(uids));
  await Deno.writeTextFile(`${home}/subgid`, lines(gids));
}

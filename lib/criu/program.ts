/**
 * Finds CRIU, and what it offers on this host.
 *
 * @module
 */
import { HostError, KernelError } from "../errors.ts";
import type { CriuFeatures } from "./messages.ts";
import { REQUESTS } from "./messages.ts";
import { askCriu } from "./session.ts";

/** Oldest CRIU that is spoken to: terminals, network namespaces and mounts of others are given back by it. */
const OLDEST: readonly [number, number] = [3, 15];
/** Where CRIU and the programs that it runs are looked for besides PATH. */
const SYSTEM_PATH = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin"]
  .concat("/usr/bin", "/sbin", "/bin");

const INSTALL =
  "install it (Debian and Ubuntu: apt-get install criu; see https://criu.org), or name it with --criu PATH";

/** A CRIU that can be used. */
export interface Criu {
  /** Its absolute path. */
  readonly program: string;
  /** Its environment, `NAME=value`. */
  readonly env: readonly string[];
  /** Its version, e.g. `[4, 2, 1]`. */
  readonly version: readonly [number, number, number];
}

function searchPath(): string[] {
  const own = (Deno.env.get("PATH") ?? "").split(":")
    .filter((directory) => directory.startsWith("/"));
  return [...new Set([...own, ...SYSTEM_PATH])];
}

async function isProgram(path: string): Promise<boolean> {
  try {
    const { isFile, mode } = await Deno.stat(path);
    return isFile && ((mode ?? 0) & 0o111) !== 0;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return false;
  }
}

/**
 * Finds a program as a shell does.
 *
 * @param name A name for PATH and the system's directories, or a path.
 * @returns Its absolute path; undefined when there is none.
 */
export async function findProgram(name: string): Promise<string | undefined> {
  const candidates = name.includes("/")
    ? [name.startsWith("/") ? name : `${Deno.cwd()}/${name}`]
    : searchPath().map((directory) => `${directory}/${name}`);
  for (const path of candidates) if (await isProgram(path)) return path;
  return undefined;
}

async function versionOf(
  program: string,
  env: readonly string[],
): Promise<readonly [number, number, number]> {
  const request = { type: REQUESTS.version };
  let output = "";
  try {
    const answer = await askCriu({ program, env }, request);
    output = answer.output;
    const version = answer.response?.version;
    if (version) {
      return [version.major, version.minor, version.sublevel ?? 0];
    }
  } catch (cause) {
    if (!(cause instanceof KernelError)) throw cause;
    throw new HostError(`Cannot use ${program}: ${cause.message}`, { cause });
  }
  const said = output.trim().split("\n")[0] ?? "";
  throw new HostError(
    `Cannot use ${program}: it does not answer as CRIU 3.15 or later does${
      said === "" ? "" : ` (it says: ${said.slice(0, 200)})`
    }; ${INSTALL}`,
  );
}

/**
 * Finds CRIU and asks for its version.
 *
 * @param name A name for PATH, or a path.
 * @returns The program.
 * @throws {HostError} `HostUnsupported` if there is none, or it is too old.
 *
 * @example
 * ```ts ignore
 * const { version } = await findCriu("criu");
 * ```
 */
export async function findCriu(name: string): Promise<Criu> {
  const program = await findProgram(name);
  if (program === undefined) {
    throw new HostError(
      `Cannot checkpoint or restore: there is no program ${name}; ${INSTALL}`,
    );
  }
  const env = [`PATH=${searchPath().join(":")}`];
  const version = await versionOf(program, env);
  const [major, minor] = version;
  if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
    throw new HostError(
      `Cannot use ${program}: it is CRIU ${version.join(".")}, at least ${
        OLDEST.join(".")
      } is needed; install a newer one`,
    );
  }
  return { program, env, version };
}

/**
 * Asks CRIU what it and the kernel can do together.
 *
 * @param criu The program.
 * @param wanted What is asked for.
 * @returns Which of it there is; nothing when CRIU does not get that far.
 */
export async function askFeatures(
  { program, env }: Criu,
  wanted: CriuFeatures,
): Promise<CriuFeatures> {
  const { response } = await askCriu({ program, env }, {
    type: REQUESTS.featureCheck,
    features: wanted,
  });
  return response?.features ?? {};
}

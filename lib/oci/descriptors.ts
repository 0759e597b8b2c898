/**
 * Descriptors that engines hand over: those to keep, and sockets to answer on.
 *
 * @module
 */
import { openNothing } from "../container/attach.ts";
import { UsageError } from "../errors.ts";

const FIRST = 3;
const O_CLOEXEC = 0o2000000;

/**
 * Whether a descriptor was open when this program began. Those that Deno or we
 * have opened since are closed when a program is executed; inherited ones
 * cannot be.
 */
function isInherited(fd: number): boolean {
  let text: string;
  try {
    text = Deno.readTextFileSync(`/proc/self/fdinfo/${fd}`);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
  const flags = /^flags:\s*([0-7]+)$/m.exec(text)?.[1] ?? "0";
  return (parseInt(flags, 8) & O_CLOEXEC) === 0;
}

function openDescriptors(): number[] {
  return [...Deno.readDirSync("/proc/self/fd")].map(({ name }) => Number(name));
}

/** What is handed on to the container. */
export interface KeptDescriptors {
  /** Descriptors that keep their numbers, from 3 on. */
  readonly extraFiles: readonly number[];
  /** What the program is told of them. */
  readonly env: readonly string[];
}

/** Listening sockets that a service manager has handed to this program. */
interface Listening {
  /** How many. */
  readonly count: number;
  /** Whether all of them must be open. */
  readonly isVouched: boolean;
}

function listeningFrom(
  variable: (name: string) => string | undefined,
): Listening {
  const count = Number(variable("LISTEN_FDS") ?? "");
  const none = { count: 0, isVouched: false };
  if (!Number.isSafeInteger(count) || count <= 0) return none;
  const pid = variable("LISTEN_PID") ?? "";
  // Scripts that hand sockets on cannot know our pid, and say none.
  if (pid === "") return { count, isVouched: false };
  // Meant for another program: the variables have been inherited.
  return pid === String(Deno.pid) ? { count, isVouched: true } : none;
}

/**
 * Those of a number of descriptors that are open. One that is not, before one that
 * is, has the null device in its place, so that the others keep their numbers.
 */
function preservedFrom(first: number, count: number): number[] {
  const end = first + count;
  const open = openDescriptors().filter((fd) =>
    fd >= first && fd < end && isInherited(fd)
  );
  const last = Math.max(first - 1, ...open);
  return Array.from(
    { length: last - first + 1 },
    (_, at) => open.includes(first + at) ? first + at : openNothing(),
  );
}

/**
 * Finds the descriptors that the container's program gets.
 *
 * @param preserved Value of `--preserve-fds`.
 * @param variable Looks up environment variables.
 * @returns Them; sockets of a service manager are the first.
 * @throws {UsageError} `UsageInvalid` if one of the sockets is not open.
 */
export function keptDescriptors(
  preserved: number,
  variable: (name: string) => string | undefined,
): KeptDescriptors {
  if (preserved < 0) {
    throw new UsageError(`--preserve-fds cannot be ${preserved}`);
  }
  const { count: listening, isVouched } = listeningFrom(variable);
  const sockets = Array.from({ length: listening }, (_, at) => FIRST + at);
  const closed = sockets.find((fd) => !isInherited(fd));
  if (isVouched && closed !== undefined) {
    throw new UsageError(
      `please check that the preserved-fds are open: LISTEN_FDS=${listening} means file descriptors 3 to ${
        FIRST + listening - 1
      }, and ${closed} is not open`,
    );
  }
  const extraFiles = preservedFrom(FIRST, listening + preserved);
  return {
    extraFiles,
    env: listening > 0 ? [`LISTEN_FDS=${listening}`, "LISTEN_PID=1"] : [],
  };
}

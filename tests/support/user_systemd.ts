/**
 * An ordinary user whom the machine knows, with a systemd of his own.
 *
 * @module
 */
import { mustRun, waitFor } from "./nsinit.ts";

/** Ids of people, as Debian gives them. */
const FIRST_ID = 1000;
const LAST_ID = 59_999;
const START_MS = 30_000;

/** Such a user. */
export class SystemdUser implements AsyncDisposable {
  private constructor(readonly name: string, readonly uid: number) {}

  /** Finds one and has his systemd run; undefined where the machine knows nobody. */
  static async start(): Promise<SystemdUser | undefined> {
    const lines = (await Deno.readTextFile("/etc/passwd")).split("\n");
    const [name, id] = lines.map((line) => line.split(":"))
      .map(([name = "", , uid]) => [name, Number(uid)] as const)
      .find(([, uid]) => uid >= FIRST_ID && uid <= LAST_ID) ?? [];
    if (name === undefined || id === undefined) return undefined;
    const user = new SystemdUser(name, id);
    await mustRun(["systemctl", "start", user.#unit]);
    await waitFor(
      `the socket of ${user.#unit}`,
      () =>
        Deno.stat(`${user.runtime}/systemd/private`)
          .then(() => true, () => false),
      START_MS,
    );
    return user;
  }

  get #unit(): string {
    return `user@${this.uid}.service`;
  }

  /** His runtime directory. */
  get runtime(): string {
    return `/run/user/${this.uid}`;
  }

  /** Path of his systemd in the cgroup hierarchies. */
  get group(): string {
    return `/user.slice/user-${this.uid}.slice/${this.#unit}`;
  }

  /**
   * What is put in front of a command that he runs as root of a user namespace,
   * as engines do that work for users; and in a group that is his.
   */
  get prefix(): string[] {
    const enter = 'echo $$ > "$0" && exec "$@"';
    const own = `/sys/fs/cgroup${this.group}/init.scope/cgroup.procs`;
    return [
      ...["sh", "-c", enter, own],
      ...["setpriv", `--reuid=${this.uid}`, `--regid=${this.uid}`],
      ...["--clear-groups", "unshare", "--mount", "--user", "--map-root-user"],
      ...["env", `XDG_RUNTIME_DIR=${this.runtime}`],
    ];
  }

  /** Ends his systemd, and with it all that it holds. */
  async [Symbol.asyncDispose](): Promise<void> {
    await mustRun(["systemctl", "stop", this.#unit]);
  }
}

/**
 * A network namespace with bridges, as the host of containers with interfaces.
 *
 * @module
 */
import { mustRun, Running, waitFor } from "./nsinit.ts";

/** A bridge to make. */
export interface Bridge {
  /** Its name. */
  readonly name: string;
  /** Its addresses in CIDR form. */
  readonly addresses: readonly string[];
}

/** A network namespace that lasts until it is disposed of. */
export class TestNetwork implements AsyncDisposable {
  readonly #holder: Running;

  private constructor(holder: Running) {
    this.#holder = holder;
  }

  /** Makes a namespace with bridges. */
  static async create(...bridges: readonly Bridge[]): Promise<TestNetwork> {
    const own = Deno.readLinkSync("/proc/self/ns/net");
    const holder = new Running(["unshare", "--net", "cat"]);
    const network = new TestNetwork(holder);
    try {
      await waitFor("a network namespace", () => {
        return Deno.readLinkSync(network.path) !== own;
      });
      await network.run("ip", "link", "set", "lo", "up");
      for (const bridge of bridges) await network.addBridge(bridge);
    } catch (error) {
      await network[Symbol.asyncDispose]();
      throw error;
    }
    return network;
  }

  /** Path of the namespace. */
  get path(): string {
    return `/proc/${this.#holder.pid}/ns/net`;
  }

  /** What to put in front of a command that is to run in it. */
  get prefix(): string[] {
    return ["nsenter", `--net=${this.path}`];
  }

  /** Runs a program in it. */
  run(...command: readonly string[]): Promise<string> {
    return mustRun(command, { prefix: this.prefix });
  }

  /** Makes a bridge in it. */
  async addBridge({ name, addresses }: Bridge): Promise<void> {
    await this.run("ip", "link", "add", name, "type", "bridge");
    for (const address of addresses) {
      const options = address.includes(":") ? ["nodad"] : [];
      await this.run("ip", "addr", "add", address, "dev", name, ...options);
    }
    await this.run("ip", "link", "set", name, "up");
  }

  /** Names of its interfaces. */
  async interfaces(): Promise<string[]> {
    const list: { ifname: string }[] = JSON.parse(
      await this.run("ip", "-json", "link"),
    );
    return list.map(({ ifname }) => ifname).sort();
  }

  /** Ends the namespace, with all that is in it. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#holder[Symbol.asyncDispose]();
  }
}

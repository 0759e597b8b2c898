/**
 * The program `nsinit-oci` on bundles of a test's own, as an engine or a
 * conformance suite drives it.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import type { Workspace } from "./containers.ts";
import { cgroupMounts } from "./host_state.ts";
import { OCI_MOUNTS, type OciJson, ociNamespaces } from "./oci.ts";
import { makeTestRootfs } from "./rootfs.ts";

const PROGRAM = fromFileUrl(new URL("../../oci.ts", import.meta.url));

/** What a command line of the program came to. */
export interface OciEnd {
  /** Exit status. */
  readonly code: number;
  /** What it printed. */
  readonly stdout: string;
  /** What it logged. */
  readonly stderr: string;
}

/** How a bundle differs from the common one. */
export interface BundleChanges {
  /** Members of `process`. */
  readonly process?: OciJson;
  /** Mounts after the usual ones. */
  readonly mounts?: readonly OciJson[];
  /** Mounts in the place of the usual ones. */
  readonly replacedMounts?: readonly OciJson[];
  /** Members of `linux`. */
  readonly linux?: OciJson;
  /** Further members. */
  readonly rest?: OciJson;
}

/** How the program is used. */
export interface OciUse {
  /** Its stdin; nothing unless given. */
  readonly stdin?: string;
  /** Environment variables besides the test's. */
  readonly env?: Readonly<Record<string, string>>;
}

async function readOrEmpty(path: string): Promise<string> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

/** A bundle with the containers that are made of it. */
export class OciBundle implements AsyncDisposable {
  /** Its directory. */
  readonly dir: string;
  /** The root of its containers. */
  readonly rootfs: string;
  /** Group of its containers, in every hierarchy. */
  readonly group: string;
  /** The id that the commands use. */
  readonly id: string;

  private constructor(dir: string, private readonly workspace: Workspace) {
    this.dir = dir;
    this.rootfs = `${dir}/rootfs`;
    this.id = `${workspace.tag}-${workspace.newName()}`;
    this.group = `/${workspace.tag}/${this.id}`;
  }

  /** Makes a bundle with a root of its own. */
  static async make(
    workspace: Workspace,
    changes: BundleChanges = {},
  ): Promise<OciBundle> {
    const bundle = new OciBundle(await workspace.newDirectory(), workspace);
    await makeTestRootfs(bundle.rootfs);
    await bundle.write(changes);
    return bundle;
  }

  /** Writes its config.json. */
  async write(changes: BundleChanges): Promise<void> {
    const config = {
      ociVersion: "1.0.2",
      root: { path: "rootfs" },
      process: {
        cwd: "/",
        args: ["/bin/sleep", "600"],
        env: ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"],
        ...changes.process,
      },
      mounts: [
        ...changes.replacedMounts ?? OCI_MOUNTS,
        ...changes.mounts ?? [],
      ],
      linux: {
        namespaces: ociNamespaces("mount", "pid", "network", "ipc", "uts"),
        cgroupsPath: this.group,
        ...changes.linux,
      },
      ...changes.rest,
    };
    await Deno.writeTextFile(
      `${this.dir}/config.json`,
      JSON.stringify(config),
    );
  }

  #program(): string[] {
    return ["run", "--allow-all", PROGRAM, "--root", this.workspace.stateRoot];
  }

  /** Starts the program, its streams being pipes; the working directory is the bundle. */
  open(args: readonly string[], use: OciUse = {}): Deno.ChildProcess {
    return new Deno.Command(Deno.execPath(), {
      args: [...this.#program(), ...args],
      cwd: this.dir,
      env: { NO_COLOR: "1", ...use.env },
      stdin: use.stdin === undefined ? "null" : "piped",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
  }

  /** Uses the program; the working directory is the bundle. */
  async oci(args: readonly string[], use: OciUse = {}): Promise<OciEnd> {
    const child = this.open(args, use);
    if (use.stdin !== undefined) {
      const writer = child.stdin.getWriter();
      await writer.write(new TextEncoder().encode(use.stdin));
      await writer.close();
    }
    const { code, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return {
      code,
      stdout: decoder.decode(stdout),
      stderr: decoder.decode(stderr),
    };
  }

  /** As {@linkcode OciBundle.oci}, but any failure is one of the test; what was printed. */
  async must(args: readonly string[], use: OciUse = {}): Promise<string> {
    const { code, stdout, stderr } = await this.oci(args, use);
    assertEquals({ args, code, stderr }, { args, code: 0, stderr: "" });
    return stdout;
  }

  /** Starts its container without staying with it, its streams being the null device. */
  start(): Promise<void> {
    return this.spawn(["run", "--detach", this.id]);
  }

  /** As {@linkcode OciBundle.must} for what leaves a process behind, which would keep pipes open. */
  async spawn(args: readonly string[], use: OciUse = {}): Promise<void> {
    const log = `${this.dir}/log`;
    const { code } = await new Deno.Command(Deno.execPath(), {
      args: [...this.#program(), "--log", log, ...args],
      cwd: this.dir,
      env: { NO_COLOR: "1", ...use.env },
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).output();
    const logged = await readOrEmpty(log);
    assertEquals({ args, code, logged }, { args, code: 0, logged: "" });
  }

  /** Directories of its container's group, one for each hierarchy that is mounted. */
  groups(): string[] {
    return cgroupMounts().map((mount) => mount + this.group);
  }

  /** Value of a file of its group, by its name in version 1 or in version 2. */
  async limit(v1: string, v2: string): Promise<string> {
    for (const group of this.groups()) {
      for (const name of [v1, v2]) {
        const text = await readOrEmpty(`${group}/${name}`);
        if (text !== "") return text.trim();
      }
    }
    throw new Error(`no group of ${this.group} has ${v1} or ${v2}`);
  }

  /** Runs a shell script in its container that lives. */
  exec(script: string, ...options: string[]): Promise<OciEnd> {
    return this.oci(["exec", ...options, this.id, "/bin/sh", "-c", script]);
  }

  /** Removes its container, if there is one. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.must(["delete", "--force", this.id]);
  }
}

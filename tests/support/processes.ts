/**
 * Containers of the library, and what tests do with their processes.
 *
 * @module
 */
import { poller } from "../../ffi/poller.ts";
import {
  type Config,
  type Container,
  Factory,
  Process,
  type ProcessOptions,
} from "../../mod.ts";
import type { ConfigJson, Workspace } from "./containers.ts";
import { readConfig } from "./in_process.ts";

/** Options of a process; a text is run by the shell. */
export type RunOptions = Omit<ProcessOptions, "args"> & {
  readonly args: readonly string[] | string;
};

/** A process that has not been started. */
export function describe({ args, ...rest }: RunOptions): Process {
  const list = typeof args === "string" ? ["/bin/sh", "-c", args] : args;
  return new Process({ ...rest, args: list });
}

/** A container that is destroyed when it is disposed of. */
export class TestContainer implements AsyncDisposable {
  /** The container. */
  readonly container: Container;

  private constructor(container: Container) {
    this.container = container;
  }

  /** Creates one, with changes of the file or of what was read from it. */
  static async create(
    workspace: Workspace,
    json: ConfigJson = {},
    changes: Partial<Config> = {},
  ): Promise<TestContainer> {
    const config = { ...await readConfig(workspace, json), ...changes };
    const factory = new Factory(workspace.stateRoot);
    return new TestContainer(
      await factory.create(workspace.newName(), config),
    );
  }

  /** Starts its first process, or joins. */
  async start(what: RunOptions | Process): Promise<Process> {
    return await this.container.start(
      what instanceof Process ? what : describe(what),
    );
  }

  /** Kills and removes everything. */
  async destroy(): Promise<void> {
    await this.container.destroy({ force: true });
    await poller.settled();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.destroy();
  }
}

/** Text of a stream. */
export async function textOf(
  stream: ReadableStream<Uint8Array<ArrayBuffer>>,
): Promise<string> {
  let text = "";
  const decoder = new TextDecoder();
  for await (const chunk of stream) {
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Writes text and closes. */
export async function feed(
  stream: WritableStream<Uint8Array>,
  text: string | Uint8Array,
): Promise<void> {
  const bytes = typeof text === "string"
    ? new TextEncoder().encode(text)
    : text;
  const writer = stream.getWriter();
  await writer.write(bytes);
  await writer.close();
}

/** Open descriptors of this program, by what they are. */
export function openDescriptors(): string[] {
  const links: string[] = [];
  for (const { name } of Deno.readDirSync("/proc/self/fd")) {
    try {
      links.push(Deno.readLinkSync(`/proc/self/fd/${name}`));
    } catch {
      continue; // the descriptor of the listing itself
    }
  }
  return links.filter((link) => !link.startsWith("/proc/"))
    .map((link) => link.replace(/\d+/g, "N")).sort();
}

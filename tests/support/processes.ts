/**
 * Containers whose processes are {@linkcode Process}es of the test.
 *
 * @module
 */
import { poller } from "../../ffi/poller.ts";
import {
  finishProcess,
  prepareProcess,
  Process,
} from "../../lib/api/process.ts";
import type { ProcessOptions } from "../../lib/api/process_options.ts";
import type { Config } from "../../lib/config/types.ts";
import { createContainer } from "../../lib/container/create.ts";
import { deleteContainer } from "../../lib/container/delete.ts";
import { launchProcess } from "../../lib/container/launch.ts";
import type { StoredState } from "../../lib/container/store_types.ts";
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

/** A container that is deleted when it is disposed of. */
export class TestContainer implements AsyncDisposable {
  readonly #stateRoot: string;
  readonly #processes: Process[] = [];
  readonly state: StoredState;

  private constructor(stateRoot: string, state: StoredState) {
    this.#stateRoot = stateRoot;
    this.state = state;
  }

  /** Creates one, with changes of the file or of what was read from it. */
  static async create(
    workspace: Workspace,
    json: ConfigJson = {},
    changes: Partial<Config> = {},
  ): Promise<TestContainer> {
    const config = { ...await readConfig(workspace, json), ...changes };
    const id = workspace.newName();
    const state = await createContainer(workspace.stateRoot, id, config);
    return new TestContainer(workspace.stateRoot, state);
  }

  /** Starts its first process, or joins. */
  async start(what: RunOptions | Process): Promise<Process> {
    const process = what instanceof Process ? what : describe(what);
    const { id, config, created } = this.state;
    const prepared = prepareProcess(process, config);
    try {
      prepared.started(
        await launchProcess(this.#stateRoot, id, {
          process: prepared.request,
          attachment: prepared.attachment,
          created,
        }),
      );
    } catch (error) {
      prepared.failed();
      throw error;
    }
    this.#processes.push(process);
    return process;
  }

  /** Kills and removes everything. */
  async destroy(): Promise<void> {
    await deleteContainer(this.#stateRoot, this.state.id, { force: true });
    for (const process of this.#processes.splice(0)) {
      await process.status;
      finishProcess(process);
    }
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

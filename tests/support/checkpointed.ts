/**
 * Containers that tests checkpoint and restore, and what they count.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import {
  type Config,
  type Container,
  Factory,
  type Process,
} from "../../mod.ts";
import type { ConfigJson, Workspace } from "./containers.ts";
import { testCriu } from "./criu.ts";
import { readConfig } from "./in_process.ts";
import { waitFor } from "./nsinit.ts";

/** Where the counter writes as well: in memory, so that it comes back as it was. */
const FILE = "/dev/shm/n";
/** Writes 1, 2, 3, ... to its output and to the file. */
const COUNT =
  `i=0; while :; do i=$((i+1)); echo $i; echo $i >${FILE}; sleep 0.05; done`;

/** A container and the place of its images, until the end of a test. */
export class Checkpointed implements AsyncDisposable {
  private constructor(
    readonly workspace: Workspace,
    readonly factory: Factory,
    readonly container: Container,
    readonly images: string,
  ) {}

  /** Makes one, with a configuration of its own or the usual one with changes. */
  static async create(
    workspace: Workspace,
    changes: ConfigJson | Config = {},
  ): Promise<Checkpointed> {
    const factory = new Factory(workspace.stateRoot, { criu: testCriu() });
    const config = "rootfs" in changes && "namespaces" in changes
      ? changes as Config
      : await readConfig(workspace, changes as ConfigJson);
    const container = await factory.create(workspace.newName(), config);
    const images = `${await workspace.newDirectory()}/images`;
    return new Checkpointed(workspace, factory, container, images);
  }

  /** The number that the counter has reached. */
  async number(): Promise<number> {
    const { initProcessPid } = await this.container.state();
    const path = `/proc/${initProcessPid}/root${FILE}`;
    // Empty for the moment between its opening and the write.
    const text = await waitFor("a number", async () => {
      const found = await Deno.readTextFile(path).catch((error) => {
        if (error instanceof Deno.errors.NotFound) return "";
        throw error;
      });
      return found.endsWith("\n") && found;
    });
    return Number(text);
  }

  /** Starts a counter. */
  async count(): Promise<Process> {
    const process = await this.container.start({
      args: ["/bin/sh", "-c", COUNT],
      stdout: "piped",
    });
    await waitFor("a third number", async () => await this.number() > 2);
    return process;
  }

  /** Removes container and images. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.container.destroy({ force: true });
    await Deno.remove(this.images, { recursive: true }).catch(() => {});
  }
}

/** Text up to the last whole line. */
function linesOf(text: string): string[] {
  const end = text.lastIndexOf("\n");
  return end < 0 ? [] : text.slice(0, end).split("\n");
}

/** Reads numbers, a line each, until one is at least `enough`; fails at any other line. */
export async function numbersOf(
  process: Process,
  enough: number,
): Promise<number[]> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of process.stdout) {
    text += decoder.decode(chunk, { stream: true });
    const last = linesOf(text).at(-1);
    if (last !== undefined && !(Number(last) < enough)) break;
  }
  return readNumbers(text);
}

/** Numbers of an output, a line each; fails at any other line. */
export function readNumbers(text: string): number[] {
  return linesOf(text).map((line) => {
    if (/^\d+$/.test(line)) return Number(line);
    throw new Error(`The program says: ${line}`);
  });
}

/** Fails unless each number is one more than the one before. */
export function assertContinuous(numbers: readonly number[]): void {
  const [first = 0] = numbers;
  assertEquals(numbers, numbers.map((_, index) => first + index));
}

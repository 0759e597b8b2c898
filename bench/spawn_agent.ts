/**
 * Agents (bench/agent.ts) as their starter sees them.
 *
 * @module
 */
import { fromFileUrl } from "@std/path";
import { TextLineStream } from "./lines.ts";
import { DENO, ROOT } from "../tasks/process.ts";
import type { AgentOptions, Job } from "./agent.ts";
import type { Bench } from "./bench.ts";

const AGENT = fromFileUrl(new URL("agent.ts", import.meta.url));

/** A process that does a part of the bench. */
export class Agent implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #lines: ReadableStreamDefaultReader<string>;
  readonly #input: WritableStreamDefaultWriter<Uint8Array>;

  /**
   * Starts it, in a mount namespace of its own.
   *
   * @param bench The run.
   * @param job What it is to do.
   */
  constructor({ programs: _, signal, ...bench }: Bench, job: Job) {
    const options: AgentOptions = { ...bench, job };
    this.#child = new Deno.Command("unshare", {
      args: [
        "--mount",
        "--propagation",
        "private",
        DENO,
        "run",
        "-A",
        "--v8-flags=--expose-gc",
        AGENT,
        JSON.stringify(options),
      ],
      cwd: ROOT,
      signal,
      stdin: "piped",
      stdout: "piped",
    }).spawn();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream())
      .pipeThrough(new TextLineStream()).getReader();
    this.#input = this.#child.stdin.getWriter();
  }

  /**
   * Reads its next answer.
   *
   * @returns What it said.
   * @throws {Error} If it ended instead.
   */
  async answer<T>(): Promise<T> {
    const { value } = await this.#lines.read();
    if (value === undefined) throw new Error("an agent of the bench failed");
    return JSON.parse(value);
  }

  /**
   * Asks it for something.
   *
   * @param request What, as JSON.
   * @returns Its answer.
   * @throws {Error} If it ended instead.
   */
  async ask<T>(request: unknown): Promise<T> {
    const line = JSON.stringify(request) + "\n";
    await this.#input.write(new TextEncoder().encode(line));
    return await this.answer();
  }

  /** Lets it end. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close().catch(() => {});
    await this.#lines.cancel().catch(() => {});
    await this.#child.status;
  }
}

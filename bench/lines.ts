/**
 * Text in lines.
 *
 * @module
 */

/** Cuts a stream of text into lines; what follows the last newline is dropped. */
export class TextLineStream extends TransformStream<string, string> {
  /** Makes it. */
  constructor() {
    let rest = "";
    super({
      transform(chunk, controller): void {
        const lines = (rest + chunk).split("\n");
        rest = lines.pop() ?? "";
        for (const line of lines) controller.enqueue(line);
      },
    });
  }
}

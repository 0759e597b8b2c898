/**
 * Control groups made of texts.
 *
 * @module
 */
import type { GroupFiles } from "../../../lib/stats/numbers.ts";

/** A group whose files are these texts. */
export function group(
  version: 1 | 2,
  texts: Readonly<Record<string, string>>,
): GroupFiles {
  return {
    version,
    path: "/cg/demo",
    read: (name) => texts[name],
    names: () => Object.keys(texts),
  };
}

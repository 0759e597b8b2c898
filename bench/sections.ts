/**
 * The parts of the bench, each of which can be run alone by its name.
 *
 * @module
 */
import type { Bench } from "./bench.ts";
import type { Found } from "./results.ts";
import { apiSection } from "./sections/api.ts";
import { processSection } from "./sections/process.ts";

/** All parts, in the order in which they run. */
export const SECTIONS: Readonly<
  Record<string, (bench: Bench) => Promise<Found>>
> = {
  api: apiSection,
  process: processSection,
};

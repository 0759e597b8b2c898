/**
 * Renews what stands in the repository of a run.
 *
 * @module
 */
import { fromFileUrl } from "@std/path";
import { DENO, run } from "../tasks/process.ts";
import { drawFigures } from "./plot.ts";
import { type Figure, type Results, withBefore } from "./results.ts";
import { report } from "./table.ts";

/** Figures that are drawn. */
const DRAWN = [
  "api:bare",
  "api:bare:gaps",
  "warm:bare",
  "exec:bare",
  "process:busybox",
  "process:busybox:gaps",
  "rate:4",
  "monitor",
];

const PICTURE = "![Bars of the medians, with the minimum marked](plot.svg)";
const BEGIN = "<!-- results: written by deno task bench --write -->";
const END = "<!-- end of results -->";

/**
 * Puts a report between the marks of a page. Pure.
 *
 * @param page The page.
 * @param text The report.
 * @returns The page with it.
 * @throws {Error} If the page has no marks.
 */
export function putReport(page: string, text: string): string {
  const [before, rest] = page.split(BEGIN);
  const [, after] = rest?.split(END) ?? [];
  if (before === undefined || after === undefined) {
    throw new Error(`Cannot put the results into a page without ${BEGIN}`);
  }
  return `${before}${BEGIN}\n\n${text.trim()}\n\n${END}${after}`;
}

/** Picks the figures that are drawn, in their order. */
function drawnOf(figures: readonly Figure[]): Figure[] {
  return DRAWN.flatMap((id) => figures.filter((figure) => figure.id === id));
}

/**
 * Draws the picture of a run.
 *
 * @param results What was found.
 * @returns The text of an SVG file.
 */
export function picture(results: Results): string {
  return drawFigures(drawnOf(results.figures));
}

/**
 * Renews bench/README.md, bench/results.json and bench/plot.svg.
 *
 * @param found What was found.
 */
export async function publish(found: Results): Promise<void> {
  const pathOf = (name: string): string =>
    fromFileUrl(new URL(name, import.meta.url));
  const earlier = await Deno.readTextFile(pathOf("results.json"));
  const results = withBefore(found, JSON.parse(earlier));
  const page = await Deno.readTextFile(pathOf("README.md"));
  await Deno.writeTextFile(
    pathOf("README.md"),
    putReport(page, `${PICTURE}\n\n${report(results)}`),
  );
  await Deno.writeTextFile(pathOf("plot.svg"), picture(results));
  await Deno.writeTextFile(
    pathOf("results.json"),
    JSON.stringify(results, undefined, 2) + "\n",
  );
  const files = ["README.md", "results.json", "plot.svg"].map(pathOf);
  const code = await run(DENO, ["fmt", "--quiet", ...files]);
  if (code !== 0) throw new Error(`deno fmt ended with status ${code}`);
}

/**
 * Figures as an SVG picture of horizontal bars. Pure.
 *
 * @module
 */
import type { Figure, Line } from "./results.ts";
import { formatNumber } from "./table.ts";

const WIDTH = 760;
const LABEL_WIDTH = 190;
const VALUE_WIDTH = 110;
const BAR_HEIGHT = 14;
const LINE_HEIGHT = 20;
const TITLE_HEIGHT = 26;
const SPACE = 14;
const BAR_WIDTH = WIDTH - LABEL_WIDTH - VALUE_WIDTH;

/** Ours stand out, also for those who see no colours: by being darker. */
const COLOURS = {
  ours: "#1f5fa8",
  floor: "#7a7a7a",
  other: "#d9a441",
} as const;

function colourOf(label: string): string {
  if (/^(API|CLI)/.test(label)) return COLOURS.ours;
  return label.startsWith("C floor") || label.startsWith("deno")
    ? COLOURS.floor
    : COLOURS.other;
}

/**
 * Makes text safe inside an SVG.
 *
 * @param text Any text.
 * @returns The text with `&`, `<`, `>` and `"` as entities.
 */
export function escapeXml(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

function barOf(line: Line, unit: string, scale: number, y: number): string {
  const { label, summary } = line;
  if (!summary) return "";
  const { median, min } = summary;
  const middle = y + BAR_HEIGHT / 2 + 4;
  const [width, mark] = [median, min].map((value) => value * scale);
  return [
    `<text x="${LABEL_WIDTH - 8}" y="${middle}" text-anchor="end">${
      escapeXml(label)
    }</text>`,
    `<rect x="${LABEL_WIDTH}" y="${y}" width="${
      Math.max(1, width ?? 0).toFixed(1)
    }" height="${BAR_HEIGHT}" fill="${colourOf(label)}"/>`,
    `<line x1="${(LABEL_WIDTH + (mark ?? 0)).toFixed(1)}" x2="${
      (LABEL_WIDTH + (mark ?? 0)).toFixed(1)
    }" y1="${y - 1}" y2="${
      y + BAR_HEIGHT + 1
    }" stroke="#fff" stroke-width="2"/>`,
    `<text x="${(LABEL_WIDTH + (width ?? 0) + 6).toFixed(1)}" y="${middle}">${
      formatNumber(median)
    } ${escapeXml(unit)}</text>`,
  ].join("");
}

function panel(figure: Figure, top: number): { svg: string; height: number } {
  const lines = figure.lines.filter(({ summary }) => summary !== undefined);
  const largest = Math.max(...lines.map(({ summary }) => summary?.median ?? 0));
  const scale = largest > 0 ? BAR_WIDTH / largest : 0;
  const title = `<text class="title" x="0" y="${top + 16}">${
    escapeXml(figure.title)
  }</text>`;
  const bars = lines.map((line, index) =>
    barOf(
      line,
      figure.unit,
      scale,
      top + TITLE_HEIGHT + index * LINE_HEIGHT,
    )
  );
  return {
    svg: [title, ...bars].join("\n"),
    height: TITLE_HEIGHT + lines.length * LINE_HEIGHT + SPACE,
  };
}

/**
 * Draws figures below each other, each with a scale of its own from zero: a bar
 * is a median, the white mark in it the minimum.
 *
 * @param figures The figures; lines without samples are left out.
 * @returns The text of an SVG file.
 */
export function drawFigures(figures: readonly Figure[]): string {
  let top = 0;
  const parts: string[] = [];
  for (const figure of figures) {
    const { svg, height } = panel(figure, top);
    parts.push(svg);
    top += height;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${top}" width="${WIDTH}" height="${top}" role="img">`,
    `<style>text { font: 12px sans-serif; fill: #222 } .title { font-weight: bold }</style>`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

/**
 * Text for manual pages, in the macros of man(7).
 *
 * @module
 */

/** A heading with the lines below it. */
export type Lines = readonly string[];

/** Escapes what roff would take as its own; hyphens stay hyphens when copied. */
export function escapeRoff(text: string): string {
  return text.replaceAll("\\", "\\e").replaceAll("-", "\\-")
    .replaceAll("~", "\\(ti").replaceAll("^", "\\(ha");
}

/** A line of text, that is no request even when it begins like one. */
export function textLine(text: string): string {
  const escaped = escapeRoff(text);
  return /^[.']/.test(escaped) ? `\\&${escaped}` : escaped;
}

/** Columns of a line of the source. */
const WIDTH = 78;

/** Text that is filled, on lines that are not too long to read or compare. */
function textLines(text: string): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && escapeRoff(`${line} ${word}`).length > WIDTH) {
      lines.push(textLine(line));
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, textLine(line)];
}

/** In bold. */
export function bold(text: string): string {
  return `\\fB${escapeRoff(text)}\\fR`;
}

/** In italics: what stands for something else. */
export function italic(text: string): string {
  return `\\fI${escapeRoff(text)}\\fR`;
}

/** A request with one argument. */
export function heading(macro: "SH" | "SS", title: string): string {
  return `.${macro} "${escapeRoff(title).replaceAll('"', "\\(dq")}"`;
}

/** A paragraph. */
export function paragraph(text: string): Lines {
  return [".PP", ...textLines(text)];
}

/** A term and what it means; the term is formatted already. */
export function entry(term: string, doc: string): Lines {
  return [".TP", term, ...textLines(doc)];
}

/** Lines to type, as they are. */
export function literal(lines: Lines): Lines {
  return [".PP", ".RS 4", ".nf", ...lines.map(textLine), ".fi", ".RE"];
}

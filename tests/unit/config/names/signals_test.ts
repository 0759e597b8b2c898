import { assertEquals } from "@std/assert";
import {
  formatSignal,
  parseSignal,
} from "../../../../lib/config/names/signals.ts";

const SIGNALS: readonly [string, number | undefined][] = [
  ["TERM", 15],
  ["SIGTERM", 15],
  ["sigterm", 15],
  ["9", 9],
  ["64", 64],
  ["SYS", 31],
  ["WINCH", 28],
  ["CLD", 17],
  ["RTMIN", 34],
  ["SIGRTMIN+3", 37],
  ["RTMAX-1", 63],
  ["RTMAX+1", undefined],
  ["RTMIN-1", undefined],
  ["0", undefined],
  ["65", undefined],
  ["-9", undefined],
  ["", undefined],
  ["SIG", undefined],
  ["TREM", undefined],
  ["constructor", undefined],
];

for (const [text, number] of SIGNALS) {
  Deno.test(`parseSignal reads ${JSON.stringify(text)} as ${number}`, () => {
    assertEquals(parseSignal(text), number);
  });
}

Deno.test("formatSignal and parseSignal undo each other", () => {
  for (let number = 1; number <= 64; number++) {
    assertEquals(parseSignal(formatSignal(number)), number);
  }
});

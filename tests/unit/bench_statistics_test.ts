import { assert, assertEquals } from "@std/assert";
import {
  median,
  pairedRatio,
  quantile,
  shuffled,
  summarize,
} from "../../bench/statistics.ts";

Deno.test("the median is the middle, or the mean of the two in the middle", () => {
  assertEquals(median([5, 1, 3]), 3);
  assertEquals(median([4, 1, 3, 2]), 2.5);
  assertEquals(median([7]), 7);
});

Deno.test("without samples there is no figure", () => {
  assert(Number.isNaN(median([])));
  assert(Number.isNaN(pairedRatio([], [])));
  assert(Number.isNaN(summarize([]).min));
});

Deno.test("a quantile lies between its neighbours", () => {
  assertEquals(quantile([0, 10, 20, 30, 40], 0.9), 36);
  assertEquals(quantile([3, 1, 2], 0), 1);
  assertEquals(quantile([3, 1, 2], 1), 3);
});

Deno.test("samples come to their number, median, minimum and ninth decile", () => {
  const samples = Array.from({ length: 11 }, (_, index) => 10 - index);
  assertEquals(summarize(samples), { n: 11, median: 5, min: 0, p90: 9 });
  assertEquals(samples[0], 10);
});

Deno.test("a machine that gets slower leaves paired ratios alone", () => {
  assertEquals(pairedRatio([1, 2, 4, 8], [2, 4, 8, 16]), 0.5);
  assertEquals(
    pairedRatio([[1, 1, 9], [4, 4, 4]], [[2, 2, 2], [8, 1, 8]]),
    0.5,
  );
});

Deno.test("turns that only one side has are left out", () => {
  assertEquals(pairedRatio([1, 1, 100], [2, 2]), 0.5);
});

Deno.test("a shuffled list has the same members, and the list stays", () => {
  const list = [1, 2, 3, 4];
  assertEquals(shuffled(list).toSorted(), list);
  assertEquals(shuffled(list, () => 0), [2, 3, 4, 1]);
  assertEquals(shuffled(list, () => 0.999), list);
  assertEquals(list, [1, 2, 3, 4]);
});

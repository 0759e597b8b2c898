import { assertEquals, assertThrows } from "@std/assert";
import { KernelError } from "../../../lib/errors.ts";
import {
  add,
  countOf,
  limitOf,
  nestedTableOf,
  parseCount,
  scale,
  tableOf,
} from "../../../lib/stats/numbers.ts";
import { group } from "./fixture.ts";

Deno.test("counts are exact up to 64 bits", () => {
  assertEquals(parseCount("0", "f"), 0);
  assertEquals(parseCount("9007199254740991", "f"), 9007199254740991);
  assertEquals(parseCount("9007199254740993", "f"), 9007199254740993n);
  assertEquals(parseCount("18446744073709551615", "f"), 2n ** 64n - 1n);
});

for (
  const text of ["", "-1", "1.5", "0x10", "1e3", "1 2", "18446744073709551616"]
) {
  Deno.test(`${JSON.stringify(text)} is no count`, () => {
    const error = assertThrows(
      () => parseCount(text, "/cg/demo/pids.current"),
      KernelError,
      "Cannot read /cg/demo/pids.current",
    );
    assertEquals([error.code, error.errnoName], ["SystemError", "EBADMSG"]);
  });
}

Deno.test("sums and products of counts are exact", () => {
  assertEquals(scale(9007199254741, 1000), 9007199254741000n);
  assertEquals(scale(7, 1000), 7000);
  assertEquals(add(9007199254740991, 2), 9007199254740993n);
  assertEquals(add(2n ** 60n, 1), 2n ** 60n + 1n);
});

Deno.test("a missing file has no count, no limit and no table", () => {
  const files = group(2, {});

  assertEquals(countOf(files, "a"), undefined);
  assertEquals(limitOf(files, "a"), undefined);
  assertEquals(tableOf(files, "a"), undefined);
  assertEquals(nestedTableOf(files, "a"), undefined);
});

for (const text of ["max\n", "-1\n", "9223372036854771712\n"]) {
  Deno.test(`a limit of ${text.trim()} is none`, () => {
    assertEquals(limitOf(group(1, { limit: text }), "limit"), undefined);
  });
}

Deno.test("a limit is a number", () => {
  assertEquals(limitOf(group(1, { limit: "4096\n" }), "limit"), 4096);
});

Deno.test("a table keeps the kernel's names", () => {
  const files = group(2, { stat: "anon 1\nfile 9007199254740993\n" });
  assertEquals(tableOf(files, "stat"), { anon: 1, file: 9007199254740993n });
});

for (const text of ["anon", "anon x", "anon 1 2", "anon -1", "anon  1"]) {
  Deno.test(`a table with the line ${JSON.stringify(text)} is refused`, () => {
    const files = group(2, { stat: `file 1\n${text}\n` });
    assertThrows(() => tableOf(files, "stat"), KernelError, "/cg/demo/stat");
  });
}

Deno.test("a nested table leaves out what is max", () => {
  const files = group(2, {
    rdma: "mlx4_0 hca_handle=2 hca_object=max\nocrdma\n",
  });
  assertEquals(nestedTableOf(files, "rdma"), {
    mlx4_0: { hca_handle: 2 },
    ocrdma: {},
  });
});

for (const text of ["8:0 rbytes", "8:0 rbytes=", "8:0 rbytes=1=2"]) {
  Deno.test(`a nested table with ${JSON.stringify(text)} is refused`, () => {
    const files = group(2, { stat: `${text}\n` });
    assertThrows(() => nestedTableOf(files, "stat"), KernelError);
  });
}

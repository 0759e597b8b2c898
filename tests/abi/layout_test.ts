import { assertEquals } from "@std/assert";
import { ABI, HEADER, OP, REPORT, USER } from "../../ffi/layout.ts";
import { library, openFromMemory } from "../../ffi/library.ts";
import { renderOpsHeader } from "../../tasks/gen_ops.ts";

Deno.test("layout.ts has the sizes that the library was compiled with", () => {
  const out = new Uint32Array(8);
  library().nsi_sizes(new Uint8Array(out.buffer), out.length);
  assertEquals([...out.subarray(0, 4)], [
    HEADER.size,
    OP.size,
    REPORT.size,
    USER.size,
  ]);
});

Deno.test("layout.ts has the interface number of the library", () => {
  assertEquals(library().nsi_abi(), ABI);
});

Deno.test("openFromMemory() opens the library without a file", async () => {
  const bytes = await Deno.readFile(
    new URL("../../lib/libnsinit.so", import.meta.url),
  );
  assertEquals(openFromMemory(bytes).nsi_abi(), ABI);
});

Deno.test("c/ops.h is what the operation table says", async () => {
  const path = new URL("../../c/ops.h", import.meta.url);
  assertEquals(await Deno.readTextFile(path), renderOpsHeader());
});

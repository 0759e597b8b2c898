import { assert, assertEquals, assertMatch } from "@std/assert";
import * as errors from "../../lib/errors.ts";
import {
  declaredCodes,
  documentedCodes,
  readDocument,
} from "../support/error_codes.ts";

Deno.test("docs/errors.md has every code of lib/errors.ts, and no other", async () => {
  const codes = await declaredCodes();
  assert(codes.length >= 14);
  assertEquals((await documentedCodes()).map(({ code }) => code), codes);
  const headings = (await readDocument()).matchAll(/^## (\w+)$/gm);
  assertEquals([...headings].map(([, code]) => code), codes);
});

Deno.test("docs/errors.md tells causes and what to do for each code", async () => {
  const [, ...sections] = (await readDocument()).split(/^## /m);
  for (const section of sections) {
    assertMatch(section, /^- \*\*Causes\*\*: \S/m, section.slice(0, 30));
    assertMatch(section, /^- \*\*What to do\*\*: \S/m, section.slice(0, 30));
  }
});

Deno.test("docs/errors.md has class and exit status of each code", async () => {
  const kernel = { errno: 2, errnoName: "ENOENT" };
  for (const { code, className, exitCode } of await documentedCodes()) {
    const made = [
      new errors.UsageError("x"),
      new errors.ConfigError("x"),
      new errors.HostError("x"),
      new errors.CriuError("x"),
      new errors.KernelError("x", kernel),
      new errors.StateError(code as errors.StateErrorCode, "x"),
      new errors.ProgramError(
        code as "ProgramNotFound" | "ProgramNotExecutable",
        "x",
      ),
    ].find((error) => error.name === className);
    assertEquals([made?.code, made?.exitCode], [code, exitCode], className);
  }
});

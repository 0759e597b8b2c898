import { assert, assertEquals } from "@std/assert";
import { findCommand } from "../../../lib/cli/registry.ts";
import { hasten, QUICK_COMMANDS } from "../../../tasks/quick.ts";

const PATH = "lib/cli/commands/some.ts";
const USUAL = ["lib/a.ts", "lib/b.ts"];

/** The lines of what `hasten` makes, without empty ones. */
function linesOf(text: string): string[] {
  return hasten(PATH, text, USUAL).split("\n").map((line) => line.trim())
    .filter((line) => line !== "");
}

Deno.test("what is loaded in any case is imported", () => {
  assertEquals(linesOf('const { one } = await import("../../a.ts");\none();'), [
    'import { one } from "../../a.ts";',
    "one();",
  ]);
  const several = `const [{ one }, { two, three }] = await Promise.all([
    import("../../a.ts"),
    import(
      "../../b.ts"
    ),
  ]);`;
  assertEquals(linesOf(several), [
    'import { one } from "../../a.ts";',
    'import { two, three } from "../../b.ts";',
  ]);
  assertEquals(linesOf('return (await import("../../a.ts")).one;'), [
    'import { one } from "../../a.ts";',
    "return one;",
  ]);
});

Deno.test("what is loaded twice is imported once", () => {
  const line = 'const { one } = await import("../../a.ts");\n';
  assertEquals(linesOf(line + line), ['import { one } from "../../a.ts";']);
});

Deno.test("what is loaded seldom leaves the short way", () => {
  const leave =
    'import { leaveQuickWay } from "../../../lib/cli/quick/leave.ts";';
  assertEquals(linesOf('const { x } = await import("./x.ts");'), [
    leave,
    "const { x } = await leaveQuickWay();",
  ]);
  const mixed =
    'const [{ one }, { x }] = await Promise.all([import("../../a.ts"), import("./x.ts")]);';
  assertEquals(linesOf(mixed), [
    leave,
    "const [{ one }, { x }] = await Promise.all([leaveQuickWay(), leaveQuickWay()]);",
  ]);
});

Deno.test("types of modules are no loads", () => {
  const line = 'let one: typeof import("./x.ts") | undefined;';
  assertEquals(linesOf(line), [line]);
});

Deno.test("commands with a short way are commands", () => {
  for (const name of QUICK_COMMANDS) assert(findCommand(name), name);
});

import { assertEquals } from "@std/assert";
import { BUNDLE_OPTIONS, KEPT_CODE_OPTIONS } from "../../../tasks/bundle.ts";

Deno.test("options are those that the launcher gives", async () => {
  const source = new URL("../../../c/launcher.c", import.meta.url);
  const text = await Deno.readTextFile(source);
  const none = /NO_CODE_CACHE "([^"]+)"/.exec(text)?.[1] ?? "";
  const list = /options\[\] = \{([^}]*)\}/.exec(text)?.[1] ?? "";
  const options = list.split(",").map((word) => word.trim())
    .filter((word) => word !== "")
    .map((word) => word === "NO_CODE_CACHE" ? none : JSON.parse(word));
  assertEquals(options, [...BUNDLE_OPTIONS]);

  const flags = /#define SHORT_FLAGS([^]*?)\n\/\*/.exec(text)?.[1] ?? "";
  const more = /#define KEPT_FLAGS SHORT_FLAGS "([^"]*)"/.exec(text)?.[1] ?? "";
  const all = [...flags.matchAll(/"([^"]*)"/g)].map(([, part]) => part);
  assertEquals(
    [...options.filter((option) => option !== none), all.join("") + more],
    [...KEPT_CODE_OPTIONS],
  );
});

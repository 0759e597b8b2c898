import { assertEquals } from "@std/assert";
import { BUNDLE_OPTIONS } from "../../../tasks/bundle.ts";

Deno.test("BUNDLE_OPTIONS are those that the launcher gives", async () => {
  const source = new URL("../../../c/launcher.c", import.meta.url);
  const text = await Deno.readTextFile(source);
  const list = /options\[\] = \{([^}]*)\}/.exec(text)?.[1] ?? "";
  const options = [...list.matchAll(/"([^"]+)"/g)].map(([, word]) => word);
  assertEquals(options, [...BUNDLE_OPTIONS]);
});

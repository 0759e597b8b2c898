import { assertEquals, assertThrows } from "@std/assert";
import {
  BUNDLE_OPTIONS,
  KEPT_CODE_OPTIONS,
  markLauncher,
} from "../../../tasks/bundle.ts";

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

Deno.test("markLauncher writes kind and folder behind the text that c/launcher_bundle.c has", async () => {
  const source = new URL("../../../c/launcher_bundle.c", import.meta.url);
  const text = await Deno.readTextFile(source);
  const marker = /made = \{ "([^"]+)", 0, "" \}/.exec(text)?.[1] ?? "";
  const launcher = new TextEncoder().encode(`ELF${marker}${"\0".repeat(1100)}`);
  markLauncher(launcher, true, "/srv/ns\u00e9");
  assertEquals(
    new TextDecoder().decode(launcher).replace(/\0+$/, ""),
    `ELF${marker}\0o/srv/ns\u00e9`,
  );
  const other = new TextEncoder().encode(`${marker}${"\0".repeat(1100)}`);
  markLauncher(other, false, `/${"a".repeat(1023)}`);
  assertEquals(new TextDecoder().decode(other).replace(/\0+$/, ""), marker);
  assertThrows(() => markLauncher(new Uint8Array(9), true, "/srv"));
});

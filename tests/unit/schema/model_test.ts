import { assert, assertEquals } from "@std/assert";
import { CAPABILITIES } from "../../../lib/config/names/capabilities.ts";
import type { JsonObject } from "../../../lib/config/json.ts";
import {
  type DocType,
  type Model,
  readModel,
} from "../../../tasks/schema/model.ts";
import { capability } from "../../../tasks/schema/process.ts";
import { OBJECTS, ROOT_SHAPE } from "../../../tasks/schema/root.ts";
import { makeText, readText } from "../../support/schema_texts.ts";

/** Members that no text of dialect D has. */
const NOT_IN_TEXT = [
  "Config.dialect",
  "Config.intelRdt",
  "Config.platform",
  "Config.process",
  "Network.vethPrefix",
  "ConsoleSize.height",
  "ConsoleSize.width",
  "IntelRdt.closId",
  "IntelRdt.enableMonitoring",
  "IntelRdt.l3CacheSchema",
  "IntelRdt.memBwSchema",
  "IntelRdt.schemata",
  "ProcessDefaults.args",
  "ProcessDefaults.consoleSize",
  "ProcessDefaults.cwd",
  "ProcessDefaults.env",
  "ProcessDefaults.makeCwd",
  "ProcessDefaults.tty",
  "ProcessDefaults.user",
];

const MODEL: Model = await readModel();
const OBJECT_SHAPES = [ROOT_SHAPE, ...Object.values(OBJECTS)];
const KEYS = OBJECT_SHAPES.flatMap(({ keys }) => Object.values(keys));

/** All names of types within a type. */
function namesIn(type: unknown): string[] {
  if (typeof type !== "object" || type === null) return [];
  const { typeName } = type as { typeName?: unknown };
  return [
    ...typeof typeName === "string" ? [typeName] : [],
    ...Object.values(type).flatMap(namesIn),
  ];
}

/** Interfaces that a configuration is made of. */
function findInterfaces(): Set<string> {
  const found = new Set(["Config", "Resources"]);
  for (const name of found) {
    for (const [member, { type }] of MODEL.members) {
      if (!member.startsWith(`${name}.`)) continue;
      namesIn(type).filter((inner) => MODEL.docs.has(inner))
        .forEach((inner) => found.add(inner));
    }
  }
  return found;
}

/** Texts that a type consists of, or nothing when it has other parts. */
function literalsOf(type: DocType | undefined): string[] | undefined {
  if (type?.kind === "typeRef") {
    const { typeName } = type.value as { typeName: string };
    return literalsOf(MODEL.aliases.get(typeName));
  }
  if (type?.kind !== "union") return undefined;
  const literals = (type.value as DocType[]).map(({ value }) =>
    (value as { string?: string }).string
  );
  return literals.every((text) => text !== undefined)
    ? literals as string[]
    : undefined;
}

Deno.test("every member of the model that can be configured has a key", () => {
  const interfaces = findInterfaces();
  const wanted = [...MODEL.members.keys()].filter((member) =>
    interfaces.has(member.replace(/\..*/, "")) && !NOT_IN_TEXT.includes(member)
  );
  const found = new Set(KEYS.flatMap(({ member }) => member ?? []));
  assert(wanted.length > 150);
  assertEquals(wanted.filter((member) => !found.has(member)), []);
  assertEquals([...found].filter((member) => !wanted.includes(member)), []);
  for (const member of NOT_IN_TEXT) assert(MODEL.members.has(member), member);
});

Deno.test("every object of the model has a definition of its keys", () => {
  const found = new Set(OBJECT_SHAPES.flatMap(({ model }) => model ?? []));
  // Told by keys of Mount, of Cgroup, and not at all.
  const others = [
    "ConsoleSize",
    "IntelRdt",
    "MountIdmap",
    "ProcessDefaults",
    "Resources",
  ];
  assertEquals(
    [...findInterfaces()].sort(),
    [...new Set([...found, ...others])].sort(),
  );
});

Deno.test("enumerations have the names of the model's types, and no other", () => {
  let compared = 0;
  for (const { shape, member } of KEYS) {
    const literals = literalsOf(MODEL.members.get(member ?? "")?.type);
    const values = shape["enum"];
    if (literals === undefined || !Array.isArray(values)) continue;
    const names = values.filter((value) => typeof value === "string");
    if (names.length === 0) continue;
    compared++;
    const others = names.filter((name) => !literals.includes(name));
    assertEquals(literals.filter((name) => !names.includes(name)), [], member);
    // Other spellings of namespaces are read as one of the literals.
    if (member === "Namespace.type") {
      for (const value of others) {
        const { namespaces } = readText({ namespaces: [value] }).config;
        assert(literals.includes(namespaces[0]?.type ?? ""), value);
      }
    } else assertEquals(others, [], member);
  }
  assert(compared >= 10, String(compared));
});

Deno.test("letters of devices are written as their numbers", () => {
  const { type } = OBJECTS["Device"]?.keys ?? {};
  const numbers = (type?.shape as JsonObject)["enum"] as number[];
  const letters: unknown[] = numbers.map((value) =>
    readText(makeText({ variant: 0, path: "devices[].type", value }))
      .config.devices[0]?.type
  );
  assertEquals(
    [...new Set(letters)].sort(),
    literalsOf(MODEL.aliases.get("DeviceType"))?.sort(),
  );
});

Deno.test("all capabilities have two spellings", () => {
  assertEquals(
    (capability["enum"] as string[]).map((name) => name.replace("CAP_", "")),
    [...CAPABILITIES, ...CAPABILITIES],
  );
});

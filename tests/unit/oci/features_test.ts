import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import type { JsonObject } from "../../../lib/config/json.ts";
import { makeFeatures, OCI_VERSIONS } from "../../../lib/oci/features.ts";
import { parseConfig } from "../../../lib/config/parse.ts";
import { formatJson } from "../../../lib/config/format.ts";
import { validateOci } from "../../support/oci_schema.ts";

const FIXTURES = fromFileUrl(
  new URL("../../fixtures/oci/features", import.meta.url),
);
const FEATURES = makeFeatures({ version: "1.2.3", libseccomp: "2.5.4" });

function read(path: string): unknown {
  return JSON.parse(Deno.readTextFileSync(`${FIXTURES}/${path}`));
}

Deno.test("makeFeatures writes what the specification's schema wants", () => {
  assertEquals(validateOci("features-schema.json", FEATURES), []);
});

Deno.test("the schema tells good documents from bad ones", () => {
  for (const name of ["minimal", "runc"]) {
    const faults = validateOci(
      "features-schema.json",
      read(`good/${name}.json`),
    );
    assertEquals(faults, [], name);
  }
  const bad = read("bad/missing-ociVersionMax.json");
  assertEquals(validateOci("features-schema.json", bad), [
    "/ociVersionMax: missing",
  ]);
  const linux = { ...FEATURES["linux"] as JsonObject, namespaces: ["moon"] };
  assert(
    validateOci("features-schema.json", { ...FEATURES, linux }).length > 0,
  );
});

Deno.test("makeFeatures knows all that a runc of the specification's example knows", () => {
  const runc = read("good/runc.json") as JsonObject;
  const ours = FEATURES["mountOptions"] as string[];
  const theirs = runc["mountOptions"] as string[];
  assertEquals(theirs.filter((name) => !ours.includes(name)), []);
  assertEquals(FEATURES["hooks"], runc["hooks"]);
  const linux = FEATURES["linux"] as JsonObject;
  const capabilities = linux["capabilities"] as string[];
  const wanted = (runc["linux"] as JsonObject)["capabilities"] as string[];
  assertEquals(wanted.filter((name) => !capabilities.includes(name)), []);
});

Deno.test("makeFeatures names each thing once, and no value has a space around it", () => {
  const check = (value: unknown): void => {
    if (typeof value === "string") assertEquals(value, value.trim());
    else if (Array.isArray(value)) {
      assertEquals(new Set(value).size, value.length);
      value.forEach(check);
    } else if (typeof value === "object" && value !== null) {
      Object.values(value).forEach(check);
    }
  };
  check(FEATURES);
});

Deno.test("the reader takes each mount option, hook and namespace of makeFeatures", async () => {
  const linux = FEATURES["linux"] as JsonObject;
  const namespaces = linux["namespaces"] as string[];
  const config = {
    ociVersion: OCI_VERSIONS.max,
    root: { path: "rootfs" },
    process: { args: ["sh"], cwd: "/", user: { uid: 0, gid: 0 } },
    mounts: (FEATURES["mountOptions"] as string[]).map((option, index) => ({
      destination: `/data${index}`,
      type: option === "tmpcopyup" ? "tmpfs" : "bind",
      source: "/data",
      options: option === "tmpcopyup" ? [option] : ["bind", option],
    })),
    hooks: Object.fromEntries(
      (FEATURES["hooks"] as string[]).map((kind) => [
        kind,
        [{ path: "/bin/true" }],
      ]),
    ),
    linux: {
      namespaces: namespaces.map((type) => ({ type })),
      uidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
      gidMappings: [{ containerID: 0, hostID: 1000, size: 1 }],
    },
  };
  const warnings: string[] = [];
  const read = await parseConfig(formatJson(config), {
    path: "/bundle/config.json",
    onWarning: ({ message }) => warnings.push(message),
  }).catch((error: unknown) => error as Error);
  assert(!(read instanceof Error), String(read));
  // Those that no kernel carries out any more are recognised as well.
  const isPast = (line: string): boolean => /^(mand|iversion) is/.test(line);
  assertEquals(warnings.filter((line) => !isPast(line)), []);
  assertEquals(read.namespaces.length, namespaces.length);
});

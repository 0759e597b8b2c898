import { assertThrows } from "@std/assert";
import { ConfigError } from "../../../lib/errors.ts";
import { splitNamespaces } from "../../../lib/plan/namespaces.ts";

Deno.test("splitNamespaces refuses a type that is listed twice", () => {
  assertThrows(
    () => splitNamespaces([{ type: "NEWNET" }, { type: "NEWNET", path: "/x" }]),
    ConfigError,
  );
});

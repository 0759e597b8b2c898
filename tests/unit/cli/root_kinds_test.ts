import { assertEquals, assertThrows } from "@std/assert";
import { applyGenerator } from "../../../lib/cli/generator.ts";
import { GENERATOR_OPTIONS } from "../../../lib/cli/generator_options.ts";
import { parseArgs } from "../../../lib/cli/parse_args.ts";
import { Values } from "../../../lib/cli/values.ts";
import { defaultConfig } from "../../../lib/config/defaults.ts";
import type { Config } from "../../../lib/config/types.ts";
import { UsageError } from "../../../lib/errors.ts";

function generate(...args: readonly string[]): Config {
  const how = { stopEarly: true, command: "exec" };
  const { given } = parseArgs(args, GENERATOR_OPTIONS, how);
  const values = new Values(GENERATOR_OPTIONS, given);
  return applyGenerator(defaultConfig("/srv/root"), values, "/here");
}

Deno.test("--overlay takes a size by = alone", () => {
  assertEquals(generate("--overlay").overlay, {});
  assertEquals(generate("--overlay=64m").overlay, { size: 64 << 20 });
  assertEquals(generate("--overlay", "64m").overlay, {});
  const how = { stopEarly: true, command: "exec" };
  const { rest } = parseArgs(["--overlay", "64m"], GENERATOR_OPTIONS, how);
  assertEquals(rest, ["64m"]);
  assertThrows(() => generate("--overlay=much"), UsageError, "64m");
});

Deno.test("--overlay-upper names directories against the current one", () => {
  assertEquals(generate("--overlay-upper", "a").overlay, { upper: "/here/a" });
  assertEquals(
    generate("--overlay-upper", "/k", "--overlay-work=w").overlay,
    { upper: "/k", work: "/here/w" },
  );
});

Deno.test("--host-root makes the root, with further paths of the host", () => {
  const config = generate(
    "--host-root=1g",
    "--host-path",
    "x",
    "--host-path=/y",
  );
  assertEquals(config.rootfs, "/");
  assertEquals(config.hostRoot, { size: 1 << 30, paths: ["/here/x", "/y"] });
  assertEquals(generate("--host-root").hostRoot, {});
});

Deno.test("options about roots that contradict each other are refused", () => {
  for (
    const args of [
      ["--host-path", "/x"],
      ["--host-root", "--rootfs", "/x"],
      ["--host-root", "--mnt", "host"],
      ["--overlay", "--mnt", "host"],
      ["--overlay-upper", "/x", "--mnt", "host"],
    ]
  ) assertThrows(() => generate(...args), UsageError, "--");
});

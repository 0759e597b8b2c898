import { assertEquals, assertRejects } from "@std/assert";
import { formatConfig } from "../../../lib/config/format.ts";
import { parseConfig } from "../../../lib/config/parse.ts";
import { ConfigError } from "../../../lib/errors.ts";

const MAPS = '[{"container_id": 0, "host_id": 1000, "size": 5}]';

function text(keys: string, namespaces = '[{"type": "NEWUSER"}]'): string {
  return `{
  "rootfs": "/srv", "namespaces": ${namespaces}, "devices": [],
  "uid_mappings": ${MAPS}, "gid_mappings": ${MAPS},
  "mounts": [{"device": "bind", "source": "/a", "destination": "/b",
    "flags": 4096, "data": "", "relabel": "", ${keys}}]
}`;
}

async function idmapOf(source: string): Promise<unknown> {
  const options = { dialect: "D", directory: "/" } as const;
  const config = await parseConfig(source, options);
  const again = await parseConfig(
    formatConfig(config, "container.json"),
    options,
  );
  assertEquals(again.mounts[0]?.idmap, config.mounts[0]?.idmap);
  return config.mounts[0]?.idmap;
}

Deno.test("id maps of a mount are read and written back", async () => {
  const ids = [{ containerId: 0, hostId: 1000, size: 5 }];
  assertEquals(await idmapOf(text('"idmap": false')), undefined);
  assertEquals(await idmapOf(text('"idmap": true')), {});
  assertEquals(await idmapOf(text('"ridmap": true')), { recursive: true });
  const both = `"uid_mappings": ${MAPS}, "gid_mappings": ${MAPS}`;
  assertEquals(await idmapOf(text(both)), {
    uidMappings: ids,
    gidMappings: ids,
  });
});

Deno.test("faults in the id maps of a mount have their line", async () => {
  const error = await assertRejects(
    () =>
      parseConfig(
        text(`"uid_mappings": [{"container_id": 0, "host_id": 0, "size": 0}]`),
        { dialect: "D", directory: "/" },
      ),
    ConfigError,
  );
  assertEquals(
    error.problems.map(({ path, line }) => [path, line]),
    [["mounts[0]", 4], ["mounts[0].uid_mappings[0].size", 5]],
  );
});

Deno.test("OCI names id maps as runc does", async () => {
  const config = await parseConfig(text('"ridmap": true'), {
    dialect: "D",
    directory: "/",
  });
  const oci = JSON.parse(formatConfig(config, "oci"));
  assertEquals(oci.mounts[0].options, ["bind", "ridmap"]);
});

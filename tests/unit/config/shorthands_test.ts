import { assertEquals } from "@std/assert";
import { defaultConfig } from "../../../lib/config/defaults.ts";
import { parseConfig } from "../../../lib/config/parse.ts";
import { bindMount, vethNetwork } from "../../../lib/config/shorthands.ts";
import { validateConfig } from "../../../lib/config/validate.ts";

Deno.test("bindMount() binds recursively, without devices and set-user-id", () => {
  assertEquals(bindMount("/srv/data", "/data"), {
    device: "bind",
    source: "/srv/data",
    destination: "/data",
    flags: 4096 | 16384 | 2 | 4,
    data: "",
    relabel: "",
  });
});

Deno.test("bindMount() is read-only when that is asked for", () => {
  const { flags } = bindMount("/srv", "/srv", { readonly: true });
  assertEquals(flags & 1, 1);
  assertEquals(bindMount("/srv", "/srv", { readonly: false }).flags & 1, 0);
});

Deno.test("vethNetwork() is what a file says with the same members", async () => {
  const network = {
    type: "veth",
    name: "eth0",
    bridge: "br0",
    address: "10.0.0.2/24",
  };
  const { networks } = await parseConfig(JSON.stringify({
    rootfs: "/srv/root",
    mounts: [],
    devices: [],
    namespaces: [{ type: "NEWNET" }],
    networks: [network],
  }));

  const made = vethNetwork({ bridge: "br0", address: "10.0.0.2/24" });

  assertEquals(networks, [{ ...made, vethPrefix: "" }]);
});

Deno.test("vethNetwork() takes every other member as it is given", () => {
  const made = vethNetwork({ bridge: "br0", name: "net1", mtu: 1400 });
  assertEquals([made.name, made.mtu], ["net1", 1400]);
});

Deno.test("configurations with shorthands are valid", () => {
  const base = defaultConfig("/srv/root");
  validateConfig({
    ...base,
    mounts: [...base.mounts, bindMount("/srv/data", "/data")],
    networks: [vethNetwork({ bridge: "br0", address: "10.0.0.2/24" })],
  });
});

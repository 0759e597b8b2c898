import { assert, assertEquals } from "@std/assert";
import {
  ETC_PATHS,
  NETWORK_PATHS,
  probeRootLayout,
} from "../../../lib/host/root_layout.ts";

Deno.test("probeRootLayout finds system directories and links alone", () => {
  const { system } = probeRootLayout();
  assert(system.some(({ path, link }) => path === "/usr" && !link));
  for (const { path, link } of system) {
    assert(/^\/(usr|s?bin|lib[0-9a-z]*)$/.test(path), path);
    assertEquals(Deno.lstatSync(path).isSymlink, link !== undefined);
  }
});

Deno.test("nothing of /etc that is a secret is ever shown", () => {
  const secret =
    /shadow|ssh|private|sudoers|passwd|group|environment|krb5|netrc|machine-id|hosts/;
  for (const path of [...ETC_PATHS, ...NETWORK_PATHS]) {
    assert(path.startsWith("/etc/") && !secret.test(path), path);
  }
  const broad = [
    "/etc/ssl",
    "/etc/pki",
    "/etc/pki/tls",
    "/etc/ca-certificates",
  ];
  for (const path of broad) assert(!ETC_PATHS.includes(path), path);
});

Deno.test("probeRootLayout names what exists", () => {
  for (const path of probeRootLayout().etc) assert(Deno.statSync(path));
});

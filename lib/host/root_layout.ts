/**
 * What of the host's `/` a host root shows: system directories and the files of
 * `/etc` that programs need. Reads names only.
 *
 * @module
 */

/** A system directory in `/`, or the symlink that stands for one. */
export interface SystemEntry {
  /** Its path, e.g. `/usr` or `/lib64`. */
  readonly path: string;
  /** Text of the symlink, e.g. `usr/lib64`; absent for a directory. */
  readonly link?: string;
}

/** The layout of a host's root. */
export interface RootLayout {
  /** System directories. */
  readonly system: readonly SystemEntry[];
  /** Those of {@linkcode ETC_PATHS} and {@linkcode NETWORK_PATHS} that exist. */
  readonly etc: readonly string[];
}

/**
 * What programs need of `/etc`: the loader's, certificates of authorities, names
 * of things, looks. Nothing that holds a secret on any distribution: certificates
 * lie beside private keys, so only the public part is named.
 */
export const ETC_PATHS: readonly string[] = [
  "/etc/ld.so.cache",
  "/etc/ld.so.conf",
  "/etc/ld.so.conf.d",
  "/etc/ld-musl-aarch64.path",
  "/etc/ld-musl-x86_64.path",
  "/etc/alternatives",
  "/etc/ssl/certs",
  "/etc/ssl/cert.pem",
  "/etc/ssl/openssl.cnf",
  "/etc/ca-certificates/extracted",
  "/etc/pki/ca-trust/extracted",
  "/etc/pki/tls/cert.pem",
  "/etc/pki/tls/certs",
  "/etc/pki/tls/openssl.cnf",
  "/etc/crypto-policies/back-ends",
  "/etc/fonts",
  "/etc/gai.conf",
  "/etc/host.conf",
  "/etc/inputrc",
  "/etc/locale.conf",
  "/etc/localtime",
  "/etc/magic",
  "/etc/mime.types",
  "/etc/os-release",
  "/etc/protocols",
  "/etc/services",
  "/etc/terminfo",
  "/etc/timezone",
];

/** What is shown besides where there is a network to reach. */
export const NETWORK_PATHS: readonly string[] = ["/etc/resolv.conf"];

function lookAt<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) throw error;
    return undefined;
  }
}

function isSystemName(name: string): boolean {
  return ["usr", "bin", "sbin"].includes(name) || /^lib[0-9a-z]*$/.test(name);
}

function systemEntry(path: string): SystemEntry[] {
  const info = lookAt(() => Deno.lstatSync(path));
  if (info?.isDirectory) return [{ path }];
  const link = info?.isSymlink
    ? lookAt(() => Deno.readLinkSync(path))
    : undefined;
  return link === undefined ? [] : [{ path, link }];
}

/**
 * Looks at the host's root.
 *
 * About forty looks; nothing is read but names and links.
 *
 * @returns The layout.
 *
 * @example
 * ```ts
 * import { probeRootLayout } from "./root_layout.ts";
 *
 * const { system } = probeRootLayout();
 * if (!system.some(({ path }) => path === "/usr")) throw new Error("no /usr");
 * ```
 */
export function probeRootLayout(): RootLayout {
  const names = [...Deno.readDirSync("/")].map(({ name }) => name);
  return {
    system: names.filter(isSystemName).sort()
      .flatMap((name) => systemEntry(`/${name}`)),
    etc: [...ETC_PATHS, ...NETWORK_PATHS]
      .filter((path) => lookAt(() => Deno.statSync(path)) !== undefined),
  };
}

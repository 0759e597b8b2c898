/**
 * More mounts for the mount namespace of this process.
 *
 * @module
 */
const MS_BIND = 4096;

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text + "\0");
}

/**
 * Binds directories to themselves. They go with the mount namespace.
 *
 * @param dir Directory of the mount points; made.
 * @param count How many.
 * @throws {Error} If the kernel refuses.
 */
export function addMounts(dir: string, count: number): void {
  const libc = Deno.dlopen("libc.so.6", {
    mount: {
      parameters: ["buffer", "buffer", "pointer", "u64", "pointer"],
      result: "i32",
    },
  });
  for (let index = 0; index < count; index++) {
    const path = `${dir}/${index}`;
    Deno.mkdirSync(path, { recursive: true });
    const name = cString(path);
    if (libc.symbols.mount(name, name, null, BigInt(MS_BIND), null) !== 0) {
      throw new Error(`Cannot bind ${path}`);
    }
  }
  libc.close();
}

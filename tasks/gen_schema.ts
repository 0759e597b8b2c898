/**
 * Writes `schema/container.schema.json` and `docs/configuration.md` from
 * `tasks/schema` and the docstrings of the model, or with `--check` fails when
 * the committed files differ.
 *
 * @module
 */
import { DENO, ROOT, say } from "./process.ts";
import { readModel } from "./schema/model.ts";
import { renderDocumentation, renderSchema } from "./schema/render.ts";

/** Lays a text out as `deno fmt` wants it. */
async function layOut(text: string, extension: string): Promise<string> {
  const child = new Deno.Command(DENO, {
    args: ["fmt", "--ext", extension, "-"],
    cwd: ROOT,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(text));
  await writer.close();
  const { success, stdout } = await child.output();
  if (!success) throw new Error(`deno fmt refuses the ${extension} text`);
  return new TextDecoder().decode(stdout);
}

/**
 * Renders what is generated.
 *
 * @returns Texts by their path in the checkout.
 */
export async function renderFiles(): Promise<Record<string, string>> {
  const model = await readModel();
  return {
    "schema/container.schema.json": await layOut(renderSchema(model), "json"),
    "docs/configuration.md": await layOut(renderDocumentation(model), "md"),
  };
}

if (import.meta.main) {
  const isCheck = Deno.args.includes("--check");
  for (const [name, text] of Object.entries(await renderFiles())) {
    const path = `${ROOT}/${name}`;
    if (!isCheck) await Deno.writeTextFile(path, text);
    else if (await Deno.readTextFile(path) !== text) {
      say(`${name} is not what tasks/schema says: run deno task gen`);
      Deno.exit(1);
    }
  }
}

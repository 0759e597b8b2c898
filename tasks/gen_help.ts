/**
 * Writes the manual pages and the lists of commands from their declarations, or
 * with `--check` fails when the committed files differ.
 *
 * @module
 */
import { formatHelp, formatOverview } from "../lib/cli/help.ts";
import { COMMANDS, loadEntry } from "../lib/cli/registry.ts";
import { formatOciHelp, formatOciOverview } from "../lib/oci/help.ts";
import { OCI_COMMANDS } from "../lib/oci/registry.ts";
import { renderOciManPage } from "./man/oci_page.ts";
import { renderManPage } from "./man/page.ts";
import { ROOT, say } from "./process.ts";

function fence(text: string): string {
  return `\`\`\`text\n${text}\n\`\`\``;
}

/**
 * Renders what is generated.
 *
 * @returns Texts by their path in the checkout.
 */
export async function renderHelpFiles(): Promise<Record<string, string>> {
  const commands = await Promise.all(COMMANDS.map(loadEntry));
  const sections = commands.map((command) =>
    `## ${command.name}\n\n${fence(formatHelp(command))}`
  );
  const page = [
    "# Commands",
    "What `nsinit help` prints, of the program and of each command. Made by\n" +
    "`deno task gen` from the declarations of the commands.",
    fence(formatOverview(commands)),
    ...sections,
  ].join("\n\n");
  const oci = await Promise.all(
    OCI_COMMANDS.map(async ({ load }) => (await load()).COMMAND),
  );
  const ociPage = [
    "# Commands of nsinit-oci",
    "What `nsinit-oci help` prints, of the program and of each command. Made by\n" +
    "`deno task gen` from the declarations of the commands.",
    fence(formatOciOverview(oci)),
    ...oci.map((command) =>
      `## ${command.name}\n\n${fence(formatOciHelp(command))}`
    ),
  ].join("\n\n");
  return {
    "man/nsinit.1": renderManPage(commands),
    "man/nsinit-oci.1": renderOciManPage(oci),
    "docs/commands.md": `${page}\n`,
    "docs/oci-commands.md": `${ociPage}\n`,
  };
}

if (import.meta.main) {
  const isCheck = Deno.args.includes("--check");
  for (const [name, text] of Object.entries(await renderHelpFiles())) {
    const path = `${ROOT}/${name}`;
    if (!isCheck) await Deno.writeTextFile(path, text);
    else if (await Deno.readTextFile(path) !== text) {
      say(`${name} is not what the commands declare: run deno task gen`);
      Deno.exit(1);
    }
  }
}

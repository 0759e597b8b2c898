/**
 * Writes `c/ops.h` from the operation table, or with `--check` fails when the
 * committed file differs.
 *
 * @module
 */
import { say } from "./process.ts";
import {
  type FieldKind,
  type OpList,
  OPS,
  POINTS,
  SLOTS,
} from "../lib/plan/ops.ts";

function constant(name: string): string {
  return name.replaceAll(/[^a-z0-9]+/gi, "_").toUpperCase();
}

function accessors(name: string, fields: Record<string, FieldKind>): string[] {
  const lines: string[] = [];
  let numbers = 0;
  let strings = 0;
  for (const [field, kind] of Object.entries(fields)) {
    const macro = `NSI_${constant(name)}_${constant(field)}`;
    if (kind === "u64" || kind === "i64") {
      const type = kind === "u64" ? "uint64_t" : "int64_t";
      const index = field === "flags" ? "flags" : `n[${numbers}]`;
      if (field !== "flags") numbers++;
      lines.push(`#define ${macro}(op) ((${type})(op)->${index})`);
    } else {
      const read = kind.endsWith("str") ? "nsi_str" : "nsi_blob";
      lines.push(
        `#define ${macro}(run, op) ${read}(&(run)->plan, &(op)->s[${strings}])`,
      );
      strings++;
    }
  }
  if (numbers > 6 || strings > 5) {
    throw new Error(`${name} has too many fields`);
  }
  return lines;
}

/** One letter for each string, list or byte array of an operation, padded. */
function references(fields: Record<string, FieldKind>): string {
  const letters = {
    str: "s",
    opt_str: "o",
    list: "l",
    bytes: "b",
    opt_bytes: "y",
  };
  return Object.values(fields)
    .map((kind) => kind === "u64" || kind === "i64" ? "" : letters[kind])
    .join("")
    .padEnd(5, "-");
}

/** Renders the header. */
export function renderOpsHeader(): string {
  const out = [
    "/* SPDX-License-Identifier: Apache-2.0 */",
    "/*",
    " * ops.h - operations of the packed Plan. Written by `deno task gen` from",
    " * lib/plan/ops.ts; do not edit. Include plan.h, which includes this.",
    " */",
    "#ifndef NSI_OPS_H",
    "#define NSI_OPS_H",
    "",
    "/* clang-format off */",
    "enum nsi_kind {",
  ];
  for (const [name, spec] of Object.entries(OPS)) {
    out.push(`\tNSI_OP_${constant(name)} = ${spec.kind},`);
  }
  out.push("};", "", "enum nsi_point {");
  for (const [name, value] of Object.entries(POINTS)) {
    out.push(`\tNSI_POINT_${constant(name)} = ${value},`);
  }
  out.push("};", "", "enum nsi_slot {");
  for (const [name, value] of Object.entries(SLOTS)) {
    out.push(`\tNSI_SLOT_${constant(name)} = ${value},`);
  }
  out.push("};", "");
  for (const [name, spec] of Object.entries(OPS)) {
    out.push(
      `/* ${name}: ${spec.doc}${spec.by === "ts" ? " (by TypeScript)" : ""} */`,
    );
    out.push(...accessors(name, spec.fields), "");
  }
  out.push(
    "/* What the references s[0..4] of an operation hold: s string, o optional string,",
    " * l list, b bytes, y optional bytes, - nothing. */",
    "#define NSI_OP_REFS(X) \\",
    Object.entries(OPS)
      .map(([name, spec]) =>
        `\tX(${constant(name)}, "${references(spec.fields)}")`
      )
      .join(" \\\n"),
    "",
  );
  for (const list of ["parent", "child", "undo"] satisfies OpList[]) {
    out.push(`#define NSI_${constant(list)}_OPS(X) \\`);
    const rows = Object.entries(OPS)
      .filter(([, spec]) =>
        spec.by === "c" && (spec.lists as readonly OpList[]).includes(list)
      )
      .map(([name]) =>
        `\tX(${constant(name)}, ${constant(name).toLowerCase()})`
      );
    out.push(rows.join(" \\\n"), "");
  }
  out.push(
    "/* clang-format on */",
    "",
    "struct nsi_run;",
    "struct nsi_op;",
    "",
  );
  for (const [name, spec] of Object.entries(OPS)) {
    if (spec.by === "c") {
      out.push(
        `int nsi_op_${
          constant(name).toLowerCase()
        }(struct nsi_run *run, const struct nsi_op *op);`,
      );
    }
  }
  out.push("", "#endif", "");
  return out.join("\n");
}

if (import.meta.main) {
  const path = new URL("../c/ops.h", import.meta.url);
  const text = renderOpsHeader();
  if (Deno.args.includes("--check")) {
    if (await Deno.readTextFile(path) !== text) {
      say(
        "c/ops.h is not what lib/plan/ops.ts says: run deno task gen",
      );
      Deno.exit(1);
    }
  } else await Deno.writeTextFile(path, text);
}

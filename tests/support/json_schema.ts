/**
 * A validator for the part of JSON Schema (draft 2020-12) that the schema of
 * container.json uses. A keyword that it does not know is an error, so that
 * nothing is left unchecked.
 *
 * @module
 */

/** A schema, or a part of one. */
export interface Schema {
  readonly [keyword: string]: unknown;
}

/** Keywords that say nothing about validity. */
const ANNOTATIONS = new Set([
  "$schema",
  "$id",
  "$defs",
  "title",
  "description",
  "default",
  "examples",
  "deprecated",
]);

type Rule = (operand: unknown, value: unknown, run: Run, at: string) => void;

/** One validation. */
class Run {
  readonly faults: string[] = [];
  readonly root: Schema;
  constructor(root: Schema) {
    this.root = root;
  }

  validate(schema: Schema, value: unknown, at: string): void {
    for (const [keyword, operand] of Object.entries(schema)) {
      if (ANNOTATIONS.has(keyword)) continue;
      const rule = RULES[keyword];
      if (rule === undefined) throw new Error(`unknown keyword ${keyword}`);
      rule(operand, value, this, at);
      if (keyword === "properties") {
        checkOthers(schema, operand as Schema, value, this, at);
      }
    }
    const isLone = schema["properties"] === undefined;
    if (isLone) checkOthers(schema, {}, value, this, at);
  }

  matches(schema: Schema, value: unknown): boolean {
    const inner = new Run(this.root);
    inner.validate(schema, value, "");
    return inner.faults.length === 0;
  }

  resolve(reference: string): Schema {
    const name = /^#\/\$defs\/(\w+)$/.exec(reference)?.[1];
    const definitions = this.root["$defs"] as Record<string, Schema>;
    const found = name === undefined ? undefined : definitions[name];
    if (found === undefined) throw new Error(`nothing at ${reference}`);
    return found;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isType(name: string, value: unknown): boolean {
  if (name === "null") return value === null;
  if (name === "array") return Array.isArray(value);
  if (name === "object") return isObject(value);
  if (name === "integer") return Number.isInteger(value);
  if (name === "string") return typeof value === "string";
  if (name === "boolean") return typeof value === "boolean";
  throw new Error(`unknown type ${name}`);
}

/** Members that `properties` does not name. */
function checkOthers(
  schema: Schema,
  properties: Schema,
  value: unknown,
  run: Run,
  at: string,
): void {
  const others = schema["additionalProperties"];
  if (others === undefined || !isObject(value)) return;
  for (const [key, member] of Object.entries(value)) {
    if (Object.hasOwn(properties, key)) continue;
    if (others === false) run.faults.push(`${at}/${key}: unknown`);
    else run.validate(others as Schema, member, `${at}/${key}`);
  }
}

const RULES: Readonly<Record<string, Rule>> = {
  $ref(operand, value, run, at): void {
    run.validate(run.resolve(String(operand)), value, at);
  },
  type(operand, value, run, at): void {
    const names = [operand].flat() as string[];
    if (names.some((name) => isType(name, value))) return;
    run.faults.push(`${at}: no ${names.join(" or ")}`);
  },
  enum(operand, value, run, at): void {
    if ((operand as unknown[]).includes(value)) return;
    run.faults.push(`${at}: none of the values`);
  },
  const(operand, value, run, at): void {
    if (operand !== value) run.faults.push(`${at}: not ${operand}`);
  },
  anyOf(operand, value, run, at): void {
    if ((operand as Schema[]).some((each) => run.matches(each, value))) return;
    run.faults.push(`${at}: none of the alternatives`);
  },
  minimum(operand, value, run, at): void {
    if (typeof value !== "number" || value >= Number(operand)) return;
    run.faults.push(`${at}: less than ${operand}`);
  },
  maximum(operand, value, run, at): void {
    if (typeof value !== "number" || value <= Number(operand)) return;
    run.faults.push(`${at}: more than ${operand}`);
  },
  pattern(operand, value, run, at): void {
    if (typeof value !== "string") return;
    if (new RegExp(String(operand), "u").test(value)) return;
    run.faults.push(`${at}: does not match ${operand}`);
  },
  minItems(operand, value, run, at): void {
    if (!Array.isArray(value) || value.length >= Number(operand)) return;
    run.faults.push(`${at}: too few items`);
  },
  maxProperties(operand, value, run, at): void {
    if (!isObject(value)) return;
    if (Object.keys(value).length <= Number(operand)) return;
    run.faults.push(`${at}: too many members`);
  },
  items(operand, value, run, at): void {
    if (!Array.isArray(value)) return;
    value.forEach((item, index) =>
      run.validate(operand as Schema, item, `${at}/${index}`)
    );
  },
  required(operand, value, run, at): void {
    if (!isObject(value)) return;
    for (const key of operand as string[]) {
      if (!Object.hasOwn(value, key)) run.faults.push(`${at}/${key}: missing`);
    }
  },
  properties(operand, value, run, at): void {
    if (!isObject(value)) return;
    for (const [key, schema] of Object.entries(operand as Schema)) {
      if (!Object.hasOwn(value, key)) continue;
      run.validate(schema as Schema, value[key], `${at}/${key}`);
    }
  },
  patternProperties(operand, value, run, at): void {
    if (!isObject(value)) return;
    for (const [pattern, schema] of Object.entries(operand as Schema)) {
      for (const [key, member] of Object.entries(value)) {
        if (!new RegExp(pattern, "u").test(key)) continue;
        run.validate(schema as Schema, member, `${at}/${key}`);
      }
    }
  },
  propertyNames(operand, value, run, at): void {
    if (!isObject(value)) return;
    for (const key of Object.keys(value)) {
      run.validate(operand as Schema, key, `${at}/${key}`);
    }
  },
  // Done with `properties`, whose names it leaves out.
  additionalProperties(): void {},
};

/**
 * Checks a value against a schema.
 *
 * @param schema The schema.
 * @param value The value, as `JSON.parse` gives it.
 * @returns What is wrong, each with its place; empty when nothing is.
 */
export function validate(schema: Schema, value: unknown): string[] {
  const run = new Run(schema);
  run.validate(schema, value, "");
  return run.faults;
}

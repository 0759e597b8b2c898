/**
 * Budgets: what a start, a command or a container may cost, in counts that do
 * not depend on how busy the machine is. They stand in `tests/budgets.json`.
 *
 * @module
 */
import { REPOSITORY } from "./nsinit.ts";

const FILE = `${REPOSITORY}/tests/budgets.json`;
/** Set by `deno task budgets`: the file is written from what is measured. */
const UPDATE = "NSINIT_UPDATE_BUDGETS";

/** Largest values by the name of what is measured. */
type Budgets = Record<string, number>;

async function readBudgets(): Promise<Budgets> {
  try {
    return JSON.parse(await Deno.readTextFile(FILE));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return {};
    throw error;
  }
}

async function update(name: string, budget: number): Promise<void> {
  const all = { ...await readBudgets(), [name]: budget };
  const sorted = Object.entries(all).sort(([a], [b]) => a < b ? -1 : 1);
  await Deno.writeTextFile(
    FILE,
    JSON.stringify(Object.fromEntries(sorted), null, 2) + "\n",
  );
}

/**
 * Whether something has a budget, or gets one now.
 *
 * @param name What is measured.
 * @returns False for what differs between machines and was not measured on such a one.
 */
export async function hasBudget(name: string): Promise<boolean> {
  return Deno.env.get(UPDATE) === "1" || name in await readBudgets();
}

/** How a measurement is judged. */
export interface BudgetOptions {
  /** Part of the measured value that a new budget leaves as room; none unless given. */
  readonly room?: number;
  /** A budget that is agreed upon, and not measured. */
  readonly agreed?: number;
}

/**
 * Compares a measurement with its budget, or makes it the budget when asked to.
 *
 * @param name What is measured.
 * @param measured The value; smaller is better.
 * @param options How much room a new budget leaves.
 * @throws {Error} If the budget is exceeded, or there is none.
 */
export async function checkBudget(
  name: string,
  measured: number,
  { room = 0, agreed }: BudgetOptions = {},
): Promise<void> {
  const isAllowed = agreed === undefined || measured <= agreed;
  if (Deno.env.get(UPDATE) === "1" && isAllowed) {
    return await update(name, agreed ?? Math.ceil(measured * (1 + room)));
  }
  const budget = (await readBudgets())[name];
  if (budget !== undefined && measured <= budget) return;
  const found = budget === undefined
    ? "there is no budget for it"
    : `its budget is ${budget}`;
  throw new Error(
    `${name}: ${measured} measured, and ${found}. Find what has grown; if it is ` +
      "worth its price, `deno task budgets` writes tests/budgets.json anew",
  );
}

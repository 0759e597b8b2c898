type Pairs = Map<object, object>;

/**
 * Tells whether two values are equal in depth: same kind, same content.
 *
 * `0` equals `-0` and `NaN` equals `NaN`; a property that is `undefined` is not
 * the same as a missing one. Follows cycles.
 *
 * @param a One value.
 * @param b The other.
 * @returns Whether they are equal.
 */
export function equal(a: unknown, b: unknown): boolean {
  return compare(a, b, new Map());
}

function compare(a: unknown, b: unknown, seen: Pairs): boolean {
  if (a === b || Object.is(a, b)) return true;
  if (!isObject(a) || !isObject(b)) return false;
  if (seen.get(a) === b) return true;
  if (!sameKind(a, b)) return false;

  seen.set(a, b);

  if (a instanceof Date && b instanceof Date) {
    return Object.is(a.getTime(), b.getTime());
  }
  if (a instanceof RegExp || a instanceof URL) return String(a) === String(b);
  if (a instanceof WeakMap || a instanceof WeakSet || a instanceof WeakRef) {
    return a instanceof WeakRef && b instanceof WeakRef &&
      compare(a.deref(), b.deref(), seen);
  }
  if (a instanceof ArrayBuffer && b instanceof ArrayBuffer) {
    return compare(new Uint8Array(a), new Uint8Array(b), seen);
  }
  if (a instanceof Set && b instanceof Set) return compareSets(a, b, seen);
  if (a instanceof Map && b instanceof Map) return compareMaps(a, b, seen);

  return compareProperties(a, b, seen);
}

function isObject(value: unknown): value is Record<PropertyKey, unknown> {
  return typeof value === "object" && value !== null;
}

/** Plain objects and those without a prototype count as one kind. */
function sameKind(a: object, b: object): boolean {
  return (a.constructor ?? Object) === (b.constructor ?? Object);
}

function compareSets(
  a: Set<unknown>,
  b: Set<unknown>,
  seen: Pairs,
): boolean {
  return a.size === b.size &&
    [...a].every((x) => b.has(x) || [...b].some((y) => attempt(x, y, seen)));
}

function compareMaps(
  a: Map<unknown, unknown>,
  b: Map<unknown, unknown>,
  seen: Pairs,
): boolean {
  return a.size === b.size &&
    [...a].every((x) => [...b].some((y) => attempt(x, y, seen)));
}

/** Compares without remembering the pair when it turns out to be unequal. */
function attempt(a: unknown, b: unknown, seen: Pairs): boolean {
  return compare(a, b, new Map(seen));
}

function compareProperties(
  a: Record<PropertyKey, unknown>,
  b: Record<PropertyKey, unknown>,
  seen: Pairs,
): boolean {
  const keysOfA = ownKeys(a);
  const keysOfB = ownKeys(b);

  return keysOfA.length === keysOfB.length &&
    (!Array.isArray(a) || !Array.isArray(b) || a.length === b.length) &&
    keysOfA.every((key) =>
      Object.hasOwn(b, key) && compare(a[key], b[key], seen)
    );
}

/** Enumerable keys; of an error also what makes it that error. */
function ownKeys(value: object): PropertyKey[] {
  const keys = Reflect.ownKeys(value).filter((key) =>
    Object.prototype.propertyIsEnumerable.call(value, key)
  );

  if (value instanceof Error) {
    for (const key of ["message", "cause", "name"]) {
      if (Object.hasOwn(value, key) && !keys.includes(key)) keys.push(key);
    }
  }

  return keys;
}

/** Names of a kind of flag as a type: a union of literals, or `undefined`. */
export type Names = string | undefined;

/** Aliases: the name of a flag to its other names. */
export type Aliases = Readonly<Record<string, string | readonly string[]>>;

/** The options of `parseArgs`, as in the real package. */
export interface ParseOptions<
  B extends boolean | Names = boolean | Names,
  S extends Names = Names,
  C extends Names = Names,
  N extends Names = Names,
  D extends Record<string, unknown> | undefined =
    | Record<string, unknown>
    | undefined,
  A extends Aliases | undefined = Aliases | undefined,
  DD extends boolean | undefined = boolean | undefined,
> {
  /** Puts what follows `--` under that key instead of into `_`. */
  "--"?: DD;
  /** Other names of flags. */
  alias?: A;
  /** Flags that take no value, or `true` for all `--flags` without `=`. */
  boolean?: B | readonly Extract<B, string>[];
  /** Values of flags that are not given. */
  default?: D;
  /** Puts everything after the first non-flag into `_`. */
  stopEarly?: boolean;
  /** Flags whose value stays text. */
  string?: S | readonly Extract<S, string>[];
  /** Flags that can be repeated; their value is a list. */
  collect?: C | readonly Extract<C, string>[];
  /** Flags that `--no-` sets to `false`. */
  negatable?: N | readonly Extract<N, string>[];
  /** Called for what is not declared; drops it by returning `false`. */
  unknown?: (arg: string, key?: string, value?: unknown) => unknown;
}

/**
 * Leaves out what these types do not follow: names that are not literal, names
 * with a dot, which make nested records, and `_`.
 */
type Flat<K> = K extends string
  ? string extends K ? never : K extends `${string}.${string}` | "_" ? never : K
  : never;

type Declared<B, S, C> = Flat<B> | Flat<S> | Flat<C>;

type Single<K, B, S> = K extends S ? string
  : K extends B ? boolean
  : unknown;

type Given<K, B, S, C, N> =
  | (K extends C ? Single<K, B, S>[] : Single<K, B, S>)
  | (K extends N ? false : never);

/** A flag that has a value even when it is not given. */
type Certain<K, B, C, D> = K extends keyof D ? true
  : K extends B | C ? true
  : false;

type Value<K, B, S, C, N, D> =
  | Given<K, B, S, C, N>
  | (K extends keyof D ? D[K] : never);

/** Names that mean the flag K: itself and its aliases. */
type AllNames<K, A> = K extends keyof A ? A[K] extends string ? K | A[K]
  : A[K] extends readonly (infer T extends string)[] ? K | T
  : K
  : K;

/** The flags of a result. */
export type Flags<B, S, C, N, D, A> =
  & Record<string, unknown>
  & {
    [
      K in Declared<B, S, C> as Certain<K, B, C, D> extends true
        ? Extract<AllNames<K, A>, string>
        : never
    ]: Value<K, B, S, C, N, D>;
  }
  & {
    [
      K in Declared<B, S, C> as Certain<K, B, C, D> extends true ? never
        : Extract<AllNames<K, A>, string>
    ]?: Value<K, B, S, C, N, D> | undefined;
  };

/** What `parseArgs` returns. */
export type Args<
  F extends Record<string, unknown> = Record<string, unknown>,
  DD extends boolean | undefined = undefined,
> =
  & F
  & {
    /** The arguments that belong to no flag. */
    _: (string | number)[];
  }
  & (DD extends true ? {
      /** The arguments after `--`. */
      "--": string[];
    }
    : Record<never, never>);

/** What the import uses of a `server.json`. `at`: the place in the document, such as `packages[0].environmentVariables[1]`. */

/** A value that is fixed (`value`) or that the operator gives. */
export interface Input {
  readonly at: string;
  readonly value?: string;
  readonly default?: string;
  readonly description?: string;
  readonly placeholder?: string;
  readonly format?: string;
  readonly choices?: readonly string[];
  readonly isRequired: boolean;
  readonly isSecret: boolean;
}

/** A fixed value may name variables in braces. */
export interface TemplateInput extends Input {
  readonly variables: ReadonlyMap<string, Input>;
}

/** A header or an environment variable. */
export interface NamedInput extends TemplateInput {
  readonly name: string;
}

/** An argument of a command line: positional without a name. */
export interface Argument extends TemplateInput {
  readonly name?: string;
  readonly valueHint?: string;
  readonly isRepeated: boolean;
}

export interface Package {
  readonly at: string;
  readonly registryType: string;
  readonly identifier: string;
  readonly version?: string;
  readonly registryBaseUrl?: string;
  readonly fileSha256?: string;
  readonly runtimeHint?: string;
  /** Type of its transport. */
  readonly transport: string;
  readonly hasInstructions: boolean;
  readonly runtimeArguments: readonly Argument[];
  readonly packageArguments: readonly Argument[];
  readonly environmentVariables: readonly NamedInput[];
}

export interface Remote {
  readonly at: string;
  /** Type of its transport. */
  readonly type: string;
  readonly url: string;
  readonly headers: readonly NamedInput[];
  readonly variables: ReadonlyMap<string, Input>;
}

export interface ServerJson {
  readonly name: string;
  readonly title?: string;
  readonly packages: readonly Package[];
  readonly remotes: readonly Remote[];
}

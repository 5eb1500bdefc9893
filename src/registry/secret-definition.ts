/** A named credential that servers refer to as `${secret:name}`. */
export interface SecretDefinition {
  readonly slug: string;
  readonly title?: string;
  readonly value: string;
  /** Origins of the servers of the admin API that may get the value; `*` stands for every server and program. */
  readonly origins: readonly string[];
}

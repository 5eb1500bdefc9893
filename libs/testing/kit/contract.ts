/**
 * One check of a contract: what the gateway relies on in every implementation of the port. Any test runner can run it:
 * `for (const { name, run } of accessPolicyContract(…)) it(name, run);`
 */
export interface ContractCheck {
  readonly name: string;
  /** Throws or rejects with an AssertionError that says what was violated. */
  run(): void | Promise<void>;
}

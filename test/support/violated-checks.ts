import type { ContractCheck } from '#lib/testing/kit';

/** The names of the checks that an implementation fails. */
export async function violatedChecks(contract: readonly ContractCheck[]): Promise<string[]> {
  const violated: string[] = [];
  for (const { name, run } of contract) await Promise.try(run).catch(() => violated.push(name));
  return violated;
}

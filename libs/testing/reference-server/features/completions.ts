const WORDS = ['paris', 'park', 'party', 'test', 'testament', 'tester'];

interface Completion {
  completion: { values: string[]; total: number; hasMore: boolean };
  [key: string]: unknown;
}

/** Words that begin with the typed text, for any argument of any prompt or template. */
export function complete(typed: string): Completion {
  const values = WORDS.filter((word) => word.startsWith(typed));
  return { completion: { values, total: values.length, hasMore: false } };
}

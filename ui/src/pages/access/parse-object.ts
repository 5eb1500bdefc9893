/** @throws Error for a text that is no JSON object */
export function parseObject(text: string, what: string): object {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  } catch {
    // The same fault for the reader.
  }
  throw new Error(`${what}: write a JSON object, such as {"amount": 5}.`);
}

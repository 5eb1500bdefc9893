import { parseObject } from '../../values/index.js';

/** @throws Error for a text that is no JSON object */
export function requireObject(text: string, what: string): object {
  const value = parseObject(text);
  if (!value) throw new Error(`${what}: write a JSON object, such as {"amount": 5}.`);
  return value;
}

import type { JsonWebKey } from 'node:crypto';
import { request } from 'undici';
import { isJsonObject, parseJson } from '#lib/mcp-protocol';

const DEADLINE_MS = 5_000;
const LARGEST_BYTES = 262_144;
const MOST_KEYS = 100;

/** Gets the keys of an authorization server (RFC 7517, 5). Rejects when it cannot. */
export type FetchKeySet = () => Promise<readonly JsonWebKey[]>;

/** Fetches a key set over HTTP, within bounds of time and size. Redirects are not followed. */
export const fetchKeySet =
  (url: string): FetchKeySet =>
  async () => {
    const signal = AbortSignal.timeout(DEADLINE_MS);
    const { statusCode, body } = await request(url, { signal, headers: { accept: 'application/json' } });
    const text = await readBounded(body);
    if (statusCode !== 200) throw new Error(`The key set was answered with HTTP ${statusCode}.`);
    const keySet = parseJson(text);
    const keys = isJsonObject(keySet) ? keySet['keys'] : undefined;
    if (!Array.isArray(keys)) throw new Error('The answer is no key set.');
    return keys.slice(0, MOST_KEYS).filter(isJsonObject);
  };

async function readBounded(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop early destroys the stream.
  for await (const chunk of body) {
    size += chunk.length;
    if (size > LARGEST_BYTES) throw new Error(`The key set is larger than ${LARGEST_BYTES} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

import type { JsonWebKey } from 'node:crypto';
import { request } from 'undici';
import type { Clock } from '#lib/extension-kit';
import { isJsonObject, parseJson } from '#lib/mcp-protocol';

const FETCH_TIMEOUT_MS = 5_000;
const MAX_BYTES = 262_144;
const MAX_KEYS = 100;

/** Fetches the keys of an authorization server (RFC 7517, 5). Rejects on failure. */
export type FetchKeySet = () => Promise<readonly JsonWebKey[]>;

/** Fetches a key set over HTTP, within bounds of time and size. Redirects are not followed. */
export const fetchKeySet =
  (url: string, clock: Clock): FetchKeySet =>
  async () => {
    const signal = clock.timeoutSignal(FETCH_TIMEOUT_MS);
    const { statusCode, body } = await request(url, { signal, headers: { accept: 'application/json' } });
    const text = await readBounded(body);
    if (statusCode !== 200) throw new Error(`The key set URL responded with HTTP ${statusCode}.`);
    const keySet = parseJson(text);
    const keys = isJsonObject(keySet) ? keySet['keys'] : undefined;
    if (!Array.isArray(keys)) throw new Error('The response is not a key set.');
    return keys.slice(0, MAX_KEYS).filter(isJsonObject);
  };

async function readBounded(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  // Leaving the loop early destroys the stream.
  for await (const chunk of body) {
    size += chunk.length;
    if (size > MAX_BYTES) throw new Error(`The key set is larger than ${MAX_BYTES} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

import { randomUUID } from 'node:crypto';
import { expect } from 'expect';
import { DEFAULT_ANSWERS, textOf } from '../../support/sdk-client.js';
import type { Cell } from '../feature.js';

/** The server rejects a call until the user has visited a URL. */
export async function consentsAtUrl({ clientKind, serverKind, connect, name }: Cell): Promise<void> {
  const visited: unknown[] = [];
  const client = await connect({
    answers: {
      elicit(params) {
        visited.push(params['url']);
        return DEFAULT_ANSWERS.elicit(params);
      },
    },
  });
  const id = randomUUID();
  const url = `https://example.com/consent/${id}`;
  const call = () => client.call(name('require_url'), { id });
  if (clientKind.era === 'legacy' && serverKind.era === 'legacy') {
    // Between these the server sends the URL in an error: the user visits it, and the client calls again.
    await expect(call()).rejects.toMatchObject({ code: -32_042, data: { elicitations: [{ mode: 'url', url }] } });
  }
  expect(textOf(await call())).toBe(`consent ${id} given`);
  if (clientKind.era === 'modern' || serverKind.era === 'modern') expect(visited).toEqual([url]);
}

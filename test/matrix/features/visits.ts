import { randomUUID } from 'node:crypto';
import { expect } from 'expect';
import { DEFAULT_ANSWERS, textOf } from '../../support/sdk-client.js';
import type { Cell } from '../feature.js';

/** A server refuses a call until its user has been at a URL. */
export async function visitsUrl({ clientKind, serverKind, connect, name }: Cell): Promise<void> {
  const visited: unknown[] = [];
  const client = await connect({
    answers: {
      elicit(asked) {
        visited.push(asked['url']);
        return DEFAULT_ANSWERS.elicit(asked);
      },
    },
  });
  const id = randomUUID();
  const url = `https://example.com/consent/${id}`;
  const call = () => client.call(name('require_url'), { id });
  if (clientKind.era === 'legacy' && serverKind.era === 'legacy') {
    // Between these the error is how it is said: the user visits the URL, and the client calls again.
    await expect(call()).rejects.toMatchObject({ code: -32_042, data: { elicitations: [{ mode: 'url', url }] } });
  }
  expect(textOf(await call())).toBe(`consent ${id} given`);
  if (clientKind.era === 'modern' || serverKind.era === 'modern') expect(visited).toEqual([url]);
}

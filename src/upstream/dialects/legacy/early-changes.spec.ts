import { expect, it } from '@jest/globals';
import { EarlyChanges } from './early-changes.js';

const updated = (uri: string, part = 0) => ({ method: 'notifications/resources/updated', params: { uri, part } });
const all = () => [updated('a:all')];

it('changes before the answer to a subscription are kept once each, the latest of the same resource', () => {
  const early = new EarlyChanges();
  for (let part = 0; part <= 5_000; part += 1) early.add(updated('a:1', part));
  early.add(updated('a:2'));
  expect(early.take(all)).toEqual([updated('a:1', 5_000), updated('a:2')]);
});

it('more than 1,000 different changes before the answer to a subscription become a change of everything', () => {
  const early = new EarlyChanges();
  for (let index = 0; index < 1_000; index += 1) early.add(updated(`a:${index}`));
  expect(early.take(all)).toHaveLength(1_000);
  early.add(updated('a:one more'));
  expect(early.take(all)).toEqual(all());
});

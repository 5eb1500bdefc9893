import { expect, it } from '@jest/globals';
import { remoteServer } from '../../../test/support/fake-upstream.js';
import { MissingLists } from './missing-lists.js';

const server = remoteServer('a');

function world() {
  const announced: string[] = [];
  return { announced, lists: new MissingLists((slug, list) => announced.push(`${slug} ${list}`)) };
}

it('a list that a client lacked is announced once it is fetched', () => {
  const { lists, announced } = world();
  lists.recordFetched(server, 'tools/list', 'ada');
  expect(announced).toEqual([]);
  lists.recordMissing(server, 'tools/list', 'ada');
  lists.recordFetched(server, 'tools/list', 'ada');
  expect(announced).toEqual(['a toolsListChanged']);
});

it('the list of a server that is always late is announced once, and again after it was received in time', () => {
  const { lists, announced } = world();
  for (let round = 0; round < 3; round += 1) {
    lists.recordMissing(server, 'tools/list', 'ada');
    lists.recordFetched(server, 'tools/list', 'ada');
  }
  expect(announced).toHaveLength(1);
  lists.recordReceived(server, 'tools/list', 'ada');
  lists.recordMissing(server, 'tools/list', 'ada');
  lists.recordFetched(server, 'tools/list', 'ada');
  expect(announced).toHaveLength(2);
});

it('the list that a server rejects for one caller is not announced when another caller receives it', () => {
  const { lists, announced } = world();
  lists.recordMissing(server, 'tools/list', 'ada');
  lists.recordFetched(server, 'tools/list', 'bob');
  lists.recordReceived(server, 'tools/list', 'bob');
  expect(announced).toEqual([]);
});

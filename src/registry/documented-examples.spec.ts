import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { readConfiguration } from './read-configuration.js';
import { SAMPLE_CONFIGURATION } from './sample-configuration.js';

it('every example of docs/configuration.md is a valid configuration', async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8');
  const examples = Array.from(page.matchAll(/```(?:yaml|json)\n([^]*?)```/g), ([, text = '']) => text);
  expect(examples).toHaveLength(6);
  const variables = { WEATHER_TOKEN: 'x', BILLING_TOKEN: 'x', ISTHMUS_NODE: 'node', ISTHMUS_HOME: '/isthmus' };
  const results = [...examples, SAMPLE_CONFIGURATION].map((example) => readConfiguration(example, variables));
  expect(results.flatMap((result) => ('faults' in result ? result.faults : []))).toEqual([]);
  // The examples are excerpts: they refer to entries of each other.
  const read = results.filter((result) => 'value' in result);
  const names = new Set(read.flatMap(({ value }) => [...value.servers, ...value.teams]).map(({ slug }) => slug));
  expect(read.flatMap(({ unknownReferences }) => unknownReferences).filter(({ name }) => !names.has(name))).toEqual([]);
});

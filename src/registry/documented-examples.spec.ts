import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from '@jest/globals';
import { readConfiguration } from './read-configuration.js';
import { SAMPLE_CONFIGURATION } from './sample-configuration.js';

it('every example of docs/configuration.md is a valid configuration', async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/configuration.md'), 'utf8');
  const examples = Array.from(page.matchAll(/```(?:yaml|json)\n([^]*?)```/g), ([, text = '']) => text);
  expect(examples).toHaveLength(5);
  for (const example of [...examples, SAMPLE_CONFIGURATION]) {
    const variables = { WEATHER_TOKEN: 'x', BILLING_TOKEN: 'x', ISTHMUS_NODE: 'node', ISTHMUS_HOME: '/isthmus' };
    expect(readConfiguration(example, variables)).not.toHaveProperty('faults');
  }
});

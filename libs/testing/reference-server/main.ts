import { parseArgs } from 'node:util';

import { ReferenceWorld } from './features/index.js';
import { serveLegacyStdio } from './legacy/legacy-stdio.js';
import { serveModernStdio } from './modern/modern-stdio.js';
import { startReferenceServer } from './start.js';

const USAGE =
  'usage: main.js [--era legacy|modern] [--transport http|sse|stdio] [--stateless] [--port N] [--page-size N]\n';

/** Runs the reference server as a process. Over HTTP it prints its URL as one line when it listens. */
async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      era: { type: 'string', default: 'legacy' },
      transport: { type: 'string', default: 'stdio' },
      stateless: { type: 'boolean', default: false },
      port: { type: 'string', default: '0' },
      'page-size': { type: 'string' },
    },
  });
  const { era, transport, stateless } = values;
  const pageSize = Number(values['page-size'] ?? Number.POSITIVE_INFINITY);
  if (era !== 'legacy' && era !== 'modern') throw new Error(`unknown era ${era}`);
  if (transport === 'stdio') return serveOverStdio(era, pageSize);
  if (transport !== 'http' && transport !== 'sse') throw new Error(`unknown transport ${transport}`);
  const server = await startReferenceServer({ era, transport, stateless, port: Number(values.port), pageSize });
  process.stdout.write(`${server.url}\n`);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void server.close());
}

async function serveOverStdio(era: 'legacy' | 'modern', pageSize: number): Promise<void> {
  const world = new ReferenceWorld();
  if (era === 'modern') serveModernStdio(world, pageSize);
  else await serveLegacyStdio(world, pageSize);
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n${USAGE}`);
  process.exitCode = 1;
});

import { randomUUID } from 'node:crypto';
import { expect } from 'expect';
import { startFaultProxy } from '../../support/fault-proxy.js';
import { textOf, type Progress, type SdkClient } from '../../support/sdk-client.js';
import type { Cell, FeatureGroup, Instead, Kinds } from '../feature.js';

interface Fragile {
  readonly client: SdkClient;
  /** Resets all its connections. */
  sever(): void;
  /** Another client of the same server. */
  readonly witness: SdkClient;
}

/** Runs something with a client whose wire can be cut. Nobody can ask it anything, so no call waits for another. */
async function behindAFragileWire({ url, connect }: Cell, run: (fragile: Fragile) => Promise<void>): Promise<void> {
  const wire = await startFaultProxy(url);
  try {
    const { pathname } = new URL(url);
    const client = await connect({ url: `http://${wire.address}${pathname}`, answersQuestions: false });
    await run({ client, sever: () => wire.sever(), witness: await connect({ answersQuestions: false }) });
  } finally {
    await wire.close();
  }
}

/** Begins a call that is answered only once its key is released. Resolves when the server holds it. */
async function beginToHold(client: SdkClient, { name }: Cell, key: string): Promise<{ held: Promise<unknown> }> {
  const { promise: begun, resolve } = Promise.withResolvers<void>();
  const held = client.call(name('hold'), { key }, { onprogress: () => resolve() }).then(textOf);
  await Promise.race([begun, held]);
  return { held };
}

/** While the wire is cut one call goes on speaking, and another one is answered. */
async function resumes(cell: Cell): Promise<void> {
  await behindAFragileWire(cell, async ({ client, sever, witness }) => {
    const key = randomUUID();
    const seen: number[] = [];
    const { held } = await beginToHold(client, cell, key);
    const cutOnce = ({ progress }: Progress) => {
      seen.push(progress);
      if (seen.length === 2) sever();
    };
    const spoken = client.call(cell.name('slow'), { durationMs: 160, steps: 8 }, { onprogress: cutOnce });
    const released = spoken.then(() => witness.call(cell.name('release'), { key }));
    expect([textOf(await spoken), await held]).toEqual(['done after 8 steps', `released ${key}`]);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    await released;
  });
}

/** Its call is over, at the server too: nothing runs on that nobody will hear of. */
async function loses(cell: Cell): Promise<void> {
  const { name } = cell;
  await behindAFragileWire(cell, async ({ client, sever, witness }) => {
    const counted = await witness.call(name('count_calls'), { tool: 'hold' });
    const once = { tool: 'hold', event: 'cancelled', count: Number(counted.structuredContent?.['cancelled']) + 1 };
    const { held } = await beginToHold(client, cell, 'never');
    const outcome = held.then(
      () => 'answered',
      () => 'lost',
    );
    sever();
    expect(textOf(await witness.call(name('await_calls'), once))).toMatch(/^hold cancelled/);
    // These clients do not mind a stream that breaks: they wait on until they are told to leave.
    await client.close();
    expect(await outcome).toBe('lost');
  });
}

function insteadOfResuming({ clientKind }: Kinds): Instead | undefined {
  if (clientKind.path === 'sse') return { why: 'Over HTTP+SSE the session ends with its stream.', run: loses };
  return clientKind.era === 'modern'
    ? { why: 'In this revision a stream that is closed is a call that is cancelled.', run: loses }
    : undefined;
}

async function isAnswered({ client, name }: Cell): Promise<void> {
  expect(textOf(await client.call(name('test_reconnection')))).toBe('The stream was closed and resumed');
}

export const CUT_STREAMS: FeatureGroup = {
  title: 'Streams that are cut',
  features: [
    {
      name: 'gets the answer of a call whose stream the server ended before',
      run: isAnswered,
      instead: ({ serverKind }) =>
        serverKind.resumable
          ? undefined
          : {
              why: 'Nobody can come back for a stream of this server, so it ends none before its answer.',
              run: isAnswered,
            },
    },
    {
      name: 'comes back for a stream that was cut on its way, and misses nothing',
      run: resumes,
      instead: insteadOfResuming,
    },
  ],
};

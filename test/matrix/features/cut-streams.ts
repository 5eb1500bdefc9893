import { randomUUID } from 'node:crypto';
import { expect } from 'expect';
import { startFaultProxy } from '../../support/fault-proxy.js';
import { textOf, type Progress, type SdkClient } from '../../support/sdk-client.js';
import type { Cell, FeatureGroup, Limitation, Pairing } from '../feature.js';

interface SeverableClient {
  readonly client: SdkClient;
  /** Resets all its connections. */
  sever(): void;
  /** Another client of the same server. */
  readonly witness: SdkClient;
}

/** Runs `run` with a client whose connections can be reset. The client declares no capabilities, so no call waits for it. */
async function withSeverableClient(
  { url, connect }: Cell,
  run: (severable: SeverableClient) => Promise<void>,
): Promise<void> {
  const proxy = await startFaultProxy(url);
  try {
    const { pathname } = new URL(url);
    const client = await connect({ url: `http://${proxy.address}${pathname}`, answersQuestions: false });
    await run({ client, sever: () => proxy.sever(), witness: await connect({ answersQuestions: false }) });
  } finally {
    await proxy.close();
  }
}

/** Starts a call that the server answers once its key is released. Resolves when the server holds the call. */
async function startHeldCall(client: SdkClient, { name }: Cell, key: string): Promise<{ held: Promise<unknown> }> {
  const { promise: begun, resolve } = Promise.withResolvers<void>();
  const held = client.call(name('hold'), { key }, { onprogress: () => resolve() }).then(textOf);
  await Promise.race([begun, held]);
  return { held };
}

/** While the client is disconnected one call reports progress, and another one is answered. */
async function resumes(cell: Cell): Promise<void> {
  await withSeverableClient(cell, async ({ client, sever, witness }) => {
    const key = randomUUID();
    const seen: number[] = [];
    const { held } = await startHeldCall(client, cell, key);
    const cutOnce = ({ progress }: Progress) => {
      seen.push(progress);
      if (seen.length === 2) sever();
    };
    const reporting = client.call(cell.name('slow'), { durationMs: 160, steps: 8 }, { onprogress: cutOnce });
    const released = reporting.then(() => witness.call(cell.name('release'), { key }));
    expect([textOf(await reporting), await held]).toEqual(['done after 8 steps', `released ${key}`]);
    expect(seen).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    await released;
  });
}

/** The call ends at the server too: no call keeps running whose result cannot be delivered. */
async function loses(cell: Cell): Promise<void> {
  const { name } = cell;
  await withSeverableClient(cell, async ({ client, sever, witness }) => {
    const counted = await witness.call(name('count_calls'), { tool: 'hold' });
    const once = { tool: 'hold', event: 'cancelled', count: Number(counted.structuredContent?.['cancelled']) + 1 };
    const { held } = await startHeldCall(client, cell, 'never');
    const outcome = held.then(
      () => 'answered',
      () => 'lost',
    );
    sever();
    expect(textOf(await witness.call(name('await_calls'), once))).toMatch(/^hold cancelled/);
    // These clients ignore a broken stream and wait until they are closed.
    await client.close();
    expect(await outcome).toBe('lost');
  });
}

function limitationOfResuming({ clientKind }: Pairing): Limitation | undefined {
  if (clientKind.path === 'sse') return { reason: 'Over HTTP+SSE the session ends with its stream.', run: loses };
  return clientKind.era === 'modern'
    ? { reason: 'In this revision closing the stream of a call cancels the call.', run: loses }
    : undefined;
}

async function isAnswered({ client, name }: Cell): Promise<void> {
  expect(textOf(await client.call(name('test_reconnection')))).toBe('The stream was closed and resumed');
}

export const CUT_STREAMS: FeatureGroup = {
  title: 'Interrupted streams',
  features: [
    {
      name: 'receives the result of a call whose stream the server closed early',
      run: isAnswered,
      limitation: ({ serverKind }) =>
        serverKind.resumable
          ? undefined
          : {
              reason: 'Streams of this server cannot be resumed, so it closes none before the result.',
              run: isAnswered,
            },
    },
    {
      name: 'resumes an interrupted stream without missing a message',
      run: resumes,
      limitation: limitationOfResuming,
    },
  ],
};

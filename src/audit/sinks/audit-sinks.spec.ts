import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { mkdtemp, readFile, rename, rm, stat } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import * as tls from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { SystemClock } from '#lib/extension-kit';
import { ManualClock } from '#lib/testing/manual-clock';
import { until } from '../../../test/support/until.js';
import { createCertificates } from '#lib/testing/redis-server';
import type { ChainedRecord, LostRecords } from '../audit-record.js';
import { toChainRecordEvent } from '../chain/audit-chain.js';
import { callOf, chainOf, changeOf, KEY } from '../chain/chain-fixture.js';
import { verifyLines } from '../chain/verify-records.js';
import { AuditSink } from './audit-sink.js';
import { describeCause } from './describe-cause.js';
import { SinkQueue } from './sink-queue.js';
import { StdoutSink } from './stdout-sink.js';
import { createStreamSink, isStream } from './stream-target.js';

const RECORDS = chainOf([
  changeOf(),
  callOf(),
  callOf({ item: 'Zürich\n' }),
  changeOf({ outcome: 'failed', status: 409 }),
]);

let folder: string;
const closers: (() => unknown)[] = [];

beforeAll(() => Logger.overrideLogger(false));
afterAll(() => Logger.overrideLogger(['fatal', 'error', 'warn', 'log']));

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'isthmus-audit-'));
});

afterEach(async () => {
  for (const close of closers.splice(0).toReversed()) await close();
  await rm(folder, { recursive: true });
});

function open(url: string): AuditSink {
  const sink = createStreamSink(url, new SystemClock());
  closers.push(() => sink.close());
  return sink;
}

async function* linesOf(texts: readonly string[]) {
  for (const [index, text] of texts.entries()) yield { text, place: `line ${index + 1}` };
}

const verify = (texts: readonly string[]) => verifyLines(linesOf(texts), [KEY], {}, undefined);

describe('the URL of a stream', () => {
  it.each([
    'stdout:',
    'file:///var/log/a.jsonl',
    'syslog+udp://log',
    'syslog+tls://[::1]:6514',
    'syslog+unix:///dev/log',
  ])('may be %s', (url) => expect(isStream(url)).toBe(true));

  it.each([
    'stdout',
    'a.jsonl',
    'file://host/a',
    'file:///',
    'syslog://log',
    'syslog+udp://',
    'syslog+tcp://u:p@log',
    'syslog+tcp://log/x',
  ])('may not be %s', (url) => expect(isStream(url)).toBe(false));
});

describe('a file', () => {
  it('contains one line for each record, readable by its owner only', async () => {
    const path = join(folder, 'audit.jsonl');
    await open(`file://${path}`).write(RECORDS);
    const lines = (await readFile(path, 'utf8')).trimEnd().split('\n');
    expect(await verify(lines)).toMatchObject({ records: 4, faults: [], ignored: 0 });
    expect((await stat(path)).mode & 0o777).toBe(0o600);
  });

  it('is created again when it was rotated away, and no record is missing or twice', async () => {
    const [path, rotated] = [join(folder, 'audit.jsonl'), join(folder, 'audit.jsonl.1')];
    const sink = open(`file://${path}`);
    await sink.write(RECORDS.slice(0, 2));
    await rename(path, rotated);
    await sink.write(RECORDS.slice(2));
    const [older, newer] = await Promise.all([readFile(rotated, 'utf8'), readFile(path, 'utf8')]);
    expect(newer.trimEnd().split('\n')).toHaveLength(2);
    expect(await verify(`${older}${newer}`.trimEnd().split('\n'))).toMatchObject({
      records: 4,
      faults: [],
      repeated: 0,
    });
  });

  it('that cannot be opened is reported', async () => {
    await expect(open(`file://${folder}/nowhere/audit.jsonl`).write(RECORDS)).rejects.toThrow(/ENOENT/);
  });
});

it('the standard output contains one line for each record', async () => {
  const output = new PassThrough();
  await new StdoutSink('stdout:', output).write(RECORDS);
  expect(await verify(String(output.read()).trimEnd().split('\n'))).toMatchObject({ records: 4, faults: [] });
});

/** Splits a stream of syslog messages with octet counting. */
function splitFrames(bytes: Buffer): string[] {
  const messages: string[] = [];
  for (let rest = bytes; rest.length > 0;) {
    const space = rest.indexOf(' ');
    const end = space + 1 + Number(rest.subarray(0, space).toString());
    messages.push(rest.subarray(space + 1, end).toString());
    rest = rest.subarray(end);
  }
  return messages;
}

/** Receives bytes over connections. */
class Receiver {
  bytes = Buffer.alloc(0);
  readonly sockets = new Set<Socket>();
  readonly onConnection = (socket: Socket) => {
    this.sockets.add(socket);
    socket
      .on('error', () => undefined)
      .on('data', (chunk: Buffer) => {
        this.bytes = Buffer.concat([this.bytes, chunk]);
        socket.emit('received');
      });
  };

  async listen(server: Server, where: number | string = 0): Promise<AddressInfo> {
    closers.push(async () => {
      for (const socket of this.sockets) socket.destroy();
      const closed = once(server, 'close');
      server.close();
      await closed;
    });
    const listening = once(server, 'listening');
    if (typeof where === 'number') server.listen(where, '127.0.0.1');
    else server.listen(where);
    await listening;
    return server.address() as AddressInfo;
  }

  async until(count: number): Promise<string[]> {
    for (;;) {
      const messages = splitFrames(this.bytes);
      if (messages.length >= count) return messages;
      const [socket] = this.sockets;
      await (socket ? once(socket, 'received') : new Promise((resolve) => setImmediate(resolve)));
    }
  }
}

describe('a syslog server', () => {
  it('receives messages in the form of RFC 5424 over TCP', async () => {
    const receiver = new Receiver();
    const { port } = await receiver.listen(createServer(receiver.onConnection));
    await open(`syslog+tcp://127.0.0.1:${port}`).write(RECORDS);
    const messages = await receiver.until(4);
    expect(messages[0]).toMatch(/^<109>1 1970-01-01T00:00:00\.000Z \S+ isthmus \d+ audit - \{"id":/);
    expect(messages[3]).toMatch(/^<108>1 /);
    expect(await verify(messages)).toMatchObject({ records: 4, faults: [] });
  });

  it('receives messages over a Unix socket', async () => {
    const receiver = new Receiver();
    await receiver.listen(createServer(receiver.onConnection), join(folder, 'log'));
    await open(`syslog+unix://${folder}/log`).write(RECORDS);
    expect(await verify(await receiver.until(4))).toMatchObject({ records: 4, faults: [] });
  });

  it('receives messages over UDP, one a datagram', async () => {
    const socket = createSocket('udp4').bind(0, '127.0.0.1');
    closers.push(() => socket.close());
    await once(socket, 'listening');
    const messages: string[] = [];
    socket.on('message', (message) => messages.push(message.toString()));
    await open(`syslog+udp://127.0.0.1:${socket.address().port}`).write(RECORDS);
    while (messages.length < 4) await once(socket, 'message');
    expect(await verify(messages)).toMatchObject({ records: 4, faults: [] });
  });

  it('receives messages over TLS only if its certificate is trusted', async () => {
    const certificates = await createCertificates();
    closers.push(() => certificates.remove());
    const { 'tls-cert-file': certFile = '', 'tls-key-file': keyFile = '' } = certificates.settingsFor(0);
    const receiver = new Receiver();
    const [cert, key] = await Promise.all([readFile(String(certFile)), readFile(String(keyFile))]);
    const { port } = await receiver.listen(tls.createServer({ cert, key }, receiver.onConnection));
    const sink = open(`syslog+tls://127.0.0.1:${port}`);
    await expect(sink.write(RECORDS)).rejects.toThrow(/certificate/);
    const trusted = tls.getCACertificates('default');
    closers.push(() => tls.setDefaultCACertificates(trusted));
    tls.setDefaultCACertificates([...trusted, certificates.ca]);
    await sink.write(RECORDS);
    expect(await verify(await receiver.until(4))).toMatchObject({ records: 4, faults: [] });
  });

  it('that closes the connection is connected to again', async () => {
    const receiver = new Receiver();
    const { port } = await receiver.listen(createServer(receiver.onConnection));
    const sink = open(`syslog+tcp://127.0.0.1:${port}`);
    await sink.write(RECORDS.slice(0, 1));
    await receiver.until(1);
    for (const socket of receiver.sockets) socket.destroy();
    receiver.bytes = Buffer.alloc(0);
    // The sender notices the end of the connection when it next reads or writes.
    await until(async () => {
      await sink.write(RECORDS.slice(1)).catch(() => undefined);
      return receiver.bytes.length > 0;
    });
    expect(splitFrames(receiver.bytes)[0]).toContain(RECORDS[1]?.id);
  });
});

/** A sink that a spec turns off. */
class SwitchedSink extends AuditSink {
  readonly name = 'switched';
  readonly received: ChainedRecord[] = [];
  isUp = true;
  attempts = 0;

  async write(records: readonly ChainedRecord[]): Promise<void> {
    this.attempts += 1;
    if (!this.isUp) throw new Error('It is off.');
    this.received.push(...records);
  }
}

describe('the queue of a sink', () => {
  const clock = new ManualClock();
  const changes: boolean[] = [];
  const losses: LostRecords[] = [];

  function queueOf(sink: AuditSink, max: number): SinkQueue {
    changes.length = losses.length = 0;
    const queue: SinkQueue = new SinkQueue(
      sink,
      max,
      { onStateChange: () => changes.push(queue.status().isUp), onLost: (event) => losses.push(event) },
      clock,
    );
    return queue;
  }

  it('keeps records while the sink is down, reports that, and writes them once it is up', async () => {
    const sink = new SwitchedSink();
    const queue = queueOf(sink, 1_000);
    sink.isUp = false;
    queue.add(RECORDS);
    await queue.flush();
    expect(queue.status()).toMatchObject({
      sink: 'switched',
      isUp: false,
      since: new Date(clock.now()),
      buffered: 4,
      lost: 0,
    });
    sink.isUp = true;
    await clock.advance(1_000);
    expect(sink.received).toEqual(RECORDS);
    expect(queue.status()).toMatchObject({ isUp: true, buffered: 0, lost: 0 });
    expect([changes, losses]).toEqual([[false, true], []]);
  });

  it('discards the oldest records beyond its maximum, counts them, and says which once the sink is up', async () => {
    const sink = new SwitchedSink();
    const queue = queueOf(sink, 5);
    sink.isUp = false;
    const records = chainOf([changeOf(), ...Array.from({ length: 8 }, () => callOf()), changeOf()]);
    for (const record of records) {
      queue.add([record]);
      await queue.flush();
    }
    expect(queue.status()).toMatchObject({ buffered: 5, lost: 5 });
    sink.isUp = true;
    await clock.advance(1_000);
    expect(sink.received.map(({ chain }) => chain.sequence)).toEqual([6, 7, 8, 9, 10]);
    const numbers = { changes: [[1, 1]], calls: [[1, 4]] };
    expect(losses).toEqual([{ event: 'lost', sink: 'switched', sequences: [[1, 5]], numbers }]);
  });

  it('attempts to write new records only after the delay while the sink is down', async () => {
    const sink = new SwitchedSink();
    const queue = queueOf(sink, 1_000);
    sink.isUp = false;
    for (const record of RECORDS) {
      queue.add([record]);
      await clock.advance(0);
    }
    expect(sink.attempts).toBe(1);
    await clock.advance(1_000);
    expect(sink.attempts).toBe(2);
    sink.isUp = true;
    await queue.flush();
    expect(sink.received).toEqual(RECORDS);
  });

  it('resolves a flush when its records are written, whatever was added later', async () => {
    const steps: (() => void)[] = [];
    class SteppedSink extends AuditSink {
      readonly name = 'stepped';
      async write(): Promise<void> {
        await new Promise<void>((resolve) => steps.push(resolve));
      }
    }
    const queue = queueOf(new SteppedSink(), 1_000);
    queue.add(RECORDS.slice(0, 1));
    const flushed = queue.flush();
    queue.add(RECORDS.slice(1));
    steps[0]?.();
    await flushed;
    expect(queue.status().buffered).toBe(3);
    await until(() => steps.length === 2);
    steps[1]?.();
    await queue.flush();
    expect(queue.status().buffered).toBe(0);
  });

  it('says again what it had lost before, when the record about that is lost too', async () => {
    const sink = new SwitchedSink();
    const queue = queueOf(sink, 2);
    const lost = { event: 'lost', sink: 'switched', sequences: [[2, 3]], numbers: { calls: [[1, 2]] } } as const;
    const [start, , , ...later] = chainOf([
      changeOf(),
      callOf(),
      callOf(),
      toChainRecordEvent(lost),
      toChainRecordEvent({ ...lost, sink: 'other' }),
      changeOf(),
      changeOf(),
    ]);
    queue.add([start!]);
    await queue.flush();
    sink.isUp = false;
    for (const record of later) {
      queue.add([record]);
      await queue.flush();
    }
    sink.isUp = true;
    await queue.flush();
    const numbers = { calls: [[1, 2]], chain: [[1, 2]] };
    expect(losses).toEqual([{ event: 'lost', sink: 'switched', sequences: [[2, 5]], numbers }]);
  });

  it('reports why the sink is down, until it is up', async () => {
    const sink = new SwitchedSink();
    const queue = queueOf(sink, 10);
    sink.isUp = false;
    queue.add(RECORDS);
    await queue.flush();
    expect(queue.status()).toMatchObject({ isUp: false, reason: 'It is off.' });
    sink.isUp = true;
    await queue.flush();
    expect(queue.status()).not.toHaveProperty('reason');
  });
});

it('the reason of a failure is one short line without credentials', () => {
  const cause = new Error(`Failed\nat postgres://me:CANARY@db/x?password=CANARY ${'x'.repeat(500)}`);
  expect(describeCause(cause)).toMatch(/^Failed at postgres:\/\/\[hidden\] x+$/);
  expect(describeCause(cause).length).toBeLessThanOrEqual(200);
  expect(describeCause(new AggregateError([], ''))).toBe('AggregateError');
});

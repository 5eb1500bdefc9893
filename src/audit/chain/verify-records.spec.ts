import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { AuditEvent, ChainedRecord } from '../audit-record.js';
import { toChainRecordEvent } from './audit-chain.js';
import { AuditKey } from './audit-key.js';
import { callOf, chainOf, changeOf, KEY } from './chain-fixture.js';
import { verifyLines, type TimeRange } from './verify-records.js';

const START = toChainRecordEvent({ event: 'started', worker: 'worker-1', host: 'host', process: 1 });
const END = toChainRecordEvent({ event: 'ended' });

async function* linesOf(lines: readonly string[]) {
  for (const [index, text] of lines.entries()) yield { text, place: `line ${index + 1}` };
}

const verify = (
  lines: readonly string[],
  { keys = [KEY], range = {} }: { keys?: AuditKey[]; range?: TimeRange } = {},
) => verifyLines(linesOf(lines), keys, range, 'file');

const toLines = (records: readonly ChainedRecord[]) => records.map((record) => JSON.stringify(record));

const refusal = changeOf({ outcome: 'refused', status: 403, reason: 'No.' });
const events = fc.array(fc.constantFrom<AuditEvent>(changeOf(), callOf(), refusal, callOf({ item: 'lookup' })), {
  minLength: 4,
  maxLength: 30,
});
/** A complete chain, and an index of one of its records, but not the last one. */
const cases = events.chain((between) => {
  const records = chainOf([START, ...between, END]);
  return fc.record({ records: fc.constant(records), index: fc.nat({ max: records.length - 2 }) });
});

describe('verification of a chain', () => {
  it('finds nothing in a complete chain, whatever it contains', async () => {
    const strange = changeOf({ subject: 'a\u0000b\ud800', reason: '{"chain":1}\n', roles: ['\u0000'] });
    const lines = toLines(chainOf([START, strange, callOf({ arguments: { '10': 1.5, '9': [null, -0] } }), END]));
    expect(await verify(lines)).toEqual({
      records: 4,
      chains: 1,
      faults: [],
      open: [],
      begunEarlier: [],
      repeated: 0,
      ignored: 0,
    });
  });

  it('names an altered record, whatever is altered', async () => {
    const alter = (record: ChainedRecord, how: number): unknown =>
      [
        { ...record, subject: 'eve' },
        { ...record, at: new Date(5) },
        { ...record, at: 'never' },
        { ...record, reason: 'added' },
        { ...record, id: 'other' },
        { ...record, call: { ...record.call, item: 'other' } },
        { ...record, chain: { ...record.chain, number: 99 } },
        { ...record, chain: { ...record.chain, hash: record.chain.previous } },
      ][how];
    await fc.assert(
      fc.asyncProperty(cases, fc.nat({ max: 7 }), async ({ records, index }, how) => {
        const lines = toLines(records);
        lines[index] = JSON.stringify(alter(records[index]!, how));
        const { faults } = await verify(lines);
        expect(faults).toMatchObject([{ sequence: index + 1, place: `line ${index + 1}` }]);
        expect(faults[0]?.problem).toMatch(index === 0 ? /^unknown-key$/ : /^altered$/);
      }),
    );
  });

  it('names a missing record', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ records, index }) => {
        fc.pre(index > 0);
        const { faults } = await verify(toLines(records.toSpliced(index, 1)));
        expect(faults).toMatchObject([{ sequence: index + 1, problem: 'missing' }]);
      }),
    );
  });

  it('names a record that stands before an earlier one', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ records, index }) => {
        fc.pre(index > 0);
        const swapped = records.with(index, records[index + 1]!).with(index + 1, records[index]!);
        const { faults } = await verify(toLines(swapped));
        expect(faults).toMatchObject([{ sequence: index + 1, problem: 'reordered' }]);
      }),
    );
  });

  it('names an inserted record, and counts an inserted copy', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ records, index }) => {
        const forged = { ...records[index]!, subject: 'eve' };
        const { faults } = await verify(toLines(records.toSpliced(index + 1, 0, forged)));
        expect(faults).toMatchObject([{ sequence: index + 1, problem: 'altered', place: `line ${index + 2}` }]);
        expect(await verify(toLines([...records, records[index]!]))).toMatchObject({ faults: [], repeated: 1 });
      }),
    );
  });

  it('says that a key is unknown, and accepts a previous key', async () => {
    const lines = toLines(chainOf([START, changeOf(), END]));
    const other = new AuditKey(Buffer.alloc(32, 9));
    expect((await verify(lines, { keys: [other] })).faults).toMatchObject([{ sequence: 1, problem: 'unknown-key' }]);
    expect((await verify(lines, { keys: [other, KEY] })).faults).toEqual([]);
  });

  it('accepts a chain without an end: its worker runs, or ended abruptly', async () => {
    const lines = toLines(chainOf([START, changeOf()]));
    expect(await verify(lines)).toMatchObject({ faults: [], open: [{ worker: 'worker-1', state: 'unknown' }] });
  });

  it('checks interleaved chains, prefixes of syslog, and lines of other programs', async () => {
    const one = toLines(chainOf([START, changeOf(), END]));
    const other = toLines(chainOf([START, callOf(), callOf(), END], 'worker-2'));
    const prefixed = other.map((line) => `<109>1 2026-01-01T00:00:00.000Z host isthmus 1 audit - ${line}`);
    const mixed = [
      one[0]!,
      prefixed[0]!,
      '[Nest] a line of the log',
      prefixed[1]!,
      '{"level":"log"}',
      one[1]!,
      one[2]!,
    ];
    expect(await verify([...mixed, prefixed[2]!, prefixed[3]!])).toMatchObject({ faults: [], chains: 2, ignored: 2 });
    expect((await verify([...mixed, prefixed[3]!])).faults).toMatchObject([{ worker: 'worker-2', sequence: 3 }]);
  });

  it('accepts the second file of a rotation, and says that the chain began earlier', async () => {
    const lines = toLines(chainOf([START, changeOf(), callOf(), changeOf(), END]));
    expect(await verify(lines.slice(2))).toMatchObject({ faults: [], begunEarlier: ['worker-1'] });
    expect((await verify(lines.toSpliced(3, 1).slice(1))).faults).toMatchObject([{ sequence: 4, problem: 'missing' }]);
  });

  it('does not miss records that the sink has lost, and those only', async () => {
    const lost = (sink: string) =>
      toChainRecordEvent({
        event: 'lost',
        sink,
        sequences: [[3, 4]],
        numbers: { changes: [[2, 2]], calls: [[1, 1]] },
      });
    const chain = (sink: string) =>
      toLines(chainOf([START, changeOf(), changeOf(), callOf(), callOf(), lost(sink), END]));
    expect((await verify(chain('file').toSpliced(2, 2))).faults).toEqual([]);
    expect((await verify(chain('file').toSpliced(1, 3))).faults).toMatchObject([{ sequence: 2, problem: 'missing' }]);
    expect((await verify(chain('other').toSpliced(2, 2))).faults).toMatchObject([{ sequence: 3, problem: 'missing' }]);
  });

  it('does not miss lost records in a time whose loss was recorded after it, if that record is genuine', async () => {
    const loss = { event: 'lost', sink: 'file', sequences: [[3, 4]], numbers: { calls: [[1, 2]] } } as const;
    const lost = toChainRecordEvent(loss);
    const records = chainOf([START, changeOf(), callOf(), callOf(), changeOf(), callOf(), lost, END]);
    const lines = toLines(records.toSpliced(2, 2));
    const range = { since: new Date(1_000), until: new Date(6_000) };
    expect(await verify(lines, { range })).toMatchObject({ records: 3, faults: [] });
    const forged = JSON.stringify({ ...records[6], chainEvent: { ...loss, sequences: [[3, 5]], numbers: {} } });
    expect((await verify(lines.with(4, forged), { range })).faults).toMatchObject([{ problem: 'missing' }]);
  });

  it('checks only the records of a time, without missing those before and after it', async () => {
    const records = chainOf([START, changeOf(), callOf(), changeOf(), callOf(), END]);
    const range = { since: new Date(2_000), until: new Date(5_000) };
    expect(await verify(toLines(records), { range })).toMatchObject({ records: 3, faults: [], open: [] });
    const broken = toLines(records.toSpliced(3, 1));
    expect((await verify(broken, { range })).faults).toMatchObject([{ sequence: 4, problem: 'missing' }]);
    expect((await verify(broken, { range: { since: new Date(4_000) } })).faults).toEqual([]);
  });
});

describe('a digest of arguments', () => {
  it('depends on the values, not on the order of members, and needs the key', () => {
    const digest = KEY.digestArguments({ to: 'bob', amount: 5 });
    expect(KEY.digestArguments({ amount: 5, to: 'bob' })).toBe(digest);
    expect(KEY.digestArguments({ amount: 6, to: 'bob' })).not.toBe(digest);
    expect(new AuditKey(Buffer.alloc(32, 9)).digestArguments({ amount: 5, to: 'bob' })).not.toBe(digest);
  });
});

import { isJsonObject, type JsonValue } from '#lib/mcp-protocol';
import { DATABASE_SINK, type AuditClass, type AuditRecord, type ChainedRecord } from '../audit-record.js';
import type { AuditTable, ChainDeletion } from '../audit-table.js';
import type { AuditKey } from './audit-key.js';
import { ChainCheck, isChained, type ChainContext, type ChainFault } from './chain-check.js';

const BATCH_SIZE = 500;
/** A worker reports once a minute. */
const RUNNING_WITHIN_MS = 3 * 60_000;

/** A chain without a record of its end. */
export interface OpenChain {
  readonly worker: string;
  /** `unknown`: the source does not say whether the worker still runs. */
  readonly state: 'running' | 'ended abruptly' | 'unknown';
}

export interface VerificationReport {
  readonly records: number;
  readonly chains: number;
  /** The first fault of each broken chain. Empty: no record was altered, and none is missing. */
  readonly faults: readonly ChainFault[];
  readonly open: readonly OpenChain[];
  /** Chains of which the source contains no beginning. */
  readonly begunEarlier: readonly string[];
  /** Copies of records, as a sink receives them after a lost connection. */
  readonly repeated: number;
  /** Records of versions without chains, or lines that are no audit records. */
  readonly ignored: number;
}

/** Times between which records are checked. Outside of them chains are not checked. */
export interface TimeRange {
  readonly since?: Date;
  /** Exclusive. */
  readonly until?: Date;
}

/** Checks the chains in a database. Reads batches, so that memory does not grow with the records. */
export async function verifyDatabase(
  table: AuditTable,
  keys: readonly AuditKey[],
  range: TimeRange,
  now: number,
): Promise<VerificationReport> {
  // Workers write meanwhile: a chain has at least the records up to the head that was read first, and at most those up to the last.
  const heads = new Map((await table.readHeads()).map((head) => [head.worker, head]));
  const verification = new Verification(keys, DATABASE_SINK, range);
  for (const worker of heads.keys()) verification.checkOf(worker);
  let after: ChainedRecord['chain'] | undefined;
  for (;;) {
    const records = (await table.readChains(BATCH_SIZE, after)).filter(isChained);
    for (const record of records) verification.add(record, `id ${record.id}`);
    after = records.at(-1)?.chain;
    if (records.length < BATCH_SIZE) break;
  }
  const laterHeads = new Map((await table.readHeads()).map((head) => [head.worker, head]));
  const deletions = toDeletions(await table.readDeletions(), keys, verification);
  return verification.finish({
    ignored: await table.countUnchained(),
    headOf: (worker) => ({ ...(heads.get(worker) ?? NO_HEAD), latest: laterHeads.get(worker)?.sequence ?? 0 }),
    deletionsOf: (worker) => deletions.get(worker),
    stateOf: (worker) => (now - (heads.get(worker)?.seenAt ?? 0) < RUNNING_WITHIN_MS ? 'running' : 'ended abruptly'),
  });
}

/** A worker writes its records and the head of its chain together: records without a head are not those that it wrote. */
const NO_HEAD = { sequence: 0, hash: '' };

/** Checks the chains in lines of a stream, which may also contain lines of other programs and prefixes of a syslog server. */
export async function verifyLines(
  lines: AsyncIterable<{ readonly text: string; readonly place: string }>,
  keys: readonly AuditKey[],
  range: TimeRange,
  sink: string | undefined,
): Promise<VerificationReport> {
  const verification = new Verification(keys, sink, range);
  let ignored = 0;
  for await (const { text, place } of lines) {
    const record = readRecord(text);
    if (record) verification.add(record, place);
    else if (text.trim() !== '') ignored += 1;
  }
  return verification.finish({ ignored, stateOf: () => 'unknown' });
}

interface Ending {
  readonly ignored: number;
  readonly headOf?: (worker: string) => NonNullable<ChainContext['head']>;
  readonly deletionsOf?: (worker: string) => ReadonlyMap<AuditClass, number> | undefined;
  readonly stateOf: (worker: string) => OpenChain['state'];
}

class Verification {
  readonly faults: ChainFault[] = [];
  private readonly checks = new Map<string, ChainCheck>();

  constructor(
    private readonly keys: readonly AuditKey[],
    private readonly sink: string | undefined,
    private readonly range: TimeRange,
  ) {}

  private get isPartial(): boolean {
    return this.range.since !== undefined || this.range.until !== undefined;
  }

  checkOf(worker: string): ChainCheck {
    const check = this.checks.get(worker) ?? new ChainCheck(worker, this.keys, this.sink);
    this.checks.set(worker, check);
    return check;
  }

  add(record: ChainedRecord, place: string): void {
    const { since, until } = this.range;
    const check = this.checkOf(record.chain.worker);
    if ((since && record.at < since) || (until && record.at >= until)) check.addOutside(record);
    else check.add(record, place);
  }

  finish({ ignored, headOf, deletionsOf, stateOf }: Ending): VerificationReport {
    const checks = [...this.checks];
    for (const [worker, check] of checks) {
      const fault = check.finish({
        head: headOf?.(worker),
        deletions: deletionsOf?.(worker) ?? new Map(),
        isPartial: this.isPartial,
      });
      if (fault) this.faults.push(fault);
    }
    const present = checks.filter(([, { count }]) => count > 0);
    const open = this.isPartial ? [] : present.filter(([, { hasEnded }]) => !hasEnded);
    return {
      records: sum(present, ({ count }) => count),
      chains: present.length,
      faults: this.faults,
      open: open.map(([worker]) => ({ worker, state: stateOf(worker) })),
      begunEarlier: headOf ? [] : present.filter(([, each]) => each.firstSequence > 1).map(([worker]) => worker),
      repeated: sum(present, ({ repeated }) => repeated),
      ignored,
    };
  }
}

const sum = (checks: readonly [string, ChainCheck][], read: (check: ChainCheck) => number): number =>
  checks.reduce((total, [, check]) => total + read(check), 0);

function toDeletions(
  all: readonly ChainDeletion[],
  keys: readonly AuditKey[],
  { faults }: Verification,
): Map<string, Map<AuditClass, number>> {
  const deletions = new Map<string, Map<AuditClass, number>>();
  for (const { worker, class: recordClass, number, hash } of all) {
    if (!keys.some((key) => key.hashDeletion(worker, recordClass, number) === hash)) {
      const message = `The note that ${recordClass} up to number ${number} of worker ${worker} were deleted was altered.`;
      faults.push({ worker, sequence: 0, problem: 'altered', place: '', message });
      continue;
    }
    const ofWorker = deletions.get(worker) ?? new Map<AuditClass, number>();
    deletions.set(worker, ofWorker.set(recordClass, number));
  }
  return deletions;
}

/** Undefined for a line that is no chained record. A record that cannot be read is missing in its chain. */
function readRecord(text: string): ChainedRecord | undefined {
  try {
    const value = JSON.parse(text.slice(text.indexOf('{'))) as JsonValue;
    const chain = isJsonObject(value) ? value['chain'] : undefined;
    if (!isJsonObject(value) || !isJsonObject(chain) || typeof chain['sequence'] !== 'number') return undefined;
    if (typeof chain['worker'] !== 'string' || typeof chain['number'] !== 'number') return undefined;
    const { at } = value;
    const record: unknown = { ...value, at: new Date(typeof at === 'string' ? at : Number.NaN) };
    return record as AuditRecord & ChainedRecord;
  } catch {
    return undefined;
  }
}

import type { AuditClass, AuditEvent, AuditRecord, ChainedRecord } from '../audit-record.js';
import { classOf } from '../audit-record.js';
import type { AuditKey } from './audit-key.js';

/** A record before it has its place in the chain. */
export type UnchainedRecord = Omit<AuditRecord, 'chain'>;

/** The chain of one run of a worker: each record contains the hash of the previous one and of itself. */
export class AuditChain {
  private sequence = 0;
  private previous = '';
  private readonly numbers = new Map<AuditClass, number>();

  constructor(
    private readonly worker: string,
    private readonly key: AuditKey,
  ) {}

  get hasBegun(): boolean {
    return this.sequence > 0;
  }

  /** A record of which no hash can be computed leaves the chain as it is. */
  append(unchained: UnchainedRecord): ChainedRecord {
    const record = toStorable(unchained);
    const recordClass = classOf(record);
    const number = (this.numbers.get(recordClass) ?? 0) + 1;
    const sequence = this.sequence + 1;
    const chain = { worker: this.worker, sequence, number, previous: this.previous };
    const hash = this.key.hashRecord({ ...record, chain });
    this.numbers.set(recordClass, number);
    this.sequence = sequence;
    this.previous = hash;
    return { ...record, chain: { ...chain, hash } };
  }
}

/** A record about the chain itself has no caller and no request. */
export const toChainRecordEvent = (chainEvent: NonNullable<AuditEvent['chainEvent']>): AuditEvent => ({
  issuer: '',
  subject: '',
  roles: [],
  method: '',
  path: '',
  outcome: 'done',
  status: 0,
  chainEvent,
});

/** Escapes in JSON of what a database cannot store: NUL characters and lone surrogates. */
const UNSTORABLE = /\\u(?:0000|d[89a-f])/;

/** Returns the record as JSON represents it, without what a database cannot store, so that a record read back has the same hash. */
function toStorable({ at, ...record }: UnchainedRecord): UnchainedRecord {
  const text = JSON.stringify(record);
  const storable = UNSTORABLE.test(text) ? JSON.stringify(record, replaceUnstorable) : text;
  return { ...(JSON.parse(storable) as Omit<UnchainedRecord, 'at'>), at };
}

const replaceUnstorable = (_name: string, value: unknown): unknown =>
  typeof value === 'string' ? value.replaceAll('\u0000', '\uFFFD').toWellFormed() : value;

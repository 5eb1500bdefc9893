import { AUDIT_CLASSES, classOf, type AuditClass, type AuditRecord, type ChainedRecord } from '../audit-record.js';
import type { AuditKey } from './audit-key.js';
import { NumberRanges } from './number-ranges.js';

/** The first broken record of a chain. */
export interface ChainFault {
  readonly worker: string;
  readonly sequence: number;
  readonly problem: 'altered' | 'missing' | 'reordered' | 'unlinked' | 'unknown-key';
  /** Where the record stands, such as its line. */
  readonly place: string;
  readonly message: string;
}

/** What is known about a chain beside its records. */
export interface ChainContext {
  /** True if the records are a part of the chain: what precedes and follows them is not checked. */
  readonly isPartial: boolean;
  /** The last record that the worker wrote, and the number of the latest that it can have written since. Undefined: unknown. */
  readonly head?: { readonly sequence: number; readonly hash: string; readonly latest: number } | undefined;
  /** Highest number that retention has deleted, by class. */
  readonly deletions?: ReadonlyMap<AuditClass, number>;
}

/** Checks the records of one chain, in the order of the source. */
export class ChainCheck {
  /** Records with a valid hash that were seen at least twice. */
  repeated = 0;
  count = 0;
  hasEnded = false;
  fault: ChainFault | undefined;
  private key: AuditKey | undefined;
  private first = 0;
  private last = 0;
  private lastHash = '';
  private holes = new NumberRanges();
  private readonly lost = new NumberRanges();
  private readonly classes = new Map<AuditClass, ClassNumbers>();

  constructor(
    private readonly worker: string,
    private readonly keys: readonly AuditKey[],
    /** The sink whose records are checked. Records that other sinks have lost are missing here all the same. */
    private readonly sink: string | undefined,
  ) {}

  get firstSequence(): number {
    return this.first;
  }

  add(record: ChainedRecord, place: string): void {
    this.count += 1;
    if (this.fault) return;
    if (!this.hasValidHash(record)) {
      const [problem, message] =
        this.key === undefined && this.count === 1
          ? (['unknown-key', 'was altered, or its key is not in this data folder'] as const)
          : (['altered', 'was altered'] as const);
      this.report(record, problem, place, message);
      return;
    }
    if (this.count === 1) this.begin(record);
    else this.follow(record, place);
    this.noteEvent(record);
  }

  /** Adds a record outside of the checked part, which may name records in it that the sink has lost. */
  addOutside(record: ChainedRecord): void {
    if (record.chainEvent?.event === 'lost' && this.hasValidHash(record)) this.noteLoss(record);
  }

  /** Returns the first fault, and judges what is missing. */
  finish({ head, deletions, isPartial }: ChainContext): ChainFault | undefined {
    if (this.fault) return this.fault;
    if (head && !isPartial) this.checkHead(head);
    // A file may begin in the middle of a chain, after the file before it.
    if (head && !isPartial && this.first > 1) this.holes.add([1, this.first - 1]);
    this.fault ??= this.findMissing(deletions ?? new Map(), head !== undefined && !isPartial);
    return this.fault;
  }

  private hasValidHash(record: ChainedRecord): boolean {
    try {
      if (this.key) return this.key.matches(record);
      this.key = this.keys.find((key) => key.matches(record));
      return this.key !== undefined;
    } catch {
      // A time that is none, for example.
      return false;
    }
  }

  private begin({ chain }: ChainedRecord): void {
    this.first = chain.sequence;
    this.advance(chain);
  }

  private follow(record: ChainedRecord, place: string): void {
    const { chain } = record;
    if (chain.sequence <= this.last) {
      if (!this.holes.has(chain.sequence) && chain.sequence >= this.first) this.repeated += 1;
      else this.report(record, 'reordered', place, `stands after record ${this.last}`);
      return;
    }
    if (chain.sequence > this.last + 1) this.holes.add([this.last + 1, chain.sequence - 1]);
    else if (chain.previous !== this.lastHash)
      return this.report(record, 'unlinked', place, `does not follow record ${this.last}`);
    this.advance(chain);
  }

  private advance({ sequence, hash }: ChainedRecord['chain']): void {
    this.last = sequence;
    this.lastHash = hash;
  }

  private noteEvent(record: ChainedRecord): void {
    const recordClass = classOf(record);
    this.numbersOf(recordClass).present.add([record.chain.number, record.chain.number]);
    if (record.chainEvent?.event === 'ended') this.hasEnded = true;
    this.noteLoss(record);
  }

  private noteLoss({ chainEvent }: ChainedRecord): void {
    if (chainEvent?.event !== 'lost' || chainEvent.sink !== this.sink) return;
    for (const range of chainEvent.sequences) this.lost.add(range);
    for (const name of AUDIT_CLASSES)
      for (const range of chainEvent.numbers[name] ?? []) this.numbersOf(name).lost.add(range);
  }

  private numbersOf(name: AuditClass): ClassNumbers {
    const numbers = this.classes.get(name) ?? { present: new NumberRanges(), lost: new NumberRanges() };
    this.classes.set(name, numbers);
    return numbers;
  }

  private checkHead({ sequence, hash, latest }: NonNullable<ChainContext['head']>): void {
    if (sequence > this.last) this.holes.add([this.last + 1, sequence]);
    const isOther = this.last > latest || (sequence === this.last && hash !== this.lastHash);
    if (isOther) this.fault = this.toFault(this.last, 'unlinked', '', 'is not the last one that the worker wrote');
  }

  /**
   * A missing record is explained by its loss at this sink, or by retention, which deletes the oldest of each class. A record
   * that is missing at the end of its class shows only in the total.
   */
  private findMissing(deletions: ReadonlyMap<AuditClass, number>, isWhole: boolean): ChainFault | undefined {
    const holes = this.holes.without(this.lost);
    if (holes.isEmpty) return undefined;
    let deleted = 0;
    let isUnexplained = false;
    for (const name of AUDIT_CLASSES) {
      const { present, lost } = this.numbersOf(name);
      const limit = deletions.get(name) ?? 0;
      const newest = Math.max(limit, present.all.at(-1)?.[1] ?? 0);
      const from = isWhole ? 1 : (present.all[0]?.[0] ?? newest + 1);
      const missing = new NumberRanges([[from, newest]]).without(present).without(lost);
      const explained = missing.countUpTo(limit);
      deleted += explained;
      if (missing.size > explained) isUnexplained = true;
    }
    if (!isUnexplained && holes.size <= deleted) return undefined;
    // Retention deletes the oldest records, so the newest hole is the one that it does not explain.
    const [first, last] = (deleted > 0 ? holes.all.at(-1) : holes.all[0]) ?? [0, 0];
    const range = first === last ? 'is missing' : `to ${last} are missing`;
    return this.toFault(first, 'missing', '', range);
  }

  private report({ chain }: ChainedRecord, problem: ChainFault['problem'], place: string, message: string): void {
    this.fault = this.toFault(chain.sequence, problem, place, message);
  }

  private toFault(sequence: number, problem: ChainFault['problem'], place: string, message: string): ChainFault {
    const where = place === '' ? '' : ` (${place})`;
    const { worker } = this;
    return { worker, sequence, problem, place, message: `Record ${sequence} of worker ${worker}${where} ${message}.` };
  }
}

interface ClassNumbers {
  readonly present: NumberRanges;
  readonly lost: NumberRanges;
}

export const isChained = (record: AuditRecord): record is ChainedRecord => record.chain !== undefined;

import { AUDIT_CLASSES, classOf, type AuditClass, type ChainedRecord, type LostRecords } from '../audit-record.js';
import { NumberRanges } from '../chain/number-ranges.js';

/** Collects which records a sink has lost, for a record about them. */
export class LostRanges {
  private readonly sequences = new NumberRanges();
  private readonly numbers = new Map<AuditClass, NumberRanges>();

  constructor(private readonly sink: string) {}

  add(record: ChainedRecord): void {
    const { sequence, number } = record.chain;
    this.sequences.add([sequence, sequence]);
    this.numbersOf(classOf(record)).add([number, number]);
    // What a lost record says about earlier losses of this sink must be said again.
    if (record.chainEvent?.event === 'lost' && record.chainEvent.sink === this.sink) this.addEarlier(record.chainEvent);
  }

  toEvent(): LostRecords {
    const numbers = Object.fromEntries(Array.from(this.numbers, ([name, ranges]) => [name, ranges.all]));
    return { event: 'lost', sink: this.sink, sequences: this.sequences.all, numbers };
  }

  private addEarlier({ sequences, numbers }: LostRecords): void {
    for (const range of sequences) this.sequences.add(range);
    for (const name of AUDIT_CLASSES) for (const range of numbers[name] ?? []) this.numbersOf(name).add(range);
  }

  private numbersOf(name: AuditClass): NumberRanges {
    const numbers = this.numbers.get(name) ?? new NumberRanges();
    this.numbers.set(name, numbers);
    return numbers;
  }
}

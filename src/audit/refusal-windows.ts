import type { Clock } from '#lib/time';
import type { AuditEvent } from './audit-record.js';

const WINDOW_MS = 60_000;
/** Maximum number of different refusals per minute, and of those from one address. Further ones are counted together. */
const MAX_KEYS = 500;
const MAX_KEYS_PER_ADDRESS = 20;

interface Refusal {
  readonly event: AuditEvent;
  /** Like refusals since the last record of them. */
  further: number;
}

/**
 * Turns refusals into a bounded number of records. The first refusal of its kind is a record at once; like ones within the same
 * minute are counted, and become one record at the end of the minute.
 */
export class RefusalWindows {
  private readonly refusals = new Map<string, Refusal>();
  private readonly keysByAddress = new Map<string, number>();
  private cancelEnd: (() => void) | undefined;

  constructor(
    private readonly write: (event: AuditEvent) => void,
    private readonly clock: Clock,
  ) {}

  add(event: AuditEvent): void {
    const key = this.toKey(event);
    const known = this.refusals.get(key);
    if (known) {
      known.further += 1;
      return;
    }
    const address = event.address ?? '';
    this.keysByAddress.set(address, (this.keysByAddress.get(address) ?? 0) + 1);
    const described = key === toSharedKey(event) ? toSharedEvent(event) : event;
    this.refusals.set(key, { event: described, further: 0 });
    this.write(described);
    this.cancelEnd ??= this.clock.after(WINDOW_MS, () => this.end());
  }

  /** Writes the records of the refusals that were only counted so far. */
  flush(): void {
    for (const refusal of this.refusals.values()) {
      if (refusal.further > 0) this.write({ ...refusal.event, count: refusal.further });
      refusal.further = 0;
    }
  }

  /** Ends the window, also at shutdown. */
  end(): void {
    this.cancelEnd?.();
    this.cancelEnd = undefined;
    this.flush();
    this.refusals.clear();
    this.keysByAddress.clear();
  }

  /** An address that varies its requests cannot use up the keys of the others. */
  private toKey(event: AuditEvent): string {
    const { status, issuer, subject, token = '', address = '', method, path, reason = '' } = event;
    const caller = [issuer, subject, token, address].join(' ');
    // What an unauthenticated client sends determines the reason, but not who it is.
    const key = [status, caller, method, path, subject === '' ? '' : reason].join('\n');
    if (this.refusals.has(key)) return key;
    if ((this.keysByAddress.get(address) ?? 0) >= MAX_KEYS_PER_ADDRESS) return `${status} of ${address}`;
    return this.refusals.size >= MAX_KEYS ? toSharedKey(event) : key;
  }
}

/** Stands for the refusals of all clients that came after `MAX_KEYS` others. */
const toSharedKey = ({ status }: AuditEvent): string => `${status}`;

function toSharedEvent({ address: _address, token: _token, ...event }: AuditEvent): AuditEvent {
  return { ...event, path: '', reason: 'Further requests, also of other clients.' };
}

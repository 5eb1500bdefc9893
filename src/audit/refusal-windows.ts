import type { Clock } from '#lib/time';
import { toNetwork } from '../client-address/index.js';
import type { AuditEvent } from './audit-record.js';

const WINDOW_MS = 60_000;
const TOO_MANY = 429;
/** Maximum number of different refusals per minute, and of those from one address. Further ones are counted together. */
const MAX_KEYS = 500;
const MAX_KEYS_PER_ADDRESS = 20;

/** In place of the caller, in a record that stands for refusals of several callers with tokens. */
const SEVERAL_CALLERS = { issuer: '', subject: 'several callers', roles: [] } as const;

interface Refusal {
  /** What all refusals that are counted here have in common. */
  event: AuditEvent;
  /** True if different refusals are counted here. */
  readonly isShared: boolean;
  /** Like refusals since the last record of them. */
  further: number;
}

/**
 * Turns refusals into a bounded number of records. The first refusal of its kind is a record at once; like ones within the same
 * minute are counted, and become one record at the end of the minute.
 */
export class RefusalWindows {
  private readonly refusals = new Map<string, Refusal>();
  /** By the address, or by its network. */
  private readonly keysByAddress = new Map<string, number>();
  private cancelEnd: (() => void) | undefined;

  constructor(
    private readonly write: (event: AuditEvent, describe?: () => AuditEvent) => void,
    private readonly clock: Clock,
  ) {}

  /** @param describe makes the whole record later, if this refusal becomes one of its own */
  add(event: AuditEvent, describe?: () => AuditEvent): void {
    const ownKey = toOwnKey(event);
    const network = toNetwork(event.address ?? '');
    const key = this.selectKey(ownKey, event, network);
    const known = this.refusals.get(key);
    if (known) {
      known.further += 1;
      if (known.isShared) known.event = toCommonEvent(known.event, event);
      return;
    }
    this.keysByAddress.set(network, (this.keysByAddress.get(network) ?? 0) + 1);
    this.refusals.set(key, { event, isShared: key !== ownKey, further: 0 });
    this.write(event, describe);
    this.cancelEnd ??= this.clock.after(WINDOW_MS, () => this.end());
  }

  /** Writes the records of the refusals that were only counted so far. */
  flush(): void {
    for (const refusal of this.refusals.values()) {
      if (refusal.further > 0) this.write({ ...toEventOfSeveral(refusal.event), count: refusal.further });
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
  private selectKey(ownKey: string, { status }: AuditEvent, network: string): string {
    if (this.refusals.has(ownKey)) return ownKey;
    if ((this.keysByAddress.get(network) ?? 0) >= MAX_KEYS_PER_ADDRESS) return `${status} of ${network}`;
    return this.refusals.size >= MAX_KEYS ? `${status}` : ownKey;
  }
}

function toOwnKey({
  status,
  issuer,
  subject,
  token = '',
  address = '',
  method,
  path,
  reason = '',
  call,
}: AuditEvent): string {
  const caller = [issuer, subject, token, address].join(' ');
  // What an unauthenticated client sends determines the reason, but not who it is. The reason of a reached limit names a time.
  const item = call ? [call.rpcMethod, call.server, call.item] : [];
  return [status, caller, method, path, subject === '' || status === TOO_MANY ? '' : reason, ...item].join('\n');
}

/** Returns an event without what describes one call only. */
function toEventOfSeveral({ call, ...event }: AuditEvent): AuditEvent {
  if (!call) return event;
  const { transport, endpoint, server, item, rpcMethod, execution, code } = call;
  const common = { transport, endpoint, server, item, rpcMethod, execution };
  return { ...event, call: { ...common, ...(code !== undefined && { code }) } };
}

/** Returns what both refusals have in common, so that the record of many names no caller and no address that only one had. */
function toCommonEvent(one: AuditEvent, other: AuditEvent): AuditEvent {
  const { token, address = '', call: _ofOne, ...rest } = one;
  const isSameCaller = one.issuer === other.issuer && one.subject === other.subject && token === other.token;
  const isSameAddress = address === other.address;
  const network = toNetwork(address);
  const commonAddress = isSameAddress || network === toNetwork(other.address ?? '') ? network : '';
  return {
    ...rest,
    ...(isSameCaller ? { ...(token !== undefined && { token }) } : SEVERAL_CALLERS),
    ...(commonAddress !== '' && { address: isSameAddress ? address : commonAddress }),
    method: one.method === other.method ? one.method : '',
    path: '',
    reason: 'Further requests.',
  };
}

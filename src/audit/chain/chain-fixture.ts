import { AuditChain } from './audit-chain.js';
import { AuditKey } from './audit-key.js';
import type { AuditEvent, ChainedRecord } from '../audit-record.js';

export const KEY = new AuditKey(Buffer.alloc(32, 7));

/** A change over the admin API. */
export const changeOf = (more: Partial<AuditEvent> = {}): AuditEvent => ({
  issuer: 'isthmus',
  subject: 'ada',
  roles: ['admin'],
  method: 'POST',
  path: '/admin/v1/servers',
  outcome: 'done',
  status: 201,
  address: '127.0.0.1',
  ...more,
});

/** A successful call of a tool. */
export const callOf = (more: Partial<NonNullable<AuditEvent['call']>> = {}): AuditEvent =>
  changeOf({
    path: '/mcp',
    status: 200,
    call: {
      requestId: 'id-1',
      transport: 'mcp',
      endpoint: 'default',
      server: 'bank',
      item: 'pay',
      rpcMethod: 'tools/call',
      execution: 'executed',
      totalMs: 12.35,
      argumentsDigest: 'digest',
      ...more,
    },
  });

/** A chain of these events, one a second. */
export function chainOf(events: readonly AuditEvent[], worker = 'worker-1'): ChainedRecord[] {
  const chain = new AuditChain(worker, KEY);
  return events.map((event, index) =>
    chain.append({ id: `${worker}-${String(index).padStart(6, '0')}`, at: new Date(index * 1_000), ...event }),
  );
}

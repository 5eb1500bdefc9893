import { readInstant, readJson, writeJson, type StoredInstant, type StoredJson } from '../database/index.js';
import type { JsonObject } from '#lib/mcp-protocol';
import {
  classOf,
  type AuditClass,
  type AuditedCall,
  type AuditOutcome,
  type AuditRecord,
  type ChainedRecord,
  type ChainEvent,
} from './audit-record.js';

type BigInteger = number | string;

export type AuditTables = {
  audit_records: {
    id: string;
    at: StoredInstant;
    issuer: string;
    subject: string;
    roles: StoredJson;
    method: string;
    path: string;
    made: string | null;
    outcome: AuditOutcome;
    status: number;
    reason: string | null;
    address: string | null;
    token: string | null;
    count: number | null;
    class: AuditClass;
    server: string | null;
    item: string | null;
    request_id: string | null;
    session: string | null;
    /** The members of the call that have no column. */
    call: StoredJson | null;
    chain_event: StoredJson | null;
    worker: string | null;
    sequence: BigInteger | null;
    number: BigInteger | null;
    previous_hash: string | null;
    hash: string | null;
  };
  audit_chains: { worker: string; sequence: BigInteger; hash: string; seen_at: StoredInstant };
  audit_deletions: { worker: string; class: AuditClass; number: BigInteger; hash: string };
};

/** A row as a query returns it. */
export type AuditRow = Omit<AuditTables['audit_records'], 'at' | 'roles' | 'call' | 'chain_event'> & {
  readonly at: Date | string;
  readonly roles: string;
  readonly call: string | null;
  readonly chain_event: string | null;
};

export function toRow({ roles, made, reason, address, token, count, call, chainEvent, chain, ...rest }: ChainedRecord) {
  return {
    ...rest,
    class: classOf({ ...rest, ...(call && { call }), ...(chainEvent && { chainEvent }) }),
    roles: writeJson([...roles]),
    made: made ?? null,
    reason: reason ?? null,
    address: address ?? null,
    token: token ?? null,
    count: count ?? null,
    ...toCallColumns(call),
    chain_event: chainEvent ? writeJson(chainEvent as unknown as JsonObject) : null,
    worker: chain.worker,
    sequence: chain.sequence,
    number: chain.number,
    previous_hash: chain.previous,
    hash: chain.hash,
  };
}

function toCallColumns(call: AuditedCall | undefined) {
  if (!call) return { server: null, item: null, request_id: null, session: null, call: null };
  const { server, item, requestId = null, session = null, ...rest } = call;
  return { server, item, request_id: requestId, session, call: writeJson(rest) };
}

export function toRecord(row: AuditRow): AuditRecord {
  const { id, at, issuer, subject, roles, token, method, path, made, outcome, status, reason, address, count } = row;
  const call = toCall(row);
  const chain = toLink(row);
  return {
    id,
    at: readInstant(at),
    issuer,
    subject,
    roles: readJson(roles) as string[],
    ...(token !== null && { token }),
    method,
    path,
    ...(made !== null && { made }),
    outcome,
    status,
    ...(reason !== null && { reason }),
    ...(address !== null && { address }),
    ...(count !== null && { count }),
    ...(call && { call }),
    ...(row.chain_event !== null && { chainEvent: readJson(row.chain_event) as unknown as ChainEvent }),
    ...(chain && { chain }),
  };
}

function toCall({ server, item, request_id: requestId, session, call }: AuditRow): AuditedCall | undefined {
  if (call === null) return undefined;
  const rest = readJson(call) as unknown as AuditedCall;
  return {
    ...rest,
    server: server ?? '',
    item: item ?? '',
    ...(requestId !== null && { requestId }),
    ...(session !== null && { session }),
  };
}

function toLink({ worker, sequence, number, previous_hash: previous, hash }: AuditRow): AuditRecord['chain'] {
  if (worker === null) return undefined;
  return {
    worker,
    sequence: Number(sequence),
    number: Number(number),
    previous: previous ?? '',
    hash: hash ?? '',
  };
}

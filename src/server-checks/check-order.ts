import { GatewayCode, isJsonObject, type Outcome } from '#lib/mcp-protocol';
import { isUnreachable } from '../upstream/index.js';

/** Message patterns of requests between workers about health checks. */
export const CheckPattern = { pingProcess: 'server-checks.ping-process' } as const;

export interface PingProcessOrder {
  /** Slug of the server. */
  readonly server: string;
}

/** How the child processes of one worker answered a ping. */
export type ProcessAnswer =
  | { readonly kind: 'none' }
  | { readonly kind: 'answered' }
  | { readonly kind: 'failed'; readonly code: number; readonly reason: string };

export function toProcessAnswer(outcome: Outcome | undefined): ProcessAnswer {
  if (outcome === undefined) return { kind: 'none' };
  if (!isUnreachable(outcome)) return { kind: 'answered' };
  const { code, message } = outcome.error;
  // The ping was aborted at its timeout, not by a client.
  const isLate = code === GatewayCode.outcomeUnknown;
  return { kind: 'failed', code, reason: isLate ? 'The process did not answer in time.' : message };
}

export const readProcessAnswer = (value: unknown): ProcessAnswer | undefined =>
  isJsonObject(value) && typeof value['kind'] === 'string' ? (value as unknown as ProcessAnswer) : undefined;

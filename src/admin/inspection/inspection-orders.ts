import { isJsonObject, type JsonObject, type JsonValue } from '#lib/mcp-protocol';
import type { SessionView } from '../../session-pool/index.js';
import type { HealthView, UpstreamView } from '../../connections/index.js';
import type { DecisionCount } from '../../guardrails/index.js';
import { isCallTotals, type CallTotals } from '../live/call-counts.js';
import type { ViewPage } from '../../workers/index.js';

/** Message patterns of requests between workers on behalf of administrators. */
export const InspectionPattern = {
  worker: 'inspection.worker',
  sessions: 'inspection.sessions',
  upstreams: 'inspection.upstreams',
  endSession: 'inspection.end-session',
  closeUpstream: 'inspection.close-upstream',
  drain: 'inspection.drain',
  health: 'inspection.health',
  allHealth: 'inspection.all-health',
  figures: 'inspection.figures',
  guardrailDecisions: 'inspection.guardrail-decisions',
} as const;

export interface WorkerView {
  readonly pid: number;
  readonly host: string;
  readonly version: string;
  /** Milliseconds since the Unix epoch. */
  readonly startedAt: number;
  readonly isLeaving: boolean;
  readonly sessions: number;
  readonly parkedCalls: number;
  /** Resident memory of the process in bytes. */
  readonly memoryBytes: number;
  /** What an operator should mend, such as a configuration file that is not in force. */
  readonly warnings: readonly string[];
}

/** What one worker contributes to the live figures. */
export interface WorkerFigures {
  readonly isLeaving: boolean;
  readonly sessions: number;
  readonly parkedCalls: number;
  /** Mean delay of the event loop in milliseconds. */
  readonly eventLoopDelayMs: number;
  /** Number of warnings. */
  readonly warnings: number;
  readonly calls: CallTotals;
}

export const readWorkerFigures = (value: unknown): WorkerFigures | undefined =>
  isJsonObject(value) && isCallTotals(value['calls']) ? (value as unknown as WorkerFigures) : undefined;

export interface HealthOrder {
  /** Slug of the server. */
  readonly server: string;
}

export const readHealthView = (value: unknown): HealthView | undefined =>
  isJsonObject(value) && typeof value['state'] === 'string' ? (value as unknown as HealthView) : undefined;

/** The health of all servers at one worker, by slug. Servers without calls are missing. */
export interface HealthViews {
  readonly servers: Readonly<Record<string, HealthView>>;
}

export const readHealthViews = (value: unknown): HealthViews | undefined =>
  isJsonObject(value) && isJsonObject(value['servers']) ? (value as unknown as HealthViews) : undefined;

/** What the guardrails decided at one worker in the last hour. */
export interface DecisionViews {
  readonly decisions: readonly DecisionCount[];
}

export const readDecisionViews = (value: unknown): DecisionViews | undefined =>
  isJsonObject(value) && Array.isArray(value['decisions']) ? (value as unknown as DecisionViews) : undefined;

export interface SerialOrder {
  readonly serial: number;
}

export type PageOrder = ViewPage;

/** Reports whether the session, connection or worker was found and ended. */
export interface EndedReply {
  readonly ended: boolean;
}

export const readEnded = (value: unknown): boolean | undefined =>
  isJsonObject(value) && typeof value['ended'] === 'boolean' ? value['ended'] : undefined;

/**
 * Trusts the view that another worker of this installation wrote, and checks only the member that identifies its type.
 */
export function readWorkerView(value: unknown): WorkerView | undefined {
  return isJsonObject(value) && typeof value['startedAt'] === 'number' ? (value as unknown as WorkerView) : undefined;
}

export const readSessionViews = (value: unknown): SessionView[] | undefined =>
  readViews(value) as SessionView[] | undefined;
export const readUpstreamViews = (value: unknown): UpstreamView[] | undefined =>
  readViews(value) as UpstreamView[] | undefined;

function readViews(value: unknown): unknown[] | undefined {
  const items: JsonValue | undefined = isJsonObject(value) ? value['items'] : undefined;
  if (!Array.isArray(items)) return undefined;
  return items.filter((item): item is JsonObject => isJsonObject(item) && typeof item['serial'] === 'number');
}

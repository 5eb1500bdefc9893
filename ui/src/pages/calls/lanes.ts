import type { AuditedCall, AuditRecord } from './record-queries.js';

/** A part of a lane, in milliseconds since the arrival of the request. */
export interface Part {
  readonly from: number;
  readonly to: number;
  /** `span`: the whole stay of the call; `work`: what happened in it. */
  readonly kind: 'span' | 'work' | 'wait';
  readonly text: string;
}

/** Where a call was. */
export interface Lane {
  readonly name: string;
  /** Id of the worker, or slug of the server. */
  readonly id?: string | undefined;
  readonly parts: readonly Part[];
  /** Said instead of parts. */
  readonly absence?: string;
}

export interface CallTimes {
  readonly totalMs: number;
  readonly ownMs: number;
  readonly serverMs: number;
  readonly clientMs: number;
}

/** The times of a call. Undefined: the record stands for several calls, or an older version has written it. */
export function timesOf({ totalMs, serverMs, clientMs = 0 }: AuditedCall): CallTimes | undefined {
  if (totalMs === undefined || serverMs === undefined) return undefined;
  return { totalMs, serverMs, clientMs, ownMs: Math.max(totalMs - serverMs - clientMs, 0) };
}

/** The worker to which the client connected, and the worker that ran the call if it is another one. */
export function workersOf({ chain }: AuditRecord, { forwardedTo, forwardedFrom }: AuditedCall) {
  return forwardedFrom === undefined
    ? { entry: chain?.worker, owner: forwardedTo }
    : { entry: forwardedFrom, owner: chain?.worker };
}

/**
 * Draws a call as nested stays. A record contains how long each took, not when: the time of the gateway is assumed to be the same
 * before and after the others, and the server to have worked as long before a question as after it.
 */
export function lanesOf(record: AuditRecord, call: AuditedCall, times: CallTimes): readonly Lane[] {
  const { totalMs, ownMs, serverMs, clientMs } = times;
  const begin = ownMs / 2;
  const asked = begin + serverMs / 2;
  const questions: Part = {
    from: asked,
    to: asked + clientMs,
    kind: 'work',
    text: `answered questions for ${textOfMs(clientMs)}`,
  };
  const waiting: Part = { from: 0, to: totalMs, kind: 'wait', text: `waited ${textOfMs(totalMs)}` };
  return [
    { name: 'Client', parts: clientMs > 0 ? [waiting, questions] : [waiting] },
    ...gatewayLanesOf(record, call, times),
    serverLaneOf(call, times, clientMs > 0 ? questions : undefined),
  ];
}

function gatewayLanesOf(record: AuditRecord, call: AuditedCall, { totalMs, ownMs }: CallTimes): readonly Lane[] {
  const { entry, owner } = workersOf(record, call);
  const stay: Part = {
    from: 0,
    to: totalMs,
    kind: 'span',
    text: owner === undefined ? `worked ${textOfMs(ownMs)}` : 'forwarded the call',
  };
  const gateway: Lane = { name: 'Gateway', id: entry, parts: [stay] };
  if (owner === undefined) return [gateway];
  const margin = ownMs / 4;
  return [
    gateway,
    { name: 'Owner', id: owner, parts: [{ from: margin, to: totalMs - margin, kind: 'span', text: 'ran the call' }] },
  ];
}

function serverLaneOf(call: AuditedCall, times: CallTimes, questions: Part | undefined): Lane {
  const { totalMs, ownMs, serverMs } = times;
  const lane = { name: 'Server', id: call.server };
  if (call.serverEra === undefined && serverMs === 0) return { ...lane, parts: [], absence: 'not reached' };
  const work: Part = { from: ownMs / 2, to: totalMs - ownMs / 2, kind: 'work', text: `worked ${textOfMs(serverMs)}` };
  if (!questions) return { ...lane, parts: [work] };
  return {
    ...lane,
    parts: [
      { ...work, to: questions.from },
      { ...work, from: questions.to },
    ],
  };
}

const HUNDREDTHS = 100;
const PRECISE_BELOW_MS = 10;

export function textOfMs(ms: number): string {
  return `${ms < PRECISE_BELOW_MS ? Math.round(ms * HUNDREDTHS) / HUNDREDTHS : Math.round(ms)} ms`;
}

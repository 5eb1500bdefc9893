import type { Act, ConnectionFault, MessageId, Step } from './behaviour.js';
import { json } from './behaviour.js';

export type Headers = Readonly<Record<string, string>>;

/** The reply to a question that the server asked. */
export interface QuestionReply {
  readonly result?: unknown;
  readonly error?: { readonly code: number };
}

/** What one carrier can do with one request. Each method writes exactly what it is told, right or wrong. */
export interface Wire {
  readonly id: MessageId;
  /** A whole HTTP response; a line of its body where there is no HTTP. */
  http(status: number, headers: Headers, body: string | Uint8Array): void;
  /** One message in the answer's place. */
  message(data: string | Uint8Array): void;
  event(data: string | Uint8Array, eventId?: string, retryMs?: number): void;
  /** Sends a request of the server's own and waits for its reply, for ever if need be. */
  sendQuestion(method: string, params: object): Promise<QuestionReply>;
  end(): void;
  reset(): void;
  /** One event or line without an end, written as fast as it is read. */
  flood(): void;
  fault(fault: Exclude<ConnectionFault, 'reset'>): void;
  /** Drops the session; later requests of it are refused. */
  forget(): void;
  /** Keeps what a later GET with Last-Event-ID shall find. */
  saveResumption(resumed: readonly (readonly Step[])[]): void;
  /** Where redirects point. */
  readonly traps: Readonly<Record<'same-origin' | 'other-origin', string>>;
}

async function sendQuestionAndReportRefusal(wire: Wire, method: string, params: object): Promise<void> {
  const reply = await wire.sendQuestion(method, params);
  const refusal = reply.error?.code ?? 'answered';
  wire.event(
    json({ jsonrpc: '2.0', id: wire.id, error: { code: 4712, message: 'Nobody answered', data: { refusal } } }),
  );
}

export async function play([step, ...rest]: readonly Step[], wire: Wire): Promise<void> {
  if (step === undefined || step === 'hang') return;
  if (step === 'end') wire.end();
  else if (step === 'reset') wire.reset();
  else if (step === 'flood') wire.flood();
  else if ('ask' in step) await sendQuestionAndReportRefusal(wire, step.ask, step.params);
  else wire.event(step.event(wire.id), step.eventId, step.retryMs);
  return play(rest, wire);
}

/** Does to the request what the behaviour says. */
export async function perform(act: Act, wire: Wire): Promise<void> {
  switch (act.kind) {
    case 'http':
      return wire.http(act.status, act.headers ?? {}, act.body(wire.id));
    case 'message':
      return wire.message(act.frame(wire.id));
    case 'redirect':
      return wire.http(act.status, { location: wire.traps[act.to] }, '');
    case 'forget':
      return wire.forget();
    case 'connection':
      return act.fault === 'reset' ? wire.reset() : wire.fault(act.fault);
    case 'stream':
      if (act.resumed !== undefined) wire.saveResumption(act.resumed);
      return play(act.steps, wire);
  }
}

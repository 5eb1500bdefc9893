import type { Act, ConnectionFault, MessageId, Step } from './behaviour.js';
import { json } from './behaviour.js';

export type Headers = Readonly<Record<string, string>>;

/** The client's reply to a question of the server. */
export interface QuestionReply {
  readonly result?: unknown;
  readonly error?: { readonly code: number };
}

/** Everything that one carrier can do with one request. Each method writes its arguments unchanged, valid or not. */
export interface Wire {
  readonly id: MessageId;
  /** Sends a complete HTTP response, or its body as a line where the carrier is not HTTP. */
  http(status: number, headers: Headers, body: string | Uint8Array): void;
  /** Sends one message in place of the answer. */
  message(data: string | Uint8Array): void;
  event(data: string | Uint8Array, eventId?: string, retryMs?: number): void;
  /** Sends a request of the server and waits for the reply without a timeout. */
  sendQuestion(method: string, params: object): Promise<QuestionReply>;
  end(): void;
  reset(): void;
  /** Sends one event or line without end, as fast as the client reads. */
  flood(): void;
  /** Sends lines without end that never become a message. */
  comments(): void;
  fault(fault: Exclude<ConnectionFault, 'reset'>): void;
  /** Drops the session and rejects its later requests. */
  forget(): void;
  /** Stores the scripts for later GETs with Last-Event-ID. */
  saveResumption(resumed: readonly (readonly Step[])[]): void;
  /** Targets of redirects. */
  readonly traps: Readonly<Record<'same-origin' | 'other-origin', string>>;
}

async function sendQuestionAndReportRefusal(wire: Wire, method: string, params: object): Promise<void> {
  const reply = await wire.sendQuestion(method, params);
  const refusal = reply.error?.code ?? 'answered';
  wire.event(json({ jsonrpc: '2.0', id: wire.id, error: { code: 4712, message: 'No answer', data: { refusal } } }));
}

export async function play([step, ...rest]: readonly Step[], wire: Wire): Promise<void> {
  if (step === undefined || step === 'hang') return;
  if (step === 'end') wire.end();
  else if (step === 'reset') wire.reset();
  else if (step === 'flood') wire.flood();
  else if (step === 'comments') wire.comments();
  else if ('ask' in step) await sendQuestionAndReportRefusal(wire, step.ask, step.params);
  else wire.event(step.event(wire.id), step.eventId, step.retryMs);
  return play(rest, wire);
}

/** Performs the act on the request. */
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

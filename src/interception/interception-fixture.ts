/** What the specs of interception share. */
import { Logger } from '@nestjs/common';
import { ManualClock } from '#lib/testing/manual-clock';
import { CallInterceptor, type InterceptorOptions, type NextCall, type InterceptedCall } from '#lib/extension-kit';
import { result, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { callerOf, LEGACY_CLIENT, remoteServer } from '../../test/support/fake-upstream.js';
import { createApprovals } from '../approvals/testing.js';
import type { ClientRepetition, ExecutedCall, UpstreamCall } from '../calls/index.js';
import type { Readmission } from '../dispatch/index.js';
import { CallProgress } from '../telemetry/index.js';
import type { RegisteredInterceptor } from './call-interceptors.js';
import { InterceptedExecution } from './intercepted-execution.js';

export type Intercept = (call: InterceptedCall, next: NextCall) => Promise<JsonObject>;

const server = remoteServer('bank', { team: 'finance' });

/** An interceptor with this behaviour. */
export function interceptorOf(
  intercept: Intercept,
  options: InterceptorOptions = {},
  name = 'Acme',
): RegisteredInterceptor {
  class Interceptor extends CallInterceptor {
    override intercept = intercept;
  }
  return { instance: new Interceptor(), options, name, module: 'AcmeModule' };
}

/** An interceptor that passes all calls on, with these members for what the server sends. */
export function watcherOf(members: Pick<CallInterceptor, 'onNotification' | 'onQuestion'>): RegisteredInterceptor {
  const registered = interceptorOf((_call, next) => next());
  Object.assign(registered.instance, members);
  return registered;
}

/** How long admins may take to decide. */
export const APPROVAL_MS = 300_000;

/** A client that answers by repeating its call, and has not answered yet. */
export const REPETITION: ClientRepetition = {
  answerTo: async () => undefined,
  awaitedAs: () => undefined,
  keepAnswer: () => undefined,
  serverAnswers: { given: {}, replace: () => undefined },
  ask: () => result({ resultType: 'input_required' }),
};

/** A client that repeats its call with what the last request has asked for. */
export class Repeating implements ClientRepetition {
  readonly asked: Parameters<ClientRepetition['ask']>[0][] = [];
  private readonly kept: Record<string, JsonObject> = {};

  constructor(readonly serverAnswers = REPETITION.serverAnswers) {}

  readonly answerTo: ClientRepetition['answerTo'] = async (key) => this.kept[key];
  readonly awaitedAs: ClientRepetition['awaitedAs'] = (key) => this.asked.at(-1)?.awaited[key];
  readonly keepAnswer: ClientRepetition['keepAnswer'] = (key, answer) => void (this.kept[key] = answer);
  readonly ask: ClientRepetition['ask'] = (next) => {
    this.asked.push(next);
    return REPETITION.ask(next);
  };

  /** Accepts the questions of the last request. Returns their keys. */
  accept(): readonly string[] {
    const keys = Object.keys(this.asked.at(-1)?.questions ?? {});
    for (const key of keys) this.kept[key] = { action: 'accept' };
    return keys;
  }

  forgetAnswers(): void {
    for (const key of Object.keys(this.kept)) delete this.kept[key];
  }
}

/** Runs calls through interceptors, at a server that answers as given. */
export class InterceptionWorld {
  readonly clock = new ManualClock();
  readonly progress = new CallProgress(this.clock);
  readonly control = new AbortController();
  /** The calls that reached the server. */
  readonly sent: { readonly call: UpstreamCall; readonly signal: AbortSignal }[] = [];
  /** Arguments that were admitted again. */
  readonly admitted: unknown[] = [];
  readonly logged: string[] = [];
  readonly approvals = createApprovals(this.clock);
  respond: (call: UpstreamCall) => Outcome | Promise<Outcome> = () => result({ text: 'paid' });
  admit: (call: UpstreamCall) => UpstreamCall = (call) => call;

  constructor() {
    Logger.overrideLogger({
      log: () => undefined,
      warn: () => undefined,
      error: (text: string) => void this.logged.push(text),
    });
  }

  run(interceptors: readonly RegisteredInterceptor[], more: Partial<ExecutedCall> = {}): Promise<Outcome> {
    const executed: ExecutedCall = {
      ...this.executedWith({}),
      endpoint: 'default',
      signal: this.control.signal,
      begun: 'not_executed',
      ...more,
    };
    const item = { server, kind: 'tools', name: 'pay', args: { amount: 1 } } as const;
    const subject = { executed, requestId: 'id-1', item, definition: { name: 'pay' } };
    const admins = {
      approvals: this.approvals,
      clock: this.clock,
      defaultExpiryMs: APPROVAL_MS,
      repeatAfterMs: 30_000,
    };
    const parts = { clock: this.clock, readmission: this.readmission, deadlineMs: 1_000, admins };
    return new InterceptedExecution(parts, interceptors, subject, async (each, signal) => {
      this.sent.push({ call: each, signal });
      return this.respond(each);
    }).run();
  }

  /** The call, with these members. */
  executedWith(more: Partial<UpstreamCall>): Pick<ExecutedCall, 'call'> {
    const call = {
      server,
      request: { method: 'tools/call', params: { name: 'pay', arguments: { amount: 1 } } },
      caller: callerOf('ada'),
      client: LEGACY_CLIENT,
      requestId: 7,
      clientRepeatsCall: false,
      progress: this.progress,
      ...more,
    };
    return { call };
  }

  private get readmission(): Readmission {
    const fake: Pick<Readmission, 'admitChanged' | 'checkAccess'> = {
      admitChanged: async ({ call }) => {
        this.admitted.push(call.request.params['arguments']);
        return this.admit(call);
      },
      checkAccess: () => {
        this.admitted.push('access');
        return {} as never;
      },
    };
    return fake as Readmission;
  }
}

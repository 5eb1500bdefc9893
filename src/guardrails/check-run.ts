import { GatewayError, type GuardrailCheck, type GuardrailSubject, type GuardrailVerdict } from '#lib/extension-kit';
import type { Clock } from '#lib/time';
import { handled, rejectHandled, runAsExtension } from '../extensions/index.js';
import { InputRequested, Misuse, OwnTime, type Asking } from '../interception/index.js';
import { NoVerdict, readVerdict } from './verdict.js';

type Call = NonNullable<GuardrailSubject['call']>;

/** A value to judge: a subject without what belongs to one run of a check. */
export type JudgedSubject = Omit<GuardrailSubject, 'signal' | 'call'> & {
  readonly call: Omit<Call, keyof Asking> | undefined;
};

/** The end of a check. */
export type CheckEnd =
  | { readonly kind: 'verdict'; readonly verdict: GuardrailVerdict }
  /** The caller, or an admin, could not be asked or did not answer. */
  | { readonly kind: 'unanswered'; readonly refusal: GatewayError }
  /** The request ends with the question of the check; its repetition brings the answer. */
  | { readonly kind: 'asked'; readonly refusal: GatewayError }
  /** The check would ask, and may not. */
  | { readonly kind: 'would ask'; readonly whom: 'the caller' | 'an admin' }
  /** `reason` contains nothing of the value. */
  | { readonly kind: 'failed'; readonly reason: string };

export interface CheckRunOptions {
  readonly clock: Clock;
  readonly deadlineMs: number;
  readonly options: object;
  /** Asks the caller, or an admin. Absent: the check may not ask. */
  readonly asking?: Asking;
  /** Makes the signal that is aborted when the client cancels the call. Few checks need one, which costs more than most of them. */
  readonly toSignal: () => AbortSignal;
}

class MayNotAsk extends Error {}

/** One run of a check: bounds its time and turns everything that it may do into one end. Never rejects. */
export class CheckRun {
  private readonly control = new AbortController();
  private readonly end = Promise.withResolvers<CheckEnd>();
  private readonly ownTime: OwnTime;
  private unanswered: GatewayError | undefined;
  private requested: InputRequested | undefined;
  private isOver = false;
  private madeSignal: AbortSignal | undefined;

  constructor(
    private readonly check: GuardrailCheck,
    private readonly options: CheckRunOptions,
  ) {
    const { clock, deadlineMs } = options;
    const exceeded = { kind: 'failed', reason: `it took longer than ${deadlineMs} ms` } as const;
    this.ownTime = new OwnTime(clock, deadlineMs, () => this.settle(exceeded));
  }

  start(subject: JudgedSubject): Promise<CheckEnd> {
    const call = subject.call && Object.freeze({ ...subject.call, ...this.asking });
    const toSignal = (): AbortSignal => this.signal;
    const given: GuardrailSubject = Object.freeze({
      ...subject,
      call,
      get signal() {
        return toSignal();
      },
    });
    const run = async (): Promise<unknown> => this.check.check(given, this.options.options);
    runAsExtension(this.check.constructor.name, run).then(
      (returned) => this.settle(this.toEnd(returned)),
      (cause: unknown) => this.settle(this.toFailure(cause)),
    );
    return this.end.promise;
  }

  private get signal(): AbortSignal {
    return (this.madeSignal ??= AbortSignal.any([this.options.toSignal(), this.control.signal]));
  }

  private readonly asking: Asking = {
    ask: (question) => this.wait('the caller', (asking) => asking.ask(question)),
    askAdmin: (question) => this.wait('an admin', (asking) => asking.askAdmin(question)),
  };

  private wait<T>(whom: 'the caller' | 'an admin', ask: (asking: Asking) => Promise<T>): Promise<T> {
    const { asking } = this.options;
    if (!asking) {
      this.settle({ kind: 'would ask', whom });
      return rejectHandled(new MayNotAsk('The guardrail only observes: nobody is asked.'));
    }
    if (this.isOver) return rejectHandled(new MayNotAsk('The check has ended.'));
    const asked = this.ownTime.pauseWhile(ask(asking)).catch((cause: unknown) => {
      if (cause instanceof InputRequested) this.requested = cause;
      else if (cause instanceof GatewayError) this.unanswered = cause;
      throw cause;
    });
    return handled(asked);
  }

  private toEnd(returned: unknown): CheckEnd {
    // The request ends with the question, whatever the check makes of its error.
    if (this.requested) return { kind: 'asked', refusal: this.requested };
    try {
      return { kind: 'verdict', verdict: readVerdict(returned) };
    } catch (cause) {
      return { kind: 'failed', reason: cause instanceof NoVerdict ? cause.message : 'its verdict cannot be read' };
    }
  }

  private toFailure(cause: unknown): CheckEnd {
    if (this.requested) return { kind: 'asked', refusal: this.requested };
    if (this.unanswered === undefined || cause !== this.unanswered)
      return { kind: 'failed', reason: `it threw ${describe(cause)}` };
    if (this.unanswered instanceof Misuse) return { kind: 'failed', reason: this.unanswered.reason };
    return { kind: 'unanswered', refusal: this.unanswered };
  }

  private settle(end: CheckEnd): void {
    if (this.isOver) return;
    this.isOver = true;
    this.ownTime.stop();
    this.control.abort();
    this.end.resolve(end);
  }
}

/** The class and the place of an error. Its message may quote the value that the check judged. */
function describe(cause: unknown): string {
  if (!(cause instanceof Error)) return 'a value that is no error';
  const name = /^\w{1,64}$/.test(cause.name) ? cause.name : 'an error';
  const place = /^ +at .*$/m.exec(typeof cause.stack === 'string' ? cause.stack.replace(cause.message, '') : '');
  return place ? `${name} ${place[0].trim()}` : name;
}

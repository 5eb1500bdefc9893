import { GatewayError } from '#lib/extension-kit';
import type { Clock } from '#lib/time';
import { handled, NotJson, rejectHandled, runAsExtension, runAsGateway, toDetail } from '../extensions/index.js';
import { ContractBroken, InputRequested, Misuse } from './interception.errors.js';
import { OwnTime } from './own-time.js';

/** How one interceptor ended its part. */
export type InterceptorEnd<Passed> =
  /** It returned a value: that of `next`, a changed one, or one of its own. */
  | { readonly kind: 'returned'; readonly value: Passed; readonly as: 'passed' | 'changed' | 'answered' }
  /** It did not catch the failure of `next`. */
  | { readonly kind: 'failed below'; readonly cause: unknown }
  | InterceptorFailure;

/** How an interceptor ended what it was asked to pass on. */
export type InterceptorFailure =
  | { readonly kind: 'refused'; readonly refusal: GatewayError }
  /** It broke its contract or threw something else. `reason` is for operators. */
  | { readonly kind: 'broken'; readonly reason: string };

/** What a run needs from the execution of its call. */
export interface RunPorts<Given, Passed> {
  readonly clock: Clock;
  /** How long the interceptor itself may take, in milliseconds. */
  readonly deadlineMs: number;
  /** Passes on what the interceptor gave to `next`. Never called twice. */
  proceed(given: Given): Promise<Passed>;
}

/**
 * One interceptor with one call or one question: lets it pass that on at most once, bounds its own time, and turns everything that
 * it may do into one end. What it does after its end has no effect.
 */
export abstract class InterceptorRun<Given, Passed> {
  private readonly ownTime: OwnTime;
  private readonly end = Promise.withResolvers<InterceptorEnd<Passed>>();
  private hasEnded = false;
  private following: Promise<Passed> | undefined;
  private isFollowing = false;
  private passed: { readonly value: Passed } | undefined;
  private failedBelow: { readonly cause: unknown } | undefined;
  private misuse: string | undefined;
  private control: AbortController | undefined;

  constructor(private readonly ports: RunPorts<Given, Passed>) {
    const { clock, deadlineMs } = ports;
    const exceeded = `it took longer than ${deadlineMs} ms`;
    this.ownTime = new OwnTime(clock, deadlineMs, () => this.settle({ kind: 'broken', reason: exceeded }));
  }

  /** Returns what the interceptor gave to `next`, as a copy that it cannot change. @throws ContractBroken */
  protected abstract readGiven(given: unknown): Given;

  /** Returns a copy of what the interceptor returned instead of the value of `next`. @throws ContractBroken, NotJson */
  protected abstract readReturned(value: unknown): Passed;

  /** Aborted once the interceptor has ended, and when its time is over. Made when it is asked for: few interceptors need one. */
  get signal(): AbortSignal {
    this.control ??= new AbortController();
    if (this.hasEnded) this.control.abort(ENDED);
    return this.control.signal;
  }

  /** True once the interceptor has called `next`. */
  get hasPassedOn(): boolean {
    return this.following !== undefined;
  }

  /** True while what was passed on has not ended. */
  get isPending(): boolean {
    return this.isFollowing;
  }

  /** Lets the interceptor wait for the caller. Its own time does not run meanwhile. */
  wait<T>(work: () => Promise<T>): Promise<T> {
    if (this.hasEnded) return rejectHandled(new Misuse('it asked after it had ended'));
    return handled(this.ownTime.pauseWhile(runAsGateway(work)));
  }

  /**
   * Resolves with the end of the interceptor, and never rejects.
   * @param name of the interceptor
   * @param act runs the code of the interceptor
   */
  protected begin(name: string, act: (next: (given: unknown) => Promise<Passed>) => unknown) {
    runAsExtension(name, () => this.act(act)).then(
      (value: unknown) => this.settle(this.misuse === undefined ? this.toReturned(value) : this.toBroken()),
      (cause: unknown) => this.settle(this.misuse === undefined ? this.toThrown(cause) : this.toBroken()),
    );
    return this.end.promise;
  }

  /** The promise of `next` is used as it is when the interceptor returns it: a call then passes through fewer microtasks. */
  private act(act: (next: (given: unknown) => Promise<Passed>) => unknown): Promise<unknown> {
    try {
      const returned = act((given) => this.next(given));
      return this.following && returned === this.following ? this.following : adopt(returned);
    } catch (cause) {
      return fail(cause);
    }
  }

  private next(given: unknown): Promise<Passed> {
    if (this.hasEnded) return rejectHandled(new Misuse('it called next after it had ended'));
    if (this.following) return this.reportMisuse('it called next twice');
    const read = this.tryReadGiven(given);
    if (!read) return this.reportMisuse('what it passed to next cannot be read');
    this.isFollowing = true;
    this.ownTime.pause();
    const following = runAsGateway(() => this.ports.proceed(read.given)).then(
      (value) => {
        this.endFollowing();
        this.passed = { value };
        return value;
      },
      (cause: unknown) => {
        this.endFollowing();
        this.failedBelow = { cause };
        throw cause;
      },
    );
    return (this.following = handled(following));
  }

  private endFollowing(): void {
    this.isFollowing = false;
    this.ownTime.resume();
  }

  private tryReadGiven(given: unknown): { readonly given: Given } | undefined {
    try {
      return { given: this.readGiven(given) };
    } catch (cause) {
      if (cause instanceof ContractBroken) this.misuse ??= cause.message;
      return undefined;
    }
  }

  private reportMisuse(reason: string): Promise<never> {
    this.misuse ??= reason;
    return rejectHandled(new Misuse(this.misuse));
  }

  private toBroken(): InterceptorEnd<Passed> {
    return { kind: 'broken', reason: this.misuse ?? 'it broke its contract' };
  }

  private toReturned(returned: unknown): InterceptorEnd<Passed> {
    if (this.isFollowing) return { kind: 'broken', reason: 'it returned while next was pending' };
    if (this.passed && returned === this.passed.value)
      return { kind: 'returned', value: this.passed.value, as: 'passed' };
    try {
      const value = this.readReturned(returned);
      return { kind: 'returned', value, as: this.passed ? 'changed' : 'answered' };
    } catch (cause) {
      if (cause instanceof ContractBroken) return { kind: 'broken', reason: cause.message };
      return { kind: 'broken', reason: `its result ${cause instanceof NotJson ? cause.reason : 'cannot be read'}` };
    }
  }

  private toThrown(cause: unknown): InterceptorEnd<Passed> {
    if (cause instanceof InputRequested || (this.failedBelow && cause === this.failedBelow.cause))
      return { kind: 'failed below', cause };
    return toFailure(cause);
  }

  private settle(end: InterceptorEnd<Passed>): void {
    if (this.hasEnded) return;
    this.hasEnded = true;
    this.ownTime.stop();
    this.control?.abort(ENDED);
    this.end.resolve(end);
  }
}

/** Made once: an error for each call would cost more than all else that an interceptor needs. */
const ENDED = new DOMException('The interceptor has ended', 'AbortError');

const fail = async (cause: unknown): Promise<never> => {
  throw cause;
};

/** What an extension returns may only look like a promise. */
const adopt = async (returned: unknown): Promise<unknown> => returned;

/** What an interceptor threw. */
export function toFailure(cause: unknown): InterceptorFailure {
  if (cause instanceof Misuse) return { kind: 'broken', reason: cause.reason };
  if (cause instanceof GatewayError) return { kind: 'refused', refusal: cause };
  return { kind: 'broken', reason: `it threw ${toDetail(cause)}` };
}

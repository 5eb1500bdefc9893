import type { CallInterceptor, InterceptedMethod, InterceptorOptions } from '#lib/extension-kit';
import type { UpstreamCall } from '../calls/index.js';

/** An interceptor, with what its decorator states. */
export interface RegisteredInterceptor {
  readonly instance: CallInterceptor;
  readonly options: InterceptorOptions;
  /** Name of its class, for messages and records. */
  readonly name: string;
  /** Name of the module that provides it. */
  readonly module: string;
  /** False for a call that the interceptor lets pass unseen. Asked for every call, so it must be quick. Absent: it sees all. */
  readonly applies?: (call: UpstreamCall) => boolean;
}

export const INTERCEPTED_METHODS: readonly InterceptedMethod[] = [
  'tools/call',
  'prompts/get',
  'resources/read',
  'completion/complete',
];

const NONE: readonly RegisteredInterceptor[] = [];

/** The interceptors by method, in their order. */
export class CallInterceptors {
  private all: readonly RegisteredInterceptor[] = NONE;
  private byMethod: ReadonlyMap<string, readonly RegisteredInterceptor[]> = new Map();

  /**
   * Adds an interceptor after those of a lower or equal order. Returns a function that removes it: the gateway's own interceptors
   * are registered only while they have something to do.
   */
  add(interceptor: RegisteredInterceptor): () => void {
    this.use([...this.all, interceptor].toSorted((one, other) => orderOf(one) - orderOf(other)));
    return () => this.use(this.all.filter((each) => each !== interceptor));
  }

  /** Returns those that see a call. A call that has begun keeps the ones that it began with. */
  of(call: UpstreamCall): readonly RegisteredInterceptor[] {
    const candidates = this.byMethod.get(call.request.method) ?? NONE;
    const first = candidates.findIndex((each) => !isApplied(each, call));
    if (first === -1) return candidates;
    // Those before it are known to see the call: each is asked once.
    return candidates.filter((each, index) => index < first || (index > first && isApplied(each, call)));
  }

  private use(interceptors: readonly RegisteredInterceptor[]): void {
    this.all = interceptors;
    this.byMethod = new Map(
      INTERCEPTED_METHODS.map((method) => [method, interceptors.filter((each) => sees(each, method))] as const),
    );
  }
}

const isApplied = ({ applies }: RegisteredInterceptor, call: UpstreamCall): boolean => applies?.(call) ?? true;

const orderOf = ({ options }: RegisteredInterceptor): number => options.order ?? 0;

const sees = ({ options }: RegisteredInterceptor, method: InterceptedMethod): boolean =>
  options.methods?.includes(method) ?? true;

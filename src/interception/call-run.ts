import type { CallChanges, InterceptedCall } from '#lib/extension-kit';
import { requiresInput, type JsonObject } from '#lib/mcp-protocol';
import { NotJson } from '../extensions/index.js';
import type { RegisteredInterceptor } from './call-interceptors.js';
import { ContractBroken } from './interception.errors.js';
import { InterceptorRun, type InterceptorEnd, type RunPorts } from './interceptor-run.js';
import { copyJsonObject } from './json-copy.js';

/** One interceptor in one call. Passes on the arguments that it changed, or undefined. */
export class CallRun extends InterceptorRun<JsonObject | undefined, JsonObject> {
  private call: InterceptedCall | undefined;

  constructor(
    readonly interceptor: RegisteredInterceptor,
    ports: RunPorts<JsonObject | undefined, JsonObject>,
  ) {
    super(ports);
  }

  start(call: InterceptedCall): Promise<InterceptorEnd<JsonObject>> {
    const { instance, name } = this.interceptor;
    this.call = call;
    return this.begin(name, (next) => instance.intercept(call, next));
  }

  protected override readGiven(changes: unknown = {}): JsonObject | undefined {
    const { arguments: args } = changes as CallChanges;
    if (args === undefined) return undefined;
    if (this.call?.method === 'resources/read')
      throw new ContractBroken('it changed the arguments of a resource, which has none');
    try {
      return copyJsonObject(args);
    } catch (cause) {
      const reason = cause instanceof NotJson ? cause.reason : 'cannot be read';
      throw new ContractBroken(`the arguments that it passed to next: ${reason}`);
    }
  }

  protected override readReturned(value: unknown): JsonObject {
    const result = copyJsonObject(value);
    if (requiresInput(result)) throw new ContractBroken('it returned questions as a result instead of calling ask');
    return result;
  }
}

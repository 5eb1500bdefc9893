import { randomUUID } from 'node:crypto';
import {
  CallInterceptor,
  InterceptsCalls,
  type InterceptedCall,
  type JsonObject,
  type NextCall,
} from 'isthmus/extension-kit';

/** Gives each payment a number that Acme's support can search for. Results are frozen, so the number is added to a copy. */
@InterceptsCalls({ methods: ['tools/call'] })
export class PaymentTracer extends CallInterceptor {
  override async intercept(call: InterceptedCall, next: NextCall): Promise<JsonObject> {
    const result = await next();
    if (call.item.name !== 'pay') return result;
    const meta = (result['_meta'] ?? {}) as JsonObject;
    return { ...result, _meta: { ...meta, 'acme/payment': randomUUID() } };
  }
}

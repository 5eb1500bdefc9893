import { Module } from '@nestjs/common';
import {
  CallInterceptor,
  GatewayError,
  InterceptsCalls,
  type InterceptedCall,
  type JsonObject,
  type NextCall,
} from '#lib/extension-kit';

/** Error code of the calls that the interceptor refuses. */
export const REFUSED_CODE = -31_950;

/** Reads from the argument `intercept` what to do with a call. Leaves all other calls as they are. */
@InterceptsCalls()
class AskingInterceptor extends CallInterceptor {
  override async intercept(call: InterceptedCall, next: NextCall): Promise<JsonObject> {
    const { intercept, ...args } = call.arguments;
    switch (intercept) {
      case 'change the arguments':
        return next({ arguments: { ...args, text: 'changed' } });
      case 'change the result':
        return { ...(await next({ arguments: args })), content: [{ type: 'text', text: 'changed' }] };
      case 'answer':
        return { content: [{ type: 'text', text: 'answered' }] };
      case 'refuse':
        throw new GatewayError(REFUSED_CODE, 'The interceptor refused the call.', 403);
      case 'fail':
        throw new TypeError('a secret of the interceptor');
      case 'ask':
        return this.ask(call, next, args);
      default:
        return next();
    }
  }

  private async ask(call: InterceptedCall, next: NextCall, args: JsonObject): Promise<JsonObject> {
    const { action, content } = await call.ask({
      message: 'Who approves the call?',
      requestedSchema: { type: 'object', properties: { name: { type: 'string' } }, required: ['name'] },
    });
    const name = content?.['name'];
    if (action !== 'accept' || typeof name !== 'string')
      throw new GatewayError(REFUSED_CODE, 'Nobody approved the call.', 403);
    return next({ arguments: { ...args, text: `approved by ${name}` } });
  }
}

/** An extension with an interceptor that changes, answers, refuses and asks. */
@Module({ providers: [AskingInterceptor] })
class AskingExtension {}

export default AskingExtension;

/** An extension for workers that run from the build. The text of a call says what it does. */
import { Module } from '@nestjs/common';
import {
  CallInterceptor,
  FiltersLists,
  GatewayError,
  HandlesMethod,
  InterceptsCalls,
  ListFilter,
  VendorMethodHandler,
  type Answer,
  type InterceptedCall,
  type JsonObject,
  type NextCall,
  type Question,
  type VendorRequest,
  type ViewedItem,
} from '#lib/extension-kit';

const APPROVAL = { key: 'approval', message: 'Approve?' };

@InterceptsCalls({ methods: ['tools/call'] })
class AcmeInterceptor extends CallInterceptor {
  override async intercept(call: InterceptedCall, next: NextCall): Promise<JsonObject> {
    const { text, key = text } = call.arguments;
    const [action, rest = ''] = (typeof key === 'string' ? key : '').split(':');
    switch (action) {
      case 'change':
        return next({ arguments: { ...call.arguments, text: rest } });
      case 'break':
        return next({ arguments: { ...call.arguments, text: 7 } });
      case 'sign': {
        const given = await next();
        return { ...given, content: [...(given['content'] as JsonObject[]), { type: 'text', text: 'signed' }] };
      }
      case 'refuse':
        throw new GatewayError(-31009, 'Acme refuses.', 403);
      case 'throw':
        throw new Error('internal detail');
      case 'leak':
        void next().then(() => {
          throw new Error('leaked');
        });
        return {};
      case 'answer':
        return { content: [{ type: 'text', text: 'from acme' }] };
      case 'ask': {
        const { action: decision } = await call.ask(APPROVAL);
        if (decision !== 'accept') throw new GatewayError(-31009, 'Not approved.', 403);
        return next();
      }
      case 'ignore':
        await call.ask(APPROVAL).catch(() => undefined);
        return next();
      default:
        return next();
    }
  }

  override async onQuestion(
    call: InterceptedCall,
    question: Question,
    next: (question: Question) => Promise<Answer>,
  ): Promise<Answer> {
    switch (call.arguments['key']) {
      case 'reword:':
        return next({ ...question, params: { ...question.params, message: 'Reworded?' } });
      case 'withhold:':
        throw new GatewayError(-31009, 'Acme withholds the question.', 403);
      case 'stumble:':
        throw new Error('internal detail');
      case 'decline:':
        return { result: { action: 'decline' } };
      default:
        return next(question);
    }
  }
}

/** Hides a tool, and names the subject of the caller in the titles of the others. */
@FiltersLists()
class AcmeFilter extends ListFilter {
  override hides({ name }: ViewedItem): boolean {
    return name === 'test_error_handling';
  }

  override describe(definition: JsonObject, { caller }: ViewedItem): JsonObject {
    return { ...definition, title: `For ${caller.principal.subject}` };
  }
}

@HandlesMethod('acme/whoami')
class AcmeHandler extends VendorMethodHandler {
  override handle({ caller, params }: VendorRequest): JsonObject {
    return { subject: caller.principal.subject, params, pid: process.pid };
  }
}

@Module({ providers: [AcmeInterceptor, AcmeFilter, AcmeHandler] })
class AcmeModule {}

export default AcmeModule;

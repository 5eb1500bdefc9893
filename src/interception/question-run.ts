import type { InterceptedCall } from '#lib/extension-kit';
import { isJsonObject, isRpcError, type Answer, type Question } from '#lib/mcp-protocol';
import type { RegisteredInterceptor } from './call-interceptors.js';
import { ContractBroken } from './interception.errors.js';
import { InterceptorRun, type InterceptorEnd, type RunPorts } from './interceptor-run.js';
import { copyJsonObject } from './json-copy.js';

/** One interceptor with one question of a server. */
export class QuestionRun extends InterceptorRun<Question, Answer> {
  private question: Question | undefined;

  constructor(
    private readonly interceptor: RegisteredInterceptor,
    ports: RunPorts<Question, Answer>,
  ) {
    super(ports);
  }

  start(call: InterceptedCall, question: Question): Promise<InterceptorEnd<Answer>> {
    const { instance, name } = this.interceptor;
    this.question = question;
    return this.begin(name, (next) => instance.onQuestion?.(call, question, next));
  }

  /** The server expects the answer to its question in the form that its method states. */
  protected override readGiven(given: unknown): Question {
    const { question } = this;
    if (question && given === question) return question;
    const params = isJsonObject(given) && given['method'] === question?.method ? given['params'] : undefined;
    if (!question || !isJsonObject(params))
      throw new ContractBroken('it passed no question to next, or one with another method');
    try {
      return { method: question.method, params: copyJsonObject(params) };
    } catch {
      throw new ContractBroken('the question that it passed to next is no JSON');
    }
  }

  protected override readReturned(value: unknown): Answer {
    const { result, error } = copyJsonObject(value);
    if (isJsonObject(result)) return { result };
    if (isRpcError(error)) return { error };
    throw new ContractBroken('it returned no answer to a question of the server');
  }
}

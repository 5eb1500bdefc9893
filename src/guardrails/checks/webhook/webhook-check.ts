import { randomUUID } from 'node:crypto';
import type { OnModuleDestroy } from '@nestjs/common';
import { Agent, request, type Dispatcher } from 'undici';
import {
  AddressGuard,
  Clock,
  Guardrail,
  GuardrailCheck,
  guardedConnector,
  PRODUCT,
  signedHeaders,
  type GuardrailSubject,
  type GuardrailVerdict,
} from '#lib/extension-kit';
import { readVerdict } from './read-verdict.js';
import { WebhookOptions } from './webhook-options.js';

const CONNECT_TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS_PER_ORIGIN = 64;
/** An answer may repeat the value, changed. */
const MIN_ANSWER_BYTES = 1_048_576;
const MAX_ANSWER_RATIO = 2;
const OK = 200;

/**
 * Asks a service of the operator what to do with a value. The request is a POST of JSON, signed by Standard Webhooks: `type` is
 * `guardrail.check`, `data` holds `phase`, `isAnswer` (true for the answer to a question), `server`, `item`, `endpoint`, `method`,
 * `requestId`, `caller` and `value`. The answer is a verdict: `{"action":"pass"}`, `{"action":"change","value":{…}}`, or
 * `{"action":"refuse","reason":"…"}`. Redirects are not followed.
 */
@Guardrail('webhook', { phases: ['arguments', 'results', 'definitions', 'questions'], options: WebhookOptions })
export class WebhookCheck extends GuardrailCheck implements OnModuleDestroy {
  private readonly agent: Agent;

  constructor(
    guard: AddressGuard,
    private readonly clock: Clock,
  ) {
    super();
    const connect = guardedConnector(guard, { timeout: CONNECT_TIMEOUT_MS, allowH2: false });
    this.agent = new Agent({ connect, allowH2: false, connections: MAX_CONNECTIONS_PER_ORIGIN });
  }

  /** @throws Error when the service cannot be reached or gives no verdict */
  async check(subject: GuardrailSubject, { url, secret }: WebhookOptions): Promise<GuardrailVerdict> {
    const message = { id: randomUUID(), sentAtMs: this.clock.now(), body: this.toBody(subject) };
    const headers = {
      'content-type': 'application/json',
      accept: 'application/json',
      'user-agent': `${PRODUCT.name}/${PRODUCT.version}`,
      ...signedHeaders(secret, message),
    };
    const { signal } = subject;
    const answer = await request(url, { method: 'POST', headers, body: message.body, signal, dispatcher: this.agent });
    if (answer.statusCode !== OK) {
      await answer.body.dump({ limit: MIN_ANSWER_BYTES });
      throw new Error(`The guardrail service answered with status ${answer.statusCode} instead of 200.`);
    }
    return readVerdict(await readText(answer, Math.max(MIN_ANSWER_BYTES, message.body.length * MAX_ANSWER_RATIO)));
  }

  onModuleDestroy(): Promise<void> {
    return this.agent.destroy();
  }

  private toBody({ phase, value, isAnswer, server, item, caller, call }: GuardrailSubject): string {
    return JSON.stringify({
      type: 'guardrail.check',
      timestamp: new Date(this.clock.now()).toISOString(),
      data: {
        phase,
        isAnswer,
        server: server.slug,
        item: item && { kind: item.kind, name: item.name },
        endpoint: call?.endpoint,
        method: call?.method,
        requestId: call?.requestId,
        caller: caller && { ...caller.principal, roles: caller.roles, teams: caller.teams },
        value,
      },
    });
  }
}

async function readText({ body }: Dispatcher.ResponseData, maxBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    // Leaving the loop destroys the connection.
    if (bytes > maxBytes) throw new Error(`The answer of the guardrail service has more than ${maxBytes} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

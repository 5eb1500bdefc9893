import { Injectable } from '@nestjs/common';
import { isListMethod, LIST_MEMBERS, type Outcome } from '#lib/mcp-protocol';
import type { UpstreamCall } from '../calls/index.js';
import { EndpointDirectory, type Endpoint } from '../catalog/index.js';
import { Items } from '../items/index.js';
import type { Session } from '../session-pool/index.js';
import { AnswerPublisher } from './answer-publisher.js';
import { deniedAfterStart } from './dispatch.errors.js';
import { ListRepair } from './lists/index.js';

/**
 * Converts the answers that a session records for clients that resume their streams. The owner records a call before the
 * worker of the client publishes its answer, and a replay comes from the record.
 */
@Injectable()
export class RecordedAnswers {
  constructor(
    private readonly endpoints: EndpointDirectory,
    private readonly publisher: AnswerPublisher,
    private readonly repair: ListRepair,
    private readonly items: Items,
  ) {}

  /** Returns the answer in the form in which the client of the session receives it. */
  toRecorded(call: UpstreamCall, session: Session, outcome: Outcome): Outcome | Promise<Outcome> {
    if (outcome.kind === 'error') return outcome;
    const { caller, client } = session;
    const endpoint = this.endpoints.findFor(caller, session.start.endpoint);
    if (!endpoint) return deniedAfterStart('The endpoint is no longer visible.');
    if (isListMethod(call.request.method)) return this.toPage(call, endpoint, outcome);
    // Neither URIs nor results differ from what the server sent.
    if (endpoint.transparent && outcome.serverEra === 'legacy') return outcome;
    return this.publisher.publishItem({ ...call, caller, client, endpoint }, call, outcome);
  }

  private toPage(call: UpstreamCall, endpoint: Endpoint, outcome: Outcome): Outcome | Promise<Outcome> {
    const { server, request } = call;
    if (!isListMethod(request.method)) return outcome;
    const repaired = this.repair.run({ server, request }, outcome);
    const kind = LIST_MEMBERS[request.method];
    const items = repaired.kind === 'result' ? repaired.result[kind] : undefined;
    // A quarantining server shows only what was observed, and the worker of the client observes the page later.
    if (!Array.isArray(items)) return this.publisher.publishPage(endpoint, server, request.method, repaired);
    this.items.observe(server, kind, items);
    const { method } = request;
    const publish = () => this.publisher.publishPage(endpoint, server, method, repaired);
    const preparing = this.items.prepare(server, kind, items);
    return preparing ? preparing.then(publish) : publish();
  }
}

import { Injectable, type OnModuleInit } from '@nestjs/common';
import { GatewayError, VENDOR_METHOD_HANDLERS, type HandledMethod, type VendorMethodHandler } from '#lib/extension-kit';
import { eraOfRevision, failure, result, RpcCode, type JsonObject, type Outcome } from '#lib/mcp-protocol';
import { Clock, withDeadline } from '#lib/time';
import {
  Contributions,
  ExtensionFailures,
  ExtensionsConfig,
  runAsExtension,
  toPlainJson,
  type Contribution,
} from '../extensions/index.js';
import type { StreamSink } from '../session-pool/index.js';
import type { Inbound, MethodHandler } from './inbound.js';
import { refuseReservedMethod } from './vendor-methods.js';

type VendorContribution = Contribution<VendorMethodHandler, HandledMethod>;
type Handler = Pick<MethodHandler, 'handle'>;

/** The methods that extensions answer. */
@Injectable()
export class ContributedMethods implements OnModuleInit {
  private readonly handlers = new Map<string, Handler>();

  constructor(
    private readonly contributions: Contributions,
    private readonly failures: ExtensionFailures,
    private readonly config: ExtensionsConfig,
    private readonly clock: Clock,
  ) {}

  /** @throws ExtensionFault for a method that is not the vendor's own, and for two handlers of one method */
  onModuleInit(): void {
    const found = this.contributions.of(VENDOR_METHOD_HANDLERS);
    for (const contribution of found) {
      refuseReservedMethod(contribution, found);
      this.handlers.set(contribution.options.method, {
        handle: (inbound, _sink: StreamSink, signal) => this.handle(contribution, inbound, signal),
      });
    }
  }

  /** Returns the handler of a method that no handler of the gateway answers. */
  find(method: string): Handler | undefined {
    return this.handlers.get(method);
  }

  private async handle(contribution: VendorContribution, inbound: Inbound, signal: AbortSignal): Promise<Outcome> {
    // A session that has lost its owner is reported, as for every other method.
    await inbound.session?.touch();
    try {
      return result(toPlainJson(await this.answer(contribution, inbound, signal)));
    } catch (cause) {
      if (isSendable(cause)) return cause.toOutcome();
      this.failures.report(`${contribution.name}, a handler of ${contribution.options.method}`, cause);
      return extensionFailed(contribution.name);
    }
  }

  /** Rejects at the deadline, also if the handler does not react to its signal. */
  private async answer(
    { instance, name, options }: VendorContribution,
    inbound: Inbound,
    signal: AbortSignal,
  ): Promise<JsonObject> {
    const { deadlineMs = this.config.extensionDeadlineMs } = options;
    const expiry = new AbortController();
    const request = toVendorRequest(inbound, AbortSignal.any([signal, expiry.signal]));
    const answered = runAsExtension(name, async () => instance.handle(request));
    return withDeadline(this.clock, deadlineMs, answered, () => {
      expiry.abort();
      throw new Error(`It took longer than ${deadlineMs} ms.`);
    });
  }
}

function toVendorRequest({ caller, endpoint, client, request, record }: Inbound, signal: AbortSignal) {
  const { revision, capabilities, clientInfo } = client;
  const profile = {
    revision,
    capabilities,
    ...(clientInfo && { clientInfo }),
    era: eraOfRevision(revision) ?? 'legacy',
  } as const;
  return Object.freeze({
    requestId: record?.requestId ?? '',
    caller,
    endpoint: endpoint.id,
    client: Object.freeze(profile),
    method: request.method,
    params: request.params,
    signal,
  });
}

/** True for a refusal that has a form as an answer. */
function isSendable(cause: unknown): cause is GatewayError {
  if (!(cause instanceof GatewayError)) return false;
  const { code, message, httpStatus, data = {} } = cause;
  const hasStatus = Number.isInteger(httpStatus) && httpStatus >= 400 && httpStatus <= 599;
  return Number.isInteger(code) && typeof message === 'string' && hasStatus && isJson(data);
}

function isJson(data: object): boolean {
  try {
    return toPlainJson(data) !== undefined;
  } catch {
    return false;
  }
}

/** The client learns which extension failed, and not why. */
function extensionFailed(name: string): Outcome {
  const message = `The extension ${name} of the gateway failed. Whether the request had an effect is unknown.`;
  const data = { outcome: 'unknown', retriable: false };
  return failure({ code: RpcCode.internalError, message, data }, 500);
}

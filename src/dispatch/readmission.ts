import { Injectable } from '@nestjs/common';
import { OutcomeError } from '#lib/extension-kit';
import { compileSchema, SchemaFault, type SchemaCheck } from '#lib/json-schema';
import {
  failure,
  isJsonObject,
  mirrorParameters,
  RpcCode,
  type ExecutionOutcome,
  type Outcome,
} from '#lib/mcp-protocol';
import type { UpstreamCall } from '../calls/index.js';
import { EndpointDirectory, type Endpoint } from '../catalog/index.js';
import { ItemGate, readItemReference, type ItemReference, type ServerItemUse } from '../gate/index.js';
import { Items, type FoundDefinition } from '../items/index.js';
import { definitionChanged, toRefusalOutcome } from './dispatch.errors.js';
import { ToolHeaders } from './tool-headers.js';

/** A call that was admitted once, and the endpoint at which it arrived. */
export interface AdmittedCall {
  readonly call: UpstreamCall;
  /** Id of the endpoint. */
  readonly endpoint: string;
  /** Whether the call has run at its server before, which then waits for its continuation. Absent: it has not. */
  readonly begun?: ExecutionOutcome;
}

/**
 * Admits calls again at the worker that executes them, when their arguments have changed since their admission or when time has
 * passed. Nothing that the admission decided by arguments holds for other ones: the policy, the schema of the tool and the
 * headers that repeat arguments.
 */
@Injectable()
export class Readmission {
  constructor(
    private readonly endpoints: EndpointDirectory,
    private readonly gate: ItemGate,
    private readonly items: Items,
    private readonly toolHeaders: ToolHeaders,
  ) {}

  /** Returns the use of the item that the call names. @throws OutcomeError for a malformed URI */
  describe({ call }: AdmittedCall): ServerItemUse {
    const reference = readReference(call);
    const use = this.gate.describeOwn(call.server, reference);
    if ('refusal' in use) throw toRefused(toRefusalOutcome(use, reference, call.client));
    return use;
  }

  /** Returns the definition of the tool or prompt that the call names, if it is known. */
  definitionOf({ server, request }: UpstreamCall): FoundDefinition {
    const { name } = request.params;
    if (typeof name !== 'string') return undefined;
    if (request.method === 'tools/call') return this.items.definitionOf(server, 'tools', name);
    return request.method === 'prompts/get' ? this.items.definitionOf(server, 'prompts', name) : undefined;
  }

  /** Decides whether the caller may use the item with the arguments of the call now. @throws OutcomeError the refusal */
  checkAccess({ call, endpoint: id, begun = 'not_executed' }: AdmittedCall): Endpoint {
    const reference = readReference(call);
    const endpoint = this.endpoints.findFor(call.caller, id);
    const use = endpoint && this.gate.readmitOwn(endpoint, call.server, reference);
    if (!endpoint || !use) throw toRefused(toRefusalOutcome(NO_ENDPOINT, reference, call.client));
    if ('refusal' in use) throw toRefused(toRefusalOutcome(use, reference, call.client));
    // This worker may not have observed the list of the server: a tool that is unknown here was known where the call was admitted.
    const { server } = call;
    const isQuarantined = use.kind === 'tools' && this.items.checkTool(server, use.name) === 'quarantined';
    if (isQuarantined && begun === 'not_executed') throw toRefused(definitionChanged(server.slug));
    return endpoint;
  }

  /**
   * Returns the call with the headers that its changed arguments need.
   * @throws OutcomeError when the policy or the schema of the tool refuses these arguments
   */
  async admitChanged(admitted: AdmittedCall): Promise<UpstreamCall> {
    const { call } = admitted;
    const endpoint = this.checkAccess(admitted);
    if (call.request.method !== 'tools/call') return call;
    const { name, arguments: args = {} } = call.request.params;
    if (typeof name !== 'string' || !isJsonObject(args)) return call;
    const fault = checkOf((await this.definitionOf(call))?.['inputSchema'])?.(args);
    if (fault !== undefined) throw toRefused(schemaMismatch(fault));
    const { caller, client, requestId, request } = call;
    // The headers that a client sent were compared with its own arguments. Those for the server repeat the changed ones.
    const inbound = { caller, client, endpoint, requestId, request, clientRepeatsCall: call.clientRepeatsCall };
    const headers = await this.toolHeaders.headersFor(call.server, name, inbound);
    const { parameterHeaders: _previous, ...rest } = call;
    return headers.length === 0 ? rest : { ...rest, parameterHeaders: mirrorParameters(headers, args) };
  }
}

type FailedOutcome = Extract<Outcome, { kind: 'error' }>;

const NO_ENDPOINT = { refusal: 'unknown', reason: 'The endpoint is no longer visible.' } as const;

/** The reference was well-formed when the call was admitted. */
function readReference({ request }: UpstreamCall): ItemReference {
  const reference = readItemReference(request);
  if ('fault' in reference) throw new Error('The reference of an admitted call is malformed.');
  return reference;
}

/** Undefined where the gateway cannot check: the server decides alone. */
function checkOf(schema: unknown): SchemaCheck | undefined {
  if (!isJsonObject(schema)) return undefined;
  try {
    return compileSchema(schema);
  } catch (fault) {
    if (fault instanceof SchemaFault) return undefined;
    throw fault;
  }
}

function schemaMismatch(fault: string): Outcome {
  const message = `An extension of the gateway changed the arguments, which now break the input schema of the tool: ${fault}`;
  return failure({ code: RpcCode.invalidParams, message, data: { outcome: 'not_executed', retriable: false } }, 400);
}

const toRefused = (refusal: Outcome): OutcomeError => new OutcomeError(refusal as FailedOutcome);

import { Injectable } from '@nestjs/common';
import type { CallRecord } from '#lib/extension-kit';
import { GatewayCode, type JsonValue } from '#lib/mcp-protocol';
import { ServerRegistry, type CallAuditMode, type RegistrySnapshot, type ServerDefinition } from '../registry/index.js';
import { TelemetrySink, type CallOrigin } from '../telemetry/index.js';
import { AuditLog } from './audit-log.js';
import type { AuditedCall, AuditEvent, AuditOutcome } from './audit-record.js';
import { AuditSinks } from './audit-sinks.js';
import { AuditConfig } from './audit.config.js';
import { AuditUnavailable } from './audit.errors.js';
import { AuditKey } from './chain/audit-key.js';
import { describeCaller } from './describe-caller.js';
import { describeSource } from './describe-source.js';
import { toStoredArguments } from './stored-arguments.js';

/** Errors with which the gateway refuses a call. */
const REFUSALS: ReadonlySet<number> = new Set([
  GatewayCode.deniedByPolicy,
  GatewayCode.toolDefinitionChanged,
  GatewayCode.overloaded,
]);
/** Their items have names. A URI may contain anything, so a reason does not quote it. */
const METHODS_WITH_ARGUMENTS: ReadonlySet<string> = new Set(['tools/call', 'prompts/get']);

type ServerSettings = Pick<ServerDefinition, 'audit' | 'auditArguments'>;

/** Makes audit records of uses of items of servers, as the settings and the entries of the servers say. */
@Injectable()
export class CallAudit extends TelemetrySink {
  private snapshot: RegistrySnapshot | undefined;
  /** Only of servers whose entries differ from the default. */
  private settings: ReadonlyMap<string, ServerSettings> = new Map();

  constructor(
    private readonly log: AuditLog,
    private readonly sinks: AuditSinks,
    private readonly config: AuditConfig,
    private readonly registry: ServerRegistry,
    private readonly key: AuditKey,
  ) {
    super();
  }

  /** Call it before a call is executed. @throws AuditUnavailable if the call would be a record for which there is no place */
  requirePlace({ slug, audit = this.config.calls }: ServerDefinition): void {
    if (audit === 'all' && this.sinks.refusesCalls) throw new AuditUnavailable(slug);
  }

  record(record: CallRecord, origin: CallOrigin): void {
    const { server = '', item } = record;
    // A record of a call for which there was no place would need a place.
    if (item === undefined || isWithoutPlace(record)) return;
    if (isDecision(record)) this.recordDecision(record, origin);
    else if (server !== '' && this.modeOf(server) === 'all') this.log.recordCall(() => this.describe(record, origin));
  }

  /** Like refusals are counted together; calls that may have run are not. */
  private recordDecision(record: CallRecord, origin: CallOrigin): void {
    const { server = '', code } = record;
    if (code !== GatewayCode.deniedByPolicy && this.modeOf(server) === 'none') return;
    const describe = () => this.describe(record, origin);
    if (isRefusal(record)) this.log.recordRefusal(toEvent(record, origin), describe);
    else this.log.recordCall(describe);
  }

  private modeOf(server: string): CallAuditMode {
    return this.settingsOf(server).audit ?? this.config.calls;
  }

  private settingsOf(server: string): ServerSettings {
    const { snapshot } = this.registry;
    if (snapshot !== this.snapshot) {
      this.snapshot = snapshot;
      const differing = snapshot.servers.filter(({ audit, auditArguments }) => audit !== undefined || auditArguments);
      this.settings = new Map(differing.map((each) => [each.slug, each]));
    }
    return this.settings.get(server) ?? {};
  }

  private describe(record: CallRecord, origin: CallOrigin): AuditEvent {
    const { method = '' } = record;
    const event = toEvent(record, origin);
    const given = METHODS_WITH_ARGUMENTS.has(method) ? origin.params?.['arguments'] : undefined;
    return { ...event, call: { ...toAuditedCall(record), ...this.describeArguments(record, given) } };
  }

  private describeArguments({ server = '' }: CallRecord, given: JsonValue | undefined): Partial<AuditedCall> {
    if (given === undefined) return {};
    const argumentsDigest = this.key.digestArguments(given);
    return { argumentsDigest, ...(this.settingsOf(server).auditArguments === true && toStoredArguments(given)) };
  }
}

/** Returns the event without what describes the arguments, which costs more. */
function toEvent(record: CallRecord, { caller, source }: CallOrigin): AuditEvent {
  const { method = '', item = '', reason } = record;
  const outcome = outcomeOf(record);
  const what = METHODS_WITH_ARGUMENTS.has(method) ? `${method} ${item}` : method;
  return {
    ...describeCaller(caller),
    ...(source ? describeSource(source) : { method: '', path: '' }),
    outcome,
    status: statusOf(record),
    ...(outcome !== 'done' && { reason: `${what}: ${reason ?? describeFailure(record)}` }),
    call: toAuditedCall(record),
  };
}

const isWithoutPlace = ({ isGatewayError, code }: CallRecord): boolean =>
  isGatewayError && code === GatewayCode.auditUnavailable;

/** The gateway decided against the call. Other failures before a server ran the call are no decisions. */
function isDecision({ isGatewayError, code = 0 }: CallRecord): boolean {
  return isGatewayError && REFUSALS.has(code);
}

/** A call that may have run, such as a parked one whose continuation is denied, was not refused. */
function isRefusal(record: CallRecord): boolean {
  return isDecision(record) && record.outcome === 'not_executed';
}

function outcomeOf(record: CallRecord): AuditOutcome {
  if (isRefusal(record)) return 'refused';
  return record.code === undefined && !record.isToolError ? 'done' : 'failed';
}

/** Errors of dispatched calls are often sent with HTTP 200 (ADR 1). */
function statusOf(record: CallRecord): number {
  const { httpStatus = 0, errorStatus = httpStatus } = record;
  return httpStatus < 400 && isDecision(record) ? errorStatus : httpStatus;
}

const describeFailure = ({ isToolError, code }: CallRecord): string =>
  isToolError ? 'The tool failed.' : `Error ${code ?? 0}.`;

function toAuditedCall(record: CallRecord): AuditedCall {
  const { traceId, session, code, clientEra, serverEra, parkedCall, forwardedTo, forwardedFrom } = record;
  return {
    requestId: record.requestId,
    ...(traceId !== undefined && { traceId }),
    ...(session !== undefined && { session }),
    transport: record.transport,
    endpoint: record.endpoint,
    server: record.server ?? '',
    item: record.item ?? '',
    rpcMethod: record.method ?? '',
    execution: record.outcome,
    ...(code !== undefined && { code }),
    ...(record.isToolError && { isToolError: true }),
    ...(clientEra !== undefined && { clientEra }),
    ...(serverEra !== undefined && { serverEra }),
    ...(parkedCall !== undefined && { parkedCall }),
    ...(record.interception !== undefined && { interception: record.interception }),
    ...(record.interceptedBy !== undefined && { interceptedBy: record.interceptedBy }),
    ...(forwardedTo !== undefined && { forwardedTo }),
    ...(forwardedFrom !== undefined && { forwardedFrom }),
    totalMs: toHundredths(record.totalMs),
    serverMs: toHundredths(record.serverMs),
    ...(record.clientMs > 0 && { clientMs: toHundredths(record.clientMs) }),
  };
}

const toHundredths = (ms: number): number => Math.round(ms * 100) / 100;

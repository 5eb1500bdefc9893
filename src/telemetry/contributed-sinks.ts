import { Injectable, type OnModuleInit } from '@nestjs/common';
import { CALL_RECORD_SINKS, type CallRecord } from '#lib/extension-kit';
import { Contributions, ExtensionConsumers, type ExtensionConsumer } from '../extensions/index.js';
import { CallRecorder } from './call-recorder.js';
import { TelemetrySink } from './telemetry-sink.js';

/** Passes records to the sinks of extensions, without the origin of the call. */
@Injectable()
export class ContributedSinks extends TelemetrySink implements OnModuleInit {
  private sinks: readonly ExtensionConsumer<CallRecord>[] = [];

  constructor(
    private readonly contributions: Contributions,
    private readonly consumers: ExtensionConsumers,
    private readonly recorder: CallRecorder,
  ) {
    super();
  }

  onModuleInit(): void {
    this.sinks = this.contributions
      .of(CALL_RECORD_SINKS)
      .map(({ name, instance }) =>
        this.consumers.add('call_record', name, (record: CallRecord) => instance.record(record)),
      );
    if (this.sinks.length > 0) this.recorder.addSink(this);
  }

  record(record: CallRecord): void {
    const frozen = toFrozenRecord(record);
    for (const sink of this.sinks) sink.pass(frozen);
  }
}

/** A copy for code of extensions: the record refers to the caller, whom they must not change. */
export function toFrozenRecord(record: CallRecord): CallRecord {
  const { principal, teams } = record;
  return Object.freeze({
    ...record,
    principal: principal && Object.freeze({ issuer: principal.issuer, subject: principal.subject }),
    teams: teams && Object.freeze([...teams]),
  });
}

import type { ChainedRecord } from '../audit-record.js';
import { toLine } from './audit-sink.js';

/** Facility 13, "log audit" (RFC 5424, 6.2.1). */
const FACILITY = 13;
const SEVERITY_NOTICE = 5;
const SEVERITY_WARNING = 4;
const MAX_HOST_LENGTH = 255;

/** Parts of the header that are the same in every message. */
export interface SyslogOrigin {
  readonly host: string;
  readonly process: number;
}

/** A message as in RFC 5424, 6: its text is the record as one JSON object. JSON escapes line breaks. */
export function toSyslogMessage(record: ChainedRecord, { host, process }: SyslogOrigin): string {
  const severity = record.outcome === 'done' ? SEVERITY_NOTICE : SEVERITY_WARNING;
  const priority = FACILITY * 8 + severity;
  // The header allows printable ASCII only.
  const hostName = host.replaceAll(/[^\u0021-\u007e]/g, '?').slice(0, MAX_HOST_LENGTH) || '-';
  return `<${priority}>1 ${record.at.toISOString()} ${hostName} isthmus ${process} audit - ${toLine(record)}`;
}

/** Octet counting (RFC 6587, 3.4.1; required over TLS by RFC 5425, 4.3): the length of each message precedes it. */
export function toFrame(message: string): string {
  return `${Buffer.byteLength(message)} ${message}`;
}

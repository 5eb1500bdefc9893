import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Clock } from '#lib/time';
import type { AuditSink } from './audit-sink.js';
import { FileSink } from './file-sink.js';
import { StdoutSink } from './stdout-sink.js';
import { createSyslogSink, type SyslogTarget } from './syslog-sink.js';

/** Forms of the URL of a stream, for error messages. */
export const STREAM_FORMS =
  'stdout:, file:///path/audit.jsonl, syslog+udp://host:514, syslog+tcp://host:601, syslog+tls://host:6514 or syslog+unix:///path';

const DEFAULT_PORTS = { udp: 514, tcp: 601, tls: 6514 } as const;

type StreamTarget =
  | { readonly kind: 'stdout' }
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'syslog'; readonly target: SyslogTarget };

/** Parses the URL of a stream. Undefined: it has none of the forms. */
function parseStream(text: string): StreamTarget | undefined {
  const url = URL.parse(text);
  if (!url || url.search !== '' || url.hash !== '' || url.username !== '' || url.password !== '') return undefined;
  if (url.protocol === 'stdout:') return text === 'stdout:' ? { kind: 'stdout' } : undefined;
  if (url.protocol === 'file:') return toFile(url);
  const transport = /^syslog\+(udp|tcp|tls|unix):$/.exec(url.protocol)?.[1];
  if (transport === 'unix')
    return url.host === '' && isAbsolute(url.pathname)
      ? { kind: 'syslog', target: { transport, path: decodeURIComponent(url.pathname) } }
      : undefined;
  if (transport !== 'udp' && transport !== 'tcp' && transport !== 'tls') return undefined;
  if (url.hostname === '' || !['', '/'].includes(url.pathname)) return undefined;
  const port = url.port === '' ? DEFAULT_PORTS[transport] : Number(url.port);
  return { kind: 'syslog', target: { transport, host: url.hostname.replaceAll(/[[\]]/g, ''), port } };
}

function toFile(url: URL): StreamTarget | undefined {
  return url.host === '' && url.pathname.length > 1 ? { kind: 'file', path: fileURLToPath(url) } : undefined;
}

export const isStream = (text: string): boolean => parseStream(text) !== undefined;

/** Creates the sink of a stream. @throws Error unless `isStream` */
export function createStreamSink(text: string, clock: Clock): AuditSink {
  const stream = parseStream(text);
  if (!stream) throw new Error(`${text} must have one of the forms ${STREAM_FORMS}.`);
  if (stream.kind === 'stdout') return new StdoutSink(text);
  return stream.kind === 'file' ? new FileSink(text, stream.path) : createSyslogSink(text, stream.target, clock);
}

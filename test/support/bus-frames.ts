import type { MonitoredCommand } from './redis-monitor.js';

/** A frame between workers as it was published. */
export interface CapturedFrame {
  readonly channel: string;
  readonly box: 'inbox' | 'replies';
  /** Whose channel it is. */
  readonly worker: string;
  readonly kind: string;
  readonly from: string;
  readonly to: string;
  readonly request: string;
  /** The whole frame, its MAC included. */
  readonly bytes: Buffer;
}

const KINDS = ['request', 'cancel', 'credit', 'canary', 'accept', 'refuse', 'event', 'end', 'probe'];
/** Bytes of the MAC that comes first. */
export const MAC_BYTES = 16;
const LENGTH_BYTES = 4;
const KIND_AT = MAC_BYTES + 1;
const NAMES_AT = MAC_BYTES + 9;

/** The frames among what a Redis was told, without those that workers send to themselves. */
export function framesIn(commands: readonly MonitoredCommand[]): CapturedFrame[] {
  return publishedIn(commands).filter(({ kind }) => kind !== 'canary');
}

/** Who sends frames to itself: every worker that lives. */
export function workersIn(commands: readonly MonitoredCommand[]): Set<string> {
  const canaries = publishedIn(commands).filter(({ kind }) => kind === 'canary');
  return new Set(canaries.map(({ from }) => from));
}

function publishedIn(commands: readonly MonitoredCommand[]): CapturedFrame[] {
  return commands.flatMap(([name = '', channel = '', text = '']) => {
    const [, box, worker = ''] = /:(inbox|replies):\{(.+)\}$/.exec(channel) ?? [];
    if (name.toUpperCase() !== 'PUBLISH' || (box !== 'inbox' && box !== 'replies')) return [];
    return bundledIn(Buffer.from(text, 'latin1')).map((bytes) => {
      const [from = '', to = '', request = ''] = namesIn(bytes);
      return { channel, box, worker, kind: KINDS[bytes[KIND_AT] ?? -1] ?? 'none', from, to, request, bytes };
    });
  });
}

/** Several frames travel in one message, each behind its length. */
function bundledIn(message: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < message.length;) {
    const end = at + LENGTH_BYTES + message.readUInt32BE(at);
    frames.push(message.subarray(at + LENGTH_BYTES, end));
    at = end;
  }
  return frames;
}

/** A frame as it is published by itself. */
export function toBundle(frame: Buffer): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(frame.length);
  return Buffer.concat([length, frame]);
}

/** Read by a hand of its own: what is held against the workers must not rest on what they say. */
function namesIn(bytes: Buffer): string[] {
  const names: string[] = [];
  let at = NAMES_AT;
  while (names.length < 3) {
    const end = at + 1 + (bytes[at] ?? 0);
    names.push(bytes.toString('utf8', at + 1, end));
    at = end;
  }
  return names;
}

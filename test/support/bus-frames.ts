import type { MonitoredCommand } from './redis-monitor.js';

/** A captured frame between workers. */
export interface CapturedFrame {
  readonly channel: string;
  readonly box: 'inbox' | 'replies';
  /** The worker that the channel belongs to. */
  readonly worker: string;
  readonly kind: string;
  readonly from: string;
  readonly to: string;
  readonly request: string;
  /** The complete frame, including its MAC. */
  readonly bytes: Buffer;
}

const KINDS = ['request', 'cancel', 'credit', 'canary', 'accept', 'refuse', 'event', 'end', 'probe'];
/** Length of the MAC at the start of a frame. */
export const MAC_BYTES = 16;
const LENGTH_BYTES = 4;
const KIND_AT = MAC_BYTES + 1;
const NAMES_AT = MAC_BYTES + 9;

/** The published frames in Redis commands, without the canaries that workers send to themselves. */
export function framesIn(commands: readonly MonitoredCommand[]): CapturedFrame[] {
  return publishedIn(commands).filter(({ kind }) => kind !== 'canary');
}

/** The alive workers, which are those that send canaries. */
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

/** Splits a message into its frames, each of which follows its length. */
function bundledIn(message: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < message.length;) {
    const end = at + LENGTH_BYTES + message.readUInt32BE(at);
    frames.push(message.subarray(at + LENGTH_BYTES, end));
    at = end;
  }
  return frames;
}

/** Encodes a single frame as a message. */
export function toBundle(frame: Buffer): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeUInt32BE(frame.length);
  return Buffer.concat([length, frame]);
}

/** Parses the names independently of the bus: tests of the workers must not use the workers' own code. */
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

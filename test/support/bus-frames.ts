import { createDecipheriv, hkdfSync } from 'node:crypto';
import { DataFolder } from '../../src/data-folder/index.js';
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
  /** The complete frame, as it was published. */
  readonly bytes: Buffer;
  /** The decrypted frame. */
  readonly content: Buffer;
}

const KINDS = ['request', 'cancel', 'credit', 'canary', 'accept', 'refuse', 'event', 'end', 'probe'];
const SALT_BYTES = 16;
const COUNTER_BYTES = 8;
const TAG_BYTES = 16;
/** Number of bytes before the encrypted content of a frame. */
export const SEAL_BYTES = SALT_BYTES + COUNTER_BYTES + TAG_BYTES;
const LENGTH_BYTES = 4;
const KIND_AT = 1;
const NAMES_AT = 9;

/** Reads the published frames in Redis commands with the secret of the workers, which no reader of Redis has. */
export class FrameReader {
  private constructor(private readonly secret: Buffer) {}

  /** `folder`: the data folder of the workers, which contains their secret. */
  static async open(folder: string): Promise<FrameReader> {
    const { secrets } = await DataFolder.open(folder);
    return new FrameReader(Buffer.from(hkdfSync('sha256', secrets.session, '', 'isthmus worker bus', 32)));
  }

  /** The published frames, without the canaries that workers send to themselves. */
  framesIn(commands: readonly MonitoredCommand[]): CapturedFrame[] {
    return this.publishedIn(commands).filter(({ kind }) => kind !== 'canary');
  }

  /** The alive workers, which are those that send canaries. */
  workersIn(commands: readonly MonitoredCommand[]): Set<string> {
    const canaries = this.publishedIn(commands).filter(({ kind }) => kind === 'canary');
    return new Set(canaries.map(({ from }) => from));
  }

  private publishedIn(commands: readonly MonitoredCommand[]): CapturedFrame[] {
    return commands.flatMap(([name = '', channel = '', text = '']) => {
      const [, box, worker = ''] = /:(inbox|replies):\{(.+)\}$/.exec(channel) ?? [];
      if (name.toUpperCase() !== 'PUBLISH' || (box !== 'inbox' && box !== 'replies')) return [];
      return bundledIn(Buffer.from(text, 'latin1')).map((bytes) => {
        const content = this.decrypt(`${box} ${worker}\0`, bytes);
        const [from = '', to = '', request = ''] = namesIn(content);
        const kind = KINDS[content[KIND_AT] ?? -1] ?? 'none';
        return { channel, box, worker, kind, from, to, request, bytes, content };
      });
    });
  }

  /**
   * Decrypts altered frames as well, and independently of the bus: tests of the workers must not use the workers' own
   * code.
   */
  private decrypt(channel: string, bytes: Buffer): Buffer {
    if (bytes.length < SEAL_BYTES) return Buffer.alloc(0);
    const salt = bytes.subarray(0, SALT_BYTES);
    const key = Buffer.from(hkdfSync('sha256', this.secret, salt, 'worker-bus frames 2', 32));
    const nonce = Buffer.concat([Buffer.alloc(4), bytes.subarray(SALT_BYTES, SALT_BYTES + COUNTER_BYTES)]);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(channel));
    return decipher.update(bytes.subarray(SEAL_BYTES));
  }
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

import { hkdfSync } from 'node:crypto';
import { Redis } from 'ioredis';
import { FrameCipher } from '#lib/worker-bus/testing';
import { DataFolder } from '../../src/data-folder/index.js';
import { SEAL_BYTES, toBundle, type CapturedFrame } from './bus-frames.js';

/** A forged message for a channel of a worker. */
export interface Forgery {
  readonly channel: string;
  readonly bytes: Buffer;
}

type Replacement = readonly [from: string, to: string];

/**
 * An attacker who can publish to Redis. It can also seal frames like a worker, so that tests distinguish frames that
 * are dropped for their seal from frames that are dropped despite a valid seal.
 */
export class Forger {
  private constructor(
    private readonly redis: Redis,
    private readonly cipher: FrameCipher,
  ) {}

  /** `folder`: the data folder of the workers, which contains their secret. */
  static async open(url: string, folder: string): Promise<Forger> {
    const { secrets } = await DataFolder.open(folder);
    const secret = Buffer.from(hkdfSync('sha256', secrets.session, '', 'isthmus worker bus', 32));
    return new Forger(new Redis(url), new FrameCipher(secret));
  }

  /** Publishes a forgery and returns the number of receivers. */
  publish({ channel, bytes }: Forgery): Promise<number> {
    return this.redis.publish(channel, toBundle(bytes));
  }

  /**
   * The frame with texts replaced by others of the same length, under its old seal: an attacker who knows the content can
   * change the encrypted one bit by bit, and only the authentication tag shows it.
   */
  rewritten(frame: CapturedFrame, ...replacements: readonly Replacement[]): Forgery {
    const content = contentOf(frame, replacements);
    const bytes = Buffer.from(frame.bytes);
    for (let at = 0; at < content.length; at += 1) {
      const change = (frame.content[at] ?? 0) ^ (content[at] ?? 0);
      bytes[SEAL_BYTES + at] = (bytes[SEAL_BYTES + at] ?? 0) ^ change;
    }
    return { channel: frame.channel, bytes };
  }

  /** The same frame under a valid seal. */
  resealed(frame: CapturedFrame, ...replacements: readonly Replacement[]): Forgery {
    const { channel, worker, box } = frame;
    return { channel, bytes: this.cipher.seal({ worker, box }, contentOf(frame, replacements)) };
  }

  close(): void {
    this.redis.disconnect();
  }
}

function contentOf({ content }: CapturedFrame, replacements: readonly Replacement[]): Buffer {
  const before = content.toString('latin1');
  const after = replacements.reduce((text, [from, to]) => {
    if (!text.includes(from) || from.length !== to.length) throw new RangeError(`${from} cannot become ${to}`);
    return text.replaceAll(from, to);
  }, before);
  return Buffer.from(after, 'latin1');
}

import { hkdfSync } from 'node:crypto';
import { Redis } from 'ioredis';
import { FrameMac } from '#lib/worker-bus/testing';
import { DataFolder } from '../../src/data-folder/index.js';
import { toBundle, MAC_BYTES, type CapturedFrame } from './bus-frames.js';

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
    private readonly seal: FrameMac,
  ) {}

  /** `folder`: the data folder of the workers, which contains their secret. */
  static async open(url: string, folder: string): Promise<Forger> {
    const { secrets } = await DataFolder.open(folder);
    const secret = Buffer.from(hkdfSync('sha256', secrets.session, '', 'isthmus worker bus', 32));
    return new Forger(new Redis(url), new FrameMac(secret));
  }

  /** Publishes a forgery and returns the number of receivers. */
  publish({ channel, bytes }: Forgery): Promise<number> {
    return this.redis.publish(channel, toBundle(bytes));
  }

  /** The frame with texts replaced by others of the same length, under its old seal. */
  rewritten({ channel, bytes }: CapturedFrame, ...replacements: readonly Replacement[]): Forgery {
    const content = contentOf(bytes, replacements);
    return { channel, bytes: Buffer.concat([bytes.subarray(0, MAC_BYTES), content]) };
  }

  /** The same frame under a valid seal. */
  resealed({ channel, bytes, worker, box }: CapturedFrame, ...replacements: readonly Replacement[]): Forgery {
    return { channel, bytes: this.seal.sign({ worker, box }, contentOf(bytes, replacements)) };
  }

  close(): void {
    this.redis.disconnect();
  }
}

function contentOf(bytes: Buffer, replacements: readonly Replacement[]): Buffer {
  const before = bytes.toString('latin1', MAC_BYTES);
  const after = replacements.reduce((text, [from, to]) => {
    if (!text.includes(from) || from.length !== to.length) throw new RangeError(`${from} cannot become ${to}`);
    return text.replaceAll(from, to);
  }, before);
  return Buffer.from(after, 'latin1');
}

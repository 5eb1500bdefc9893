import { hkdfSync } from 'node:crypto';
import { Redis } from 'ioredis';
import { FrameSeal } from '#lib/worker-bus/testing';
import { DataFolder } from '../../src/data-folder/index.js';
import { bundled, MAC_BYTES, type SeenFrame } from './bus-frames.js';

/** Bytes for a channel of a worker. */
export interface Forgery {
  readonly channel: string;
  readonly bytes: Buffer;
}

type Rewriting = readonly [from: string, to: string];

/**
 * Somebody who can publish whatever he likes. What he seals himself would come from a worker: so tests tell what is
 * dropped for want of a seal from what is dropped in spite of one.
 */
export class Forger {
  private constructor(
    private readonly redis: Redis,
    private readonly seal: FrameSeal,
  ) {}

  /** `folder`: the data folder of the workers, where their secret lies. */
  static async open(url: string, folder: string): Promise<Forger> {
    const { secrets } = await DataFolder.open(folder);
    const secret = Buffer.from(hkdfSync('sha256', secrets.session, '', 'isthmus worker bus', 32));
    return new Forger(new Redis(url), new FrameSeal(secret));
  }

  /** How many heard it. */
  publish({ channel, bytes }: Forgery): Promise<number> {
    return this.redis.publish(channel, bundled(bytes));
  }

  /** The frame with other texts of the same length in it, under its old seal. */
  rewritten({ channel, bytes }: SeenFrame, ...rewritings: readonly Rewriting[]): Forgery {
    const content = contentOf(bytes, rewritings);
    return { channel, bytes: Buffer.concat([bytes.subarray(0, MAC_BYTES), content]) };
  }

  /** The same under the seal that it should have. */
  resealed({ channel, bytes, worker, box }: SeenFrame, ...rewritings: readonly Rewriting[]): Forgery {
    return { channel, bytes: this.seal.seal({ worker, box }, contentOf(bytes, rewritings)) };
  }

  close(): void {
    this.redis.disconnect();
  }
}

function contentOf(bytes: Buffer, rewritings: readonly Rewriting[]): Buffer {
  const before = bytes.toString('latin1', MAC_BYTES);
  const after = rewritings.reduce((text, [from, to]) => {
    if (!text.includes(from) || from.length !== to.length) throw new RangeError(`${from} cannot become ${to}`);
    return text.replaceAll(from, to);
  }, before);
  return Buffer.from(after, 'latin1');
}

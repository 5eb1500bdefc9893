import { MAX_FRAME_BYTES } from '../protocol.js';
import type { Address, Wire } from '../ports/index.js';
import { chunksOf } from './chunks.js';
import { encodeFrame, headerBytes, type Frame, type FrameKind } from './frame.js';
import { SEAL_BYTES, type FrameSeal } from './frame-seal.js';

/** What a frame says beside who sends it; a missing payload is empty. */
export interface Note {
  readonly kind: FrameKind;
  readonly request: string;
  readonly number?: number;
  readonly more?: boolean;
  readonly payload?: Buffer;
}

const EMPTY = Buffer.alloc(0);

/** Seals and publishes the frames of this worker. */
export class Outbox {
  constructor(
    private readonly me: string,
    private readonly wire: Wire,
    private readonly frameSeal: FrameSeal,
  ) {}

  /** A sealed frame, ready to be published to this address by whoever. */
  seal(to: Address, note: Note): Buffer {
    const frame: Frame = { number: 0, more: false, payload: EMPTY, ...note, from: this.me, to: to.worker };
    return this.frameSeal.seal(to, encodeFrame(frame));
  }

  /** Resolves with the number of receivers; rejects with RelayFailure, or with RangeError for too long a name. */
  async send(to: Address, note: Note): Promise<number> {
    return this.publish(to, this.seal(to, note));
  }

  /** Publishes a sealed frame; resolves with the number of receivers, rejects with RelayFailure. */
  publish(to: Address, frame: Buffer): Promise<number> {
    return this.wire.publish(to, frame);
  }

  /** Pieces of a message that fit into one frame each. */
  cut(to: Address, request: string, message: Buffer): Buffer[] {
    const overhead = SEAL_BYTES + headerBytes({ from: this.me, to: to.worker, request });
    return chunksOf(message, MAX_FRAME_BYTES - overhead);
  }
}

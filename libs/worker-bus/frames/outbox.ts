import { MAX_FRAME_BYTES } from '../protocol.js';
import type { Address, Wire } from '../ports/index.js';
import { splitIntoChunks } from './chunks.js';
import { encodeFrame, headerBytes, type Frame, type FrameKind } from './frame.js';
import { SEAL_BYTES, type FrameCipher } from './frame-cipher.js';

/** A frame without its sender and receiver; a missing payload is empty. */
export interface OutgoingFrame {
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
    private readonly workerId: string,
    private readonly wire: Wire,
    private readonly cipher: FrameCipher,
  ) {}

  /** Returns a sealed frame that any process may publish to this address. */
  seal(to: Address, outgoing: OutgoingFrame): Buffer {
    const frame: Frame = { number: 0, more: false, payload: EMPTY, ...outgoing, from: this.workerId, to: to.worker };
    return this.cipher.seal(to, encodeFrame(frame));
  }

  /** Resolves with the number of receivers; rejects with RelayFailure, or with RangeError for too long a name. */
  async send(to: Address, outgoing: OutgoingFrame): Promise<number> {
    return this.publish(to, this.seal(to, outgoing));
  }

  /** Publishes a sealed frame; resolves with the number of receivers, rejects with RelayFailure. */
  publish(to: Address, frame: Buffer): Promise<number> {
    return this.wire.publish(to, frame);
  }

  /** Splits a message into parts that fit into one frame each. */
  split(to: Address, request: string, message: Buffer): Buffer[] {
    const overhead = SEAL_BYTES + headerBytes({ from: this.workerId, to: to.worker, request });
    return splitIntoChunks(message, MAX_FRAME_BYTES - overhead);
  }
}

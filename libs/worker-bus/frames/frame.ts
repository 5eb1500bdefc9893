/**
 * Kinds of frames. An inbox receives `request`, `cancel`, `credit` and `canary`; the replies receive `accept`,
 * `refuse`, `event`, `end` and `probe`.
 */
export type FrameKind = (typeof KINDS)[number];

export interface Frame {
  readonly kind: FrameKind;
  /** Incarnation of the worker that sends the frame. */
  readonly from: string;
  /** Incarnation of the worker that receives the frame. */
  readonly to: string;
  /** Id of the request that the frame belongs to. */
  readonly request: string;
  /** Position among the frames of one request and direction, from 0; in a `credit`, the bytes consumed so far. */
  readonly number: number;
  /** The payload continues in the next frame. */
  readonly more: boolean;
  readonly payload: Buffer;
}

const KINDS = ['request', 'cancel', 'credit', 'canary', 'accept', 'refuse', 'event', 'end', 'probe'] as const;

/** Frames of another version are dropped: their sender gets no reply and revokes its request. */
const VERSION = 1;
/** Version, kind, flags, number. */
const FIXED_BYTES = 9;
const NUMBER_AT = 3;
const NUMBER_BYTES = 6;
const MORE_FLAG = 1;

/** Returns the number of bytes of a frame beside its payload. */
export function headerBytes(frame: Pick<Frame, 'from' | 'to' | 'request'>): number {
  return (
    FIXED_BYTES + [frame.from, frame.to, frame.request].reduce((sum, text) => sum + 1 + Buffer.byteLength(text), 0)
  );
}

/** @throws RangeError for a name of more than 255 bytes */
export function encodeFrame(frame: Frame): Buffer {
  const header = Buffer.alloc(headerBytes(frame));
  header.writeUInt8(VERSION, 0);
  header.writeUInt8(KINDS.indexOf(frame.kind), 1);
  header.writeUInt8(frame.more ? MORE_FLAG : 0, 2);
  header.writeUIntBE(frame.number, NUMBER_AT, NUMBER_BYTES);
  let at = FIXED_BYTES;
  for (const text of [frame.from, frame.to, frame.request]) {
    const length = header.write(text, at + 1);
    header.writeUInt8(Buffer.byteLength(text), at);
    at += 1 + length;
  }
  return Buffer.concat([header, frame.payload]);
}

/** Returns undefined for bytes that are not a frame of this version. */
export function decodeFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < FIXED_BYTES || bytes[0] !== VERSION) return undefined;
  const kind = KINDS[bytes.readUInt8(1)];
  if (kind === undefined) return undefined;
  const texts: string[] = [];
  let at = FIXED_BYTES;
  while (texts.length < 3) {
    const end = at + 1 + (bytes[at] ?? Infinity);
    if (end > bytes.length) return undefined;
    texts.push(bytes.toString('utf8', at + 1, end));
    at = end;
  }
  const [from = '', to = '', request = ''] = texts;
  const number = bytes.readUIntBE(NUMBER_AT, NUMBER_BYTES);
  return { kind, from, to, request, number, more: bytes[2] === MORE_FLAG, payload: bytes.subarray(at) };
}

import type { Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import type { TransportFault } from '#lib/mcp-protocol';

/** Maximum number of codings of one body; each costs memory of its own. */
const MAX_CODINGS = 3;
/** Maximum size of a decoded body relative to what was received. JSON text reaches a few dozen. */
const MAX_RATIO = 200;
/** Size up to which the ratio does not matter, in bytes. */
const RATIO_FREE_BYTES = 1_048_576;

/** Node 20 has no zstd. Its window is bounded as RFC 9659 asks. */
const createZstd = zlib.createZstdDecompress as typeof zlib.createZstdDecompress | undefined;
const ZSTD_OPTIONS = { params: { [zlib.constants.ZSTD_d_windowLogMax]: 23 } };

const DECODERS: ReadonlyMap<string, () => Transform> = new Map([
  ['gzip', () => zlib.createGunzip()],
  ['x-gzip', () => zlib.createGunzip()],
  ['deflate', () => zlib.createInflate()],
  ['br', () => zlib.createBrotliDecompress()],
  ...(createZstd === undefined ? [] : ([['zstd', () => createZstd(ZSTD_OPTIONS)]] as const)),
]);

/** The codings that `BodyDecoder` decodes, as the value of `Accept-Encoding`. */
export const DECODABLE_CODINGS = [...DECODERS.keys()].filter((coding) => coding !== 'x-gzip').join(', ');

/** Receives a decoded body. The last call is `decoded` without bytes, or `undecodable`. */
export interface DecodedBody {
  decoded(bytes: Buffer | undefined): void;
  undecodable(fault: TransportFault, detail: string): void;
}

/** Slows down what delivers a body. */
export interface FlowControl {
  pause(): void;
  resume(): void;
}

/** Returns the codings of a body in the order in which they were applied. `identity` is none. */
export function codingsOf(contentEncoding: string | string[] | undefined): readonly string[] {
  if (contentEncoding === undefined) return [];
  const names = String(contentEncoding)
    .split(',')
    .map((name) => name.trim().toLowerCase());
  return names.filter((name) => name !== '' && name !== 'identity');
}

export const isDecodable = (codings: readonly string[]): boolean =>
  codings.length <= MAX_CODINGS && codings.every((coding) => DECODERS.has(coding));

/** Decodes a body while it arrives. A slow reader slows down the source. */
export class BodyDecoder implements FlowControl {
  private first: Transform | undefined;
  private last: Transform | undefined;
  private received = 0;
  private produced = 0;
  private isOver = false;

  constructor(
    private readonly codings: readonly string[],
    private readonly target: DecodedBody,
    private readonly source: FlowControl,
  ) {}

  write(chunk: Buffer): void {
    if (this.isOver || chunk.length === 0) return;
    this.received += chunk.length;
    this.first ??= this.open(chunk);
    if (!this.first.write(chunk)) this.source.pause();
  }

  end(): void {
    if (this.isOver) return;
    if (this.first !== undefined) this.first.end();
    else this.finish(() => this.target.decoded(undefined));
  }

  pause(): void {
    this.last?.pause();
  }

  resume(): void {
    this.last?.resume();
  }

  destroy(): void {
    this.isOver = true;
    this.first?.destroy();
    this.last?.destroy();
  }

  /** The coding that was applied last is removed first. */
  private open(chunk: Buffer): Transform {
    const decoders = this.codings
      .toReversed()
      .map((coding, index) => createDecoder(coding, index === 0 ? chunk : undefined));
    const [first] = decoders as [Transform];
    const last = decoders.reduce((before, next) => before.pipe(next));
    for (const decoder of decoders) decoder.on('error', (error) => this.fail(error));
    first.on('drain', () => this.source.resume());
    last.on('data', (bytes: Buffer) => this.emit(bytes));
    last.on('end', () => this.finish(() => this.target.decoded(undefined)));
    this.last = last;
    return first;
  }

  private emit(bytes: Buffer): void {
    if (this.isOver) return;
    this.produced += bytes.length;
    if (this.produced <= RATIO_FREE_BYTES || this.produced <= this.received * MAX_RATIO)
      return this.target.decoded(bytes);
    this.finish(() => this.target.undecodable('too_large', 'it is compressed beyond measure'));
  }

  private fail(error: Error): void {
    const isCut = 'code' in error && error.code === 'Z_BUF_ERROR';
    this.finish(() =>
      isCut
        ? this.target.undecodable('cut', '')
        : this.target.undecodable('undecodable', `its ${this.codings.join(', ')} data is invalid`),
    );
  }

  private finish(report: () => void): void {
    if (this.isOver) return;
    this.destroy();
    report();
  }
}

/** Many servers send `deflate` without the header of zlib, whose first byte has 8 in its lower half (RFC 1950). */
function createDecoder(coding: string, chunk: Buffer | undefined): Transform {
  const isRaw = coding === 'deflate' && chunk !== undefined && ((chunk[0] ?? 0) & 0x0f) !== 8;
  const create = isRaw ? zlib.createInflateRaw : DECODERS.get(coding);
  if (create === undefined) throw new Error(`The coding ${coding} is unknown.`);
  return create();
}

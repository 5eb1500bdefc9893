import { IsInt, Max, Min } from 'class-validator';
import { Env } from '#lib/config';

/** Bounds of what clients may send and how streams to them are kept. */
export class TransportConfig {
  /** Largest request body. Larger ones are refused with 413. */
  @Env('ISTHMUS_MAX_BODY', { as: 'size' })
  @IsInt()
  @Min(1_024)
  readonly maxBodyBytes: number = 8 * 1024 * 1024;

  /** Most messages of one batch, from clients whose revision has batches. */
  @Env('ISTHMUS_MAX_BATCH')
  @IsInt()
  @Min(1)
  @Max(1_000)
  readonly maxBatch: number = 50;

  /** A quiet stream is kept open by a comment so often; a call that has not answered for so long becomes a stream. */
  @Env('ISTHMUS_KEEP_ALIVE', { as: 'duration' })
  @IsInt()
  @Min(100)
  readonly keepAliveMs: number = 15_000;

  /** Most bytes that wait for one slow reader. Beyond that its connection is closed; it may resume. */
  @Env('ISTHMUS_MAX_STREAM_BUFFER', { as: 'size' })
  @IsInt()
  @Min(16_384)
  readonly maxStreamBufferBytes: number = 16 * 1024 * 1024;
}

import { IsInt, Max, Min } from 'class-validator';
import { Env } from '#lib/config';

/** Limits for requests of clients and for streams to them. */
export class TransportConfig {
  /** Maximum size of a request body. Larger bodies are rejected with 413. */
  @Env('ISTHMUS_MAX_BODY', { as: 'size' })
  @IsInt()
  @Min(1_024)
  readonly maxBodyBytes: number = 8 * 1024 * 1024;

  /** Maximum number of messages in one batch, for clients whose revision supports batches. */
  @Env('ISTHMUS_MAX_BATCH')
  @IsInt()
  @Min(1)
  @Max(1_000)
  readonly maxBatch: number = 50;

  /** Interval of keep-alive comments on open streams, as a duration. A call without an answer after this time becomes a stream. */
  @Env('ISTHMUS_KEEP_ALIVE', { as: 'duration' })
  @IsInt()
  @Min(100)
  readonly keepAliveMs: number = 15_000;

  /** Maximum size of the buffer for one slow client. Its connection is closed above this size; the client may resume. */
  @Env('ISTHMUS_MAX_STREAM_BUFFER', { as: 'size' })
  @IsInt()
  @Min(16_384)
  readonly maxStreamBufferBytes: number = 16 * 1024 * 1024;
}

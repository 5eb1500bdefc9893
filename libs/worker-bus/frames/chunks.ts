/** Splits bytes into chunks of at most `size` bytes; at least one, which may be empty. Copies nothing. */
export function splitIntoChunks(bytes: Buffer, size: number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  return chunks.length === 0 ? [bytes] : chunks;
}

/** Joins chunks in one copy. */
export class Joiner {
  private parts: Buffer[] = [];

  add(part: Buffer): void {
    this.parts.push(part);
  }

  /** Returns all parts added since the last call. */
  join(): Buffer {
    const [only, second] = this.parts;
    const whole = only !== undefined && second === undefined ? only : Buffer.concat(this.parts);
    this.parts = [];
    return whole;
  }
}

const LENGTH_BYTES = 4;

/** Joins frames into one message, each preceded by its length (32 bits, big-endian). */
export function toBundle(frames: readonly Buffer[]): Buffer {
  return Buffer.concat(
    frames.flatMap((frame) => {
      const length = Buffer.allocUnsafe(LENGTH_BYTES);
      length.writeUInt32BE(frame.length);
      return [length, frame];
    }),
  );
}

/** Reads the frames of a bundle. Bytes after the last complete frame are ignored: no worker sends any. */
export function readBundle(bundle: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at + LENGTH_BYTES <= bundle.length;) {
    const begin = at + LENGTH_BYTES;
    const end = begin + bundle.readUInt32BE(at);
    if (end > bundle.length) break;
    frames.push(bundle.subarray(begin, end));
    at = end;
  }
  return frames;
}

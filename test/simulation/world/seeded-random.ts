/** Pseudo-random numbers that repeat for the same seed (mulberry32). */
export class SeededRandom {
  constructor(private state: number) {}

  /** In [0, 1). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), 1 | this.state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  between(least: number, most: number): number {
    return least + this.next() * (most - least);
  }

  boolean(): boolean {
    return this.next() < 0.5;
  }

  /** 128 bits as base64url, the form of worker ids and request ids. */
  id(): string {
    const bytes = Buffer.alloc(16);
    for (let place = 0; place < 16; place += 4) bytes.writeUInt32LE(Math.floor(this.next() * 4_294_967_296), place);
    return bytes.toString('base64url');
  }
}

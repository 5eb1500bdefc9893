import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Mailbox, Relay, Ticket } from '../ports/index.js';

/** A relay for the contract: `connect` gives another worker its own view of what they share. */
export interface RelayUnderTest {
  connect(): Relay | Promise<Relay>;
  close(): Promise<void>;
}

const drawName = () => randomBytes(16).toString('base64url');

/** What arrives for one worker, in order. */
class Letters implements Mailbox {
  readonly frames: { box: 'inbox' | 'replies'; text: string; bytes: number }[] = [];
  private wake = () => {};

  request(frame: Buffer): void {
    this.take('inbox', frame);
  }

  reply(frame: Buffer): void {
    this.take('replies', frame);
  }

  async until(count: number): Promise<readonly string[]> {
    while (this.frames.length < count) await new Promise<void>((resolve) => (this.wake = resolve));
    return this.frames.map(({ box, text }) => `${box} ${text}`);
  }

  private take(box: 'inbox' | 'replies', frame: Buffer): void {
    this.frames.push({ box, text: frame.toString('latin1').slice(0, 40), bytes: frame.length });
    this.wake();
  }
}

/** What every relay promises, whatever carries it. */
export function relayContract(name: string, make: () => Promise<RelayUnderTest>): void {
  describe(`a relay (${name})`, () => {
    let world: RelayUnderTest;
    let mine: Relay;
    let other: Relay;

    beforeAll(async () => {
      world = await make();
      [mine, other] = [await world.connect(), await world.connect()];
    });
    afterAll(() => world.close());

    /** A worker that is announced and listens, and a request of its own. */
    const worker = async (relay = mine) => {
      const incarnation = drawName();
      const letters = new Letters();
      await relay.listen(incarnation, letters);
      const { generation, now } = await relay.announce(incarnation, 5_000);
      const ticket = (changes: Partial<Ticket> = {}): Ticket => ({
        requester: incarnation,
        request: drawName(),
        generation,
        notAfter: now + 10_000,
        ...changes,
      });
      return { incarnation, letters, ticket, now };
    };
    const accept = Buffer.from('accept');

    describe('carries frames', () => {
      it('to the one who listens, in order, byte for byte', async () => {
        const { incarnation, letters } = await worker();
        const bytes = Buffer.from([0, 255, 13, 10, 128]);
        const counts = await Promise.all([
          other.publish({ worker: incarnation, box: 'inbox' }, bytes),
          other.publish({ worker: incarnation, box: 'replies' }, Buffer.from('second')),
          other.publish({ worker: incarnation, box: 'inbox' }, Buffer.alloc(64 * 1024, 'a')),
        ]);
        expect(counts).toEqual([1, 1, 1]);
        const arrived = await letters.until(3);
        expect(arrived.filter((letter) => letter.startsWith('inbox'))).toEqual([
          `inbox ${bytes.toString('latin1')}`,
          `inbox ${'a'.repeat(40)}`,
        ]);
        expect(arrived).toContain('replies second');
        expect(Math.max(...letters.frames.map((frame) => frame.bytes))).toBe(64 * 1024);
      });

      it('in the order of publishing, however many', async () => {
        const { incarnation, letters } = await worker();
        const numbers = Array.from({ length: 200 }, (_, index) => `${index}`);
        await Promise.all(
          numbers.map((text) => other.publish({ worker: incarnation, box: 'inbox' }, Buffer.from(text))),
        );
        expect(await letters.until(200)).toEqual(numbers.map((text) => `inbox ${text}`));
      });

      it('to nobody else, and says when nobody was there', async () => {
        const bystander = await worker();
        const { incarnation, letters } = await worker(other);
        expect(await mine.publish({ worker: drawName(), box: 'inbox' }, accept)).toBe(0);
        expect(await mine.publish({ worker: incarnation, box: 'replies' }, accept)).toBe(1);
        await letters.until(1);
        expect(bystander.letters.frames).toEqual([]);
      });

      it('to whoever listened last, when a worker listens anew', async () => {
        const { incarnation, letters } = await worker();
        const anew = new Letters();
        await mine.listen(incarnation, anew);
        await other.publish({ worker: incarnation, box: 'inbox' }, Buffer.from('anew'));
        expect(await anew.until(1)).toEqual(['inbox anew']);
        expect(letters.frames).toEqual([]);
      });
    });

    describe('decides about a request', () => {
      it('that it is claimed once, and publishes the acceptance in the same step', async () => {
        const { letters, ticket } = await worker();
        const one = ticket();
        const verdicts = await Promise.all([other.claim(one, accept), mine.claim(one, accept)]);
        expect(verdicts.toSorted()).toEqual(['claimed', 'taken']);
        expect(await letters.until(1)).toEqual(['replies accept']);
        expect(await mine.revoke(one)).toBe('claimed');
        expect(letters.frames).toHaveLength(1);
      });

      it('that it is revoked for good, as often as it is asked', async () => {
        const { letters, ticket } = await worker();
        const one = ticket();
        expect(await mine.revoke(one)).toBe('revoked');
        expect(await other.claim(one, accept)).toBe('revoked');
        expect(await mine.revoke(one)).toBe('revoked');
        expect(letters.frames).toEqual([]);
      });

      it('each by itself', async () => {
        const { ticket } = await worker();
        const stranger = await worker(other);
        const one = ticket();
        await mine.revoke(one);
        expect(await other.claim(ticket(), accept)).toBe('claimed');
        expect(await other.claim(stranger.ticket({ request: one.request }), accept)).toBe('claimed');
      });

      it('nothing under another state of the relay', async () => {
        const { ticket } = await worker();
        const old = ticket({ generation: 'another' });
        expect(await other.claim(old, accept)).toBe('stale');
        expect(await mine.revoke(old)).toBe('stale');
        const { generation } = ticket();
        expect(await other.claim({ ...old, generation }, accept)).toBe('claimed');
      });

      it('that nobody can claim it later than it says, and that a revocation then still holds', async () => {
        const { ticket, now } = await worker();
        const late = ticket({ notAfter: now });
        expect(await other.claim(late, accept)).toBe('late');
        expect(await mine.revoke(late)).toBe('revoked');
        expect(await other.claim(late, accept)).toBe('revoked');
      });

      it('nothing once the decision may be forgotten', async () => {
        const { ticket, now } = await worker();
        const forgotten = ticket({ notAfter: now - 60_001 });
        expect(await mine.revoke(forgotten)).toBe('stale');
        expect(await other.claim(forgotten, accept)).toBe('late');
      });
    });

    describe('knows who lives', () => {
      it('by their announcements, with one clock and one name of its state per worker', async () => {
        const { incarnation, now } = await worker();
        const again = await mine.announce(incarnation, 5_000);
        expect(again.now).toBeGreaterThanOrEqual(now);
        expect(again.buried).toBe(false);
        expect((await mine.announce(incarnation, 5_000)).generation).toBe(again.generation);
        expect(await other.living()).toContain(incarnation);
        expect(await other.stateOf(incarnation)).toBe('alive');
        expect(await other.stateOf(drawName())).toBe('missing');
      });

      it('and buries no one who is announced', async () => {
        const { incarnation } = await worker();
        expect(await other.bury(incarnation)).toBe(false);
        expect(await other.stateOf(incarnation)).toBe('alive');
      });

      it('and buries who is missing, for good', async () => {
        const gone = drawName();
        expect(await other.bury(gone)).toBe(true);
        expect(await mine.bury(gone)).toBe(true);
        expect(await mine.stateOf(gone)).toBe('buried');
        expect((await mine.announce(gone, 5_000)).buried).toBe(true);
        expect(await other.stateOf(gone)).toBe('buried');
        expect(await other.living()).not.toContain(gone);
      });

      it('and lets a worker leave', async () => {
        const { incarnation } = await worker();
        await mine.leave(incarnation);
        expect(await other.stateOf(incarnation)).toBe('buried');
        expect(await other.living()).not.toContain(incarnation);
        expect((await mine.announce(incarnation, 5_000)).buried).toBe(true);
      });

      it('and forgets who is silent for longer than announced', async () => {
        const silent = drawName();
        await mine.announce(silent, 1);
        const isListed = async () => (await other.living()).includes(silent);
        while ((await other.stateOf(silent)) === 'alive' || (await isListed())) {
          await pause(5);
        }
        expect(await other.stateOf(silent)).toBe('missing');
        expect(await other.bury(silent)).toBe(true);
      });
    });
  });
}

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { Mailbox, Relay, Ticket } from '../ports/index.js';

/** A relay for the contract: each `connect` returns another worker's access to the shared relay. */
export interface RelayUnderTest {
  connect(): Relay | Promise<Relay>;
  close(): Promise<void>;
}

const randomName = () => randomBytes(16).toString('base64url');

/** Records the frames of one worker, in order. */
class RecordingMailbox implements Mailbox {
  readonly frames: { box: 'inbox' | 'replies'; text: string; bytes: number }[] = [];
  private wake = () => {};

  request(frame: Buffer): void {
    this.record('inbox', frame);
  }

  reply(frame: Buffer): void {
    this.record('replies', frame);
  }

  async until(count: number): Promise<readonly string[]> {
    while (this.frames.length < count) await new Promise<void>((resolve) => (this.wake = resolve));
    return this.frames.map(({ box, text }) => `${box} ${text}`);
  }

  private record(box: 'inbox' | 'replies', frame: Buffer): void {
    this.frames.push({ box, text: frame.toString('latin1').slice(0, 40), bytes: frame.length });
    this.wake();
  }
}

/** The contract of every relay. */
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

    /** Returns a worker that is announced and subscribed, with tickets for its requests. */
    const worker = async (relay = mine) => {
      const incarnation = randomName();
      const mailbox = new RecordingMailbox();
      await relay.listen(incarnation, mailbox);
      const { generation, now } = await relay.announce(incarnation, 5_000);
      const ticket = (changes: Partial<Ticket> = {}): Ticket => ({
        requester: incarnation,
        request: randomName(),
        generation,
        notAfter: now + 10_000,
        ...changes,
      });
      return { incarnation, mailbox, ticket, now };
    };
    const accept = Buffer.from('accept');

    describe('the wire', () => {
      it('delivers frames to the subscribed worker, unchanged and in order', async () => {
        const { incarnation, mailbox } = await worker();
        const bytes = Buffer.from([0, 255, 13, 10, 128]);
        const counts = await Promise.all([
          other.publish({ worker: incarnation, box: 'inbox' }, bytes),
          other.publish({ worker: incarnation, box: 'replies' }, Buffer.from('second')),
          other.publish({ worker: incarnation, box: 'inbox' }, Buffer.alloc(64 * 1024, 'a')),
        ]);
        expect(counts).toEqual([1, 1, 1]);
        const arrived = await mailbox.until(3);
        expect(arrived.filter((text) => text.startsWith('inbox'))).toEqual([
          `inbox ${bytes.toString('latin1')}`,
          `inbox ${'a'.repeat(40)}`,
        ]);
        expect(arrived).toContain('replies second');
        expect(Math.max(...mailbox.frames.map((frame) => frame.bytes))).toBe(64 * 1024);
      });

      it('keeps the order of 200 frames that are published at once', async () => {
        const { incarnation, mailbox } = await worker();
        const numbers = Array.from({ length: 200 }, (_, index) => `${index}`);
        await Promise.all(
          numbers.map((text) => other.publish({ worker: incarnation, box: 'inbox' }, Buffer.from(text))),
        );
        expect(await mailbox.until(200)).toEqual(numbers.map((text) => `inbox ${text}`));
      });

      it('delivers a frame to no other worker, and counts no receiver for an unknown worker', async () => {
        const bystander = await worker();
        const { incarnation, mailbox } = await worker(other);
        expect(await mine.publish({ worker: randomName(), box: 'inbox' }, accept)).toBe(0);
        expect(await mine.publish({ worker: incarnation, box: 'replies' }, accept)).toBe(1);
        await mailbox.until(1);
        expect(bystander.mailbox.frames).toEqual([]);
      });

      it('delivers frames only to the last subscription of a worker', async () => {
        const { incarnation, mailbox } = await worker();
        const second = new RecordingMailbox();
        await mine.listen(incarnation, second);
        await other.publish({ worker: incarnation, box: 'inbox' }, Buffer.from('second'));
        expect(await second.until(1)).toEqual(['inbox second']);
        expect(mailbox.frames).toEqual([]);
      });
    });

    describe('the ledger', () => {
      it('grants one claim per request, and publishes the acceptance in the same step', async () => {
        const { mailbox, ticket } = await worker();
        const one = ticket();
        const verdicts = await Promise.all([other.claim(one, accept), mine.claim(one, accept)]);
        expect(verdicts.toSorted()).toEqual(['claimed', 'taken']);
        expect(await mailbox.until(1)).toEqual(['replies accept']);
        expect(await mine.revoke(one)).toBe('claimed');
        expect(mailbox.frames).toHaveLength(1);
      });

      it('revokes a request finally, with the same verdict for every later call', async () => {
        const { mailbox, ticket } = await worker();
        const one = ticket();
        expect(await mine.revoke(one)).toBe('revoked');
        expect(await other.claim(one, accept)).toBe('revoked');
        expect(await mine.revoke(one)).toBe('revoked');
        expect(mailbox.frames).toEqual([]);
      });

      it('decides independently for each request and requester', async () => {
        const { ticket } = await worker();
        const stranger = await worker(other);
        const one = ticket();
        await mine.revoke(one);
        expect(await other.claim(ticket(), accept)).toBe('claimed');
        expect(await other.claim(stranger.ticket({ request: one.request }), accept)).toBe('claimed');
      });

      it('decides nothing under another generation', async () => {
        const { ticket } = await worker();
        const old = ticket({ generation: 'another' });
        expect(await other.claim(old, accept)).toBe('stale');
        expect(await mine.revoke(old)).toBe('stale');
        const { generation } = ticket();
        expect(await other.claim({ ...old, generation }, accept)).toBe('claimed');
      });

      it('rejects claims after the deadline of the ticket, and still accepts a revocation', async () => {
        const { ticket, now } = await worker();
        const late = ticket({ notAfter: now });
        expect(await other.claim(late, accept)).toBe('late');
        expect(await mine.revoke(late)).toBe('revoked');
        expect(await other.claim(late, accept)).toBe('revoked');
      });

      it('decides nothing once the decision may have expired', async () => {
        const { ticket, now } = await worker();
        const forgotten = ticket({ notAfter: now - 60_001 });
        expect(await mine.revoke(forgotten)).toBe('stale');
        expect(await other.claim(forgotten, accept)).toBe('late');
      });
    });

    describe('the directory', () => {
      it('lists announced workers, with one clock and one generation per worker', async () => {
        const { incarnation, now } = await worker();
        const again = await mine.announce(incarnation, 5_000);
        expect(again.now).toBeGreaterThanOrEqual(now);
        expect(again.fenced).toBe(false);
        expect((await mine.announce(incarnation, 5_000)).generation).toBe(again.generation);
        expect(await other.aliveWorkers()).toContain(incarnation);
        expect(await other.presenceOf(incarnation)).toBe('alive');
        expect(await other.presenceOf(randomName())).toBe('missing');
      });

      it('does not fence an announced worker', async () => {
        const { incarnation } = await worker();
        expect(await other.fence(incarnation)).toBe(false);
        expect(await other.presenceOf(incarnation)).toBe('alive');
      });

      it('fences a missing worker finally', async () => {
        const missing = randomName();
        expect(await other.fence(missing)).toBe(true);
        expect(await mine.fence(missing)).toBe(true);
        expect(await mine.presenceOf(missing)).toBe('fenced');
        expect((await mine.announce(missing, 5_000)).fenced).toBe(true);
        expect(await other.presenceOf(missing)).toBe('fenced');
        expect(await other.aliveWorkers()).not.toContain(missing);
      });

      it('fences a worker that leaves', async () => {
        const { incarnation } = await worker();
        await mine.leave(incarnation);
        expect(await other.presenceOf(incarnation)).toBe('fenced');
        expect(await other.aliveWorkers()).not.toContain(incarnation);
        expect((await mine.announce(incarnation, 5_000)).fenced).toBe(true);
      });

      it('drops a worker once its announcement has expired', async () => {
        const expiring = randomName();
        await mine.announce(expiring, 1);
        const isListed = async () => (await other.aliveWorkers()).includes(expiring);
        while ((await other.presenceOf(expiring)) === 'alive' || (await isListed())) {
          await pause(5);
        }
        expect(await other.presenceOf(expiring)).toBe('missing');
        expect(await other.fence(expiring)).toBe(true);
      });
    });
  });
}

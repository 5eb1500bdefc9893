import { canonicalJson } from '#lib/mcp-protocol';
import type { Clock } from '#lib/time';
import { SecretStoreUnavailable } from '../registry.errors.js';
import type { EntryCipher } from './entry-cipher.js';
import { parseObject, type OpenedRow, type SealedRow } from './entry-rows.js';
import { StoreRound } from './store-round.js';

/**
 * The rows of entries that the secret store has opened, or failed to open. It is asked once for each content of a row; after a
 * failure only by `reopen`. The source of an unchanged row keeps its identity.
 */
export class OpenedEntries {
  private readonly rows = new Map<string, OpenedRow>();
  /** Questions without an answer, by row. */
  private readonly opening = new Map<string, Promise<OpenedRow>>();

  constructor(
    private readonly cipher: EntryCipher,
    private readonly clock: Clock,
  ) {}

  /** What is known about a row. Undefined: the secret store must be asked. */
  find(row: SealedRow): OpenedRow | undefined {
    return this.findKnown(row) ?? (row.sealed === null ? this.toPlain(row) : undefined);
  }

  /** Opens what is not known yet. Never rejects because of the secret store: what it does not open has an `outage`. */
  async open(rows: readonly SealedRow[]): Promise<ReadonlyMap<string, OpenedRow>> {
    const opened = new Map<string, OpenedRow>();
    const round = new StoreRound(this.clock);
    await round.run(rows, async (row) => {
      const found = this.findKnown(row) ?? (await this.openOnce(row, round));
      opened.set(row.slug, found);
      this.rows.set(row.slug, found);
    });
    return opened;
  }

  /** Asks again about what the secret store has not opened. Returns the number of outages that have ended, and of those that last. */
  async reopen(): Promise<{ readonly ended: number; readonly lasting: number }> {
    const round = new StoreRound(this.clock);
    let [ended, lasting] = [0, 0];
    const failed = [...this.rows.values()].filter(({ outage }) => outage !== undefined);
    await round.run(failed, async (row) => {
      const opened = await this.openOnce(row, round);
      if (this.findKnown(row) === undefined) return;
      this.rows.set(row.slug, opened);
      if (opened.outage === undefined) ended += 1;
      else lasting += 1;
    });
    return { ended, lasting };
  }

  remember(rows: Iterable<OpenedRow>): void {
    for (const row of rows) this.rows.set(row.slug, row);
  }

  /** Forgets the rows that are not among these. */
  retain(rows: readonly SealedRow[]): void {
    const slugs = new Set(rows.map(({ slug }) => slug));
    for (const slug of this.rows.keys()) if (!slugs.has(slug)) this.rows.delete(slug);
  }

  private findKnown({ slug, entry, sealed }: SealedRow): OpenedRow | undefined {
    const known = this.rows.get(slug);
    return known?.entry === entry && known.sealed === sealed ? known : undefined;
  }

  private async openOnce(row: SealedRow, round: StoreRound): Promise<OpenedRow> {
    if (row.sealed === null) return this.toPlain(row);
    const key = JSON.stringify([row.slug, row.entry, row.sealed]);
    let question = this.opening.get(key);
    if (!question) {
      if (round.isOver) return toOutage(row, this.cipher.toSilence(row.slug));
      question = this.ask(row).finally(() => this.opening.delete(key));
      this.opening.set(key, question);
    }
    const opened = await question;
    round.end(opened.outage);
    return opened;
  }

  private async ask({ slug, entry: text, sealed }: SealedRow): Promise<OpenedRow> {
    const row = { slug, entry: text, sealed };
    const entry = parseObject(text);
    try {
      const opened = entry && (await this.cipher.open(slug, { entry, sealed }));
      return this.keepIdentity({ ...row, source: opened?.source, isCurrent: opened?.isCurrent ?? true });
    } catch (cause) {
      if (!(cause instanceof SecretStoreUnavailable)) throw cause;
      return toOutage(row, cause);
    }
  }

  private toPlain({ slug, entry, sealed }: SealedRow): OpenedRow {
    const source = parseObject(entry);
    return this.keepIdentity({ slug, entry, sealed, source, isCurrent: !source || this.cipher.isSealed(source) });
  }

  private keepIdentity(row: OpenedRow): OpenedRow {
    const before = this.rows.get(row.slug)?.source;
    const isSame = before && row.source && canonicalJson(row.source) === canonicalJson(before);
    return isSame ? { ...row, source: before } : row;
  }
}

const toOutage = ({ slug, entry, sealed }: SealedRow, outage: SecretStoreUnavailable): OpenedRow => ({
  slug,
  entry,
  sealed,
  source: undefined,
  isCurrent: true,
  outage,
});

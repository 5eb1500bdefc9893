/** Maximum number of changes of one item that are described. */
const MAX_DESCRIBED = 3;

/** Collects what was changed in one item. Each note continues a sentence about the item. */
export class RepairNotes {
  private readonly described: string[] = [];
  private count = 0;

  add(note: string): void {
    this.count += 1;
    if (this.count <= MAX_DESCRIBED) this.described.push(note);
  }

  addAll(notes: RepairNotes): void {
    this.described.push(...notes.described.slice(0, MAX_DESCRIBED - this.described.length));
    this.count += notes.count;
  }

  get isEmpty(): boolean {
    return this.count === 0;
  }

  toString(): string {
    const more = this.count - this.described.length;
    return `${this.described.join(', ')}${more > 0 ? `, and ${more} more` : ''}`;
  }
}

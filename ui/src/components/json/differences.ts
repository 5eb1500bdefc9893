/** A row of two texts side by side. `undefined`: the line exists on the other side only. */
export interface DiffRow {
  readonly before: string | undefined;
  readonly after: string | undefined;
  readonly isChanged: boolean;
}

/** Above this product of line counts, everything between the first and the last difference counts as changed. */
const MAX_CELLS = 4_000_000;

/** Compares two texts line by line and pairs the lines that replace each other. */
export function diffLines(before: string, after: string): readonly DiffRow[] {
  const [left, right] = [before.split('\n'), after.split('\n')];
  let start = 0;
  while (start < left.length && start < right.length && left[start] === right[start]) start += 1;
  let end = 0;
  const limit = Math.min(left.length, right.length) - start;
  while (end < limit && left.at(-1 - end) === right.at(-1 - end)) end += 1;
  const same = (line: string): DiffRow => ({ before: line, after: line, isChanged: false });
  return [
    ...left.slice(0, start).map(same),
    ...diffMiddle(left.slice(start, left.length - end), right.slice(start, right.length - end)),
    ...left.slice(left.length - end).map(same),
  ];
}

function diffMiddle(left: readonly string[], right: readonly string[]): readonly DiffRow[] {
  if (left.length * right.length > MAX_CELLS) return pair(left, right);
  const common = commonLengths(left, right);
  const rows: DiffRow[] = [];
  let removed: string[] = [];
  let added: string[] = [];
  const flush = () => {
    rows.push(...pair(removed, added));
    [removed, added] = [[], []];
  };
  let [i, j] = [0, 0];
  while (i < left.length || j < right.length) {
    const [one, other] = [left[i], right[j]];
    if (one !== undefined && one === other) {
      flush();
      rows.push({ before: one, after: one, isChanged: false });
      i += 1;
      j += 1;
    } else if (other === undefined || (one !== undefined && common(i + 1, j) >= common(i, j + 1))) {
      removed.push(one ?? '');
      i += 1;
    } else {
      added.push(other);
      j += 1;
    }
  }
  flush();
  return rows;
}

/** Length of the longest common subsequence of what follows two positions. */
function commonLengths(left: readonly string[], right: readonly string[]): (i: number, j: number) => number {
  const width = right.length + 1;
  const lengths = new Uint32Array((left.length + 1) * width);
  const at = (i: number, j: number): number => lengths[i * width + j] ?? 0;
  for (let i = left.length - 1; i >= 0; i -= 1)
    for (let j = right.length - 1; j >= 0; j -= 1)
      lengths[i * width + j] = left[i] === right[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
  return at;
}

function pair(removed: readonly string[], added: readonly string[]): DiffRow[] {
  return Array.from({ length: Math.max(removed.length, added.length) }, (_, index) => ({
    before: removed[index],
    after: added[index],
    isChanged: true,
  }));
}

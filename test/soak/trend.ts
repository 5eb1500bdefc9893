/** A sample and its time. */
export interface Point {
  readonly atMs: number;
  readonly value: number;
}

export interface Trend {
  /** Growth between the first and the last sample, by linear regression. */
  readonly grown: number;
  readonly mean: number;
}

/** Linear regression by least squares. The growth of fewer than two points is 0. */
export function trendOf(points: readonly Point[]): Trend {
  const count = points.length;
  const mean = (pick: (point: Point) => number): number => points.reduce((sum, point) => sum + pick(point), 0) / count;
  if (count < 2) return { grown: 0, mean: points[0]?.value ?? 0 };
  const atMean = mean(({ atMs }) => atMs);
  const valueMean = mean(({ value }) => value);
  const spread = points.reduce((sum, { atMs }) => sum + (atMs - atMean) ** 2, 0);
  const common = points.reduce((sum, { atMs, value }) => sum + (atMs - atMean) * (value - valueMean), 0);
  const lastMs = (points.at(-1)?.atMs ?? 0) - (points[0]?.atMs ?? 0);
  return { grown: spread === 0 ? 0 : (common / spread) * lastMs, mean: valueMean };
}

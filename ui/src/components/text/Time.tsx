interface TimeProps {
  /** RFC 3339, or milliseconds since 1970. */
  readonly at: string | number;
}

const SHORT = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const FULL = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeStyle: 'long' });

/** A time in the zone of the reader. */
export function Time({ at }: TimeProps) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return <>{String(at)}</>;
  return (
    <time dateTime={date.toISOString()} title={FULL.format(date)}>
      {SHORT.format(date)}
    </time>
  );
}

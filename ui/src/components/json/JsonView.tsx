import styles from './JsonView.module.css';

interface JsonViewProps {
  readonly value: unknown;
  /** Names the region for screen readers. */
  readonly label: string;
}

/** A JSON value as indented text that can be scrolled and selected. */
export function JsonView({ value, label }: JsonViewProps) {
  return (
    // A region that scrolls must be reachable by keyboard.
    <section className={styles['json']} aria-label={label} tabIndex={0}>
      <pre>{JSON.stringify(value, undefined, 2)}</pre>
    </section>
  );
}

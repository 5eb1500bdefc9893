import { useRef, type ComponentProps } from 'react';
import { classes } from '../classes.js';
import styles from './CodeInput.module.css';

const MIN_LINES = 3;
const MAX_LINES = 16;

interface CodeInputProps extends Omit<ComponentProps<'textarea'>, 'value'> {
  readonly value: string;
  /** The line with a fault, counted from 1. */
  readonly faultyLine?: number | undefined;
}

/** A text of a language, with numbers of its lines. */
export function CodeInput({ value, faultyLine, ...rest }: CodeInputProps) {
  const numbers = useRef<HTMLDivElement>(null);
  const count = value.split('\n').length;
  const rows = Math.min(MAX_LINES, Math.max(MIN_LINES, count));
  return (
    <div className={styles['code']} data-invalid={rest['aria-invalid'] || undefined}>
      <div ref={numbers} aria-hidden="true" className={styles['numbers']}>
        {Array.from({ length: count }, (_, index) => (
          <div key={index} className={classes(index + 1 === faultyLine && styles['faulty'])}>
            {index + 1}
          </div>
        ))}
      </div>
      <textarea
        {...rest}
        className={styles['text']}
        rows={rows}
        wrap="off"
        spellCheck={false}
        autoCapitalize="off"
        value={value}
        onScroll={({ currentTarget }) => {
          if (numbers.current) numbers.current.scrollTop = currentTarget.scrollTop;
        }}
      />
    </div>
  );
}

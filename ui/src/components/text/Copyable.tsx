import { CopyButton } from './CopyButton.js';
import styles from './Copyable.module.css';

interface CopyableProps {
  readonly text: string;
  /** What is copied, for example `server id`. */
  readonly what: string;
}

/** An identifier with a button that copies it. */
export function Copyable({ text, what }: CopyableProps) {
  return (
    <span className={styles['copyable']}>
      <code className={styles['text']}>{text}</code>
      <CopyButton text={text} what={what} />
    </span>
  );
}

import { useState } from 'react';
import { Button } from '../button/Button.js';
import { Icon } from './Icon.js';
import styles from './Copyable.module.css';

const SHOWN_MS = 2_000;

interface CopyableProps {
  readonly text: string;
  /** What is copied, for example `server id`. */
  readonly what: string;
}

/** An identifier with a button that copies it. */
export function Copyable({ text, what }: CopyableProps) {
  const [isCopied, setIsCopied] = useState(false);
  const copy = async () => {
    await copyText(text);
    setIsCopied(true);
    setTimeout(() => setIsCopied(false), SHOWN_MS);
  };
  return (
    <span className={styles['copyable']}>
      <code className={styles['text']}>{text}</code>
      <Button variant="plain" size="small" aria-label={`Copy ${what}`} onClick={() => void copy()}>
        <Icon name={isCopied ? 'check' : 'copy'} />
      </Button>
      <output className={styles['status']}>{isCopied ? 'Copied' : ''}</output>
    </span>
  );
}

/** Browsers offer the clipboard only to pages over HTTPS and on this machine. */
async function copyText(text: string): Promise<void> {
  if (window.isSecureContext) return navigator.clipboard.writeText(text);
  const field = document.createElement('textarea');
  field.value = text;
  document.body.append(field);
  field.select();
  document.execCommand('copy');
  field.remove();
}

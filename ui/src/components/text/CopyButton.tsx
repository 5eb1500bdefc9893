import { useState } from 'react';
import { Button } from '../button/Button.js';
import styles from './Copyable.module.css';
import { Icon } from './Icon.js';

const SHOWN_MS = 2_000;

interface CopyButtonProps {
  readonly text: string;
  /** What is copied, for example `server id`. */
  readonly what: string;
  /** Shown on the button instead of a sign. */
  readonly label?: string;
}

/** Copies a text, and says that it has. */
export function CopyButton({ text, what, label }: CopyButtonProps) {
  const [isCopied, setIsCopied] = useState(false);
  const copy = async () => {
    await copyText(text);
    setIsCopied(true);
    setTimeout(() => setIsCopied(false), SHOWN_MS);
  };
  return (
    <>
      <Button
        variant={label === undefined ? 'plain' : 'secondary'}
        size={label === undefined ? 'small' : 'normal'}
        aria-label={label ?? `Copy ${what}`}
        title={label === undefined ? undefined : `Copy ${what}`}
        onClick={() => void copy()}
      >
        {label ?? <Icon name={isCopied ? 'check' : 'copy'} />}
      </Button>
      <output className={styles['status']}>{isCopied ? 'Copied' : ''}</output>
    </>
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

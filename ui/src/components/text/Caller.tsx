import styles from './Caller.module.css';

interface CallerProps {
  /** Issuer and subject, as the API joins them: `issuer|subject`. */
  readonly principal: string;
}

/** Who calls: the subject, and in smaller letters who has issued its token. */
export function Caller({ principal }: CallerProps) {
  const end = principal.indexOf('|');
  const issuer = end < 0 ? '' : principal.slice(0, end);
  return (
    <span title={issuer === '' ? undefined : `${principal.slice(end + 1)}, issued by ${issuer}`}>
      {principal.slice(end + 1)}
      {issuer !== '' && <span className={styles['issuer']}> {issuer}</span>}
    </span>
  );
}

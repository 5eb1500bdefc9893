import { Button, PageHeader, Panel, Problem } from '../../components/index.js';
import styles from './settings.module.css';
import { SettingsTabs } from './SettingsTabs.js';
import { useExport, type Exported } from './settings-queries.js';

export function Export() {
  const exporting = useExport();
  return (
    <>
      <SettingsTabs />
      <PageHeader title="Export">The configuration as one JSON document, which a gateway can import.</PageHeader>
      <Panel>
        <div className={styles['stack']}>
          <p>
            It has the entries that were made here or over the admin API, the approved definitions of tools, and the
            managed entries for information. Credentials are encrypted: a gateway with the same data folder can use
            them. Personal access tokens and audit records are not in it.
          </p>
          {exporting.error && <Problem cause={exporting.error} />}
          <div>
            <Button
              variant="primary"
              disabled={exporting.isPending}
              onClick={() => exporting.mutate(undefined, { onSuccess: download })}
            >
              Download
            </Button>
          </div>
        </div>
      </Panel>
    </>
  );
}

function download(exported: Exported): void {
  const blob = new Blob([JSON.stringify(exported, undefined, 2)], { type: 'application/json' });
  const link = document.createElement('a');
  link.href = URL.createObjectURL(blob);
  link.download = `isthmus-${exported.exportedAt.slice(0, 10)}.json`;
  link.click();
  URL.revokeObjectURL(link.href);
}

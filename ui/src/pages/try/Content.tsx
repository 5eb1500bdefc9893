import { useEffect, useRef, useState, type RefObject } from 'react';
import { Button, Copyable, JsonView } from '../../components/index.js';
import { isObject, textOf, type JsonObject } from '../../values/index.js';
import styles from './try.module.css';

/** A part of a result. Whatever it contains is shown as text or drawn as pixels, never as markup. */
export function Content({ block }: { readonly block: unknown }) {
  if (!isObject(block)) return <JsonView label="Content" value={block} />;
  const { type, text, data, mimeType, resource } = block;
  if (type === 'text' && typeof text === 'string') return <Text text={text} />;
  if (type === 'image' && typeof data === 'string') return <Picture data={data} mediaType={textOf(mimeType)} />;
  if (type === 'audio' && typeof data === 'string') return <Bytes data={data} mediaType={textOf(mimeType)} />;
  if (type === 'resource_link') return <ResourceLink link={block} />;
  if (type === 'resource' && isObject(resource)) return <EmbeddedResource resource={resource} />;
  return <JsonView label="Content" value={block} />;
}

function Text({ text, label = 'Text' }: { readonly text: string; readonly label?: string }) {
  return (
    // A region that scrolls must be reachable by keyboard.
    <section className={styles['output']} aria-label={label} tabIndex={0}>
      <pre>{text}</pre>
    </section>
  );
}

function ResourceLink({ link }: { readonly link: JsonObject }) {
  return (
    <div className={styles['part']}>
      <strong>{textOf(link['title']) || textOf(link['name']) || 'Resource'}</strong>
      <Copyable text={textOf(link['uri'])} what="the URI" />
      {textOf(link['description']) !== '' && <p>{textOf(link['description'])}</p>}
      <p className={styles['muted']}>{['Link to a resource', textOf(link['mimeType'])].filter(Boolean).join(', ')}</p>
    </div>
  );
}

/** The content of a resource. */
export function EmbeddedResource({ resource }: { readonly resource: JsonObject }) {
  const { uri, text, blob, mimeType } = resource;
  return (
    <div className={styles['part']}>
      <Copyable text={textOf(uri)} what="the URI" />
      {typeof text === 'string' && <Text text={text} label="Resource" />}
      {typeof blob === 'string' && <Bytes data={blob} mediaType={textOf(mimeType)} />}
    </div>
  );
}

function toBlob(base64: string, type: string): Blob | undefined {
  try {
    return new Blob([Uint8Array.from(atob(base64), (character) => character.charCodeAt(0))], { type });
  } catch {
    return undefined;
  }
}

interface BinaryProps {
  /** Base64. */
  readonly data: string;
  readonly mediaType: string;
}

/** Draws the pixels of an image, for which the content security policy of the page needs no exception. */
function Picture({ data, mediaType }: BinaryProps) {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [isShown, setIsShown] = useState(false);
  useEffect(() => {
    drawImage(data, mediaType, canvas).then(setIsShown, () => setIsShown(false));
  }, [data, mediaType]);
  return (
    <div className={styles['part']}>
      <canvas ref={canvas} hidden={!isShown} className={styles['picture']} aria-label="Image" />
      <Bytes data={data} mediaType={mediaType} />
    </div>
  );
}

async function drawImage(data: string, mediaType: string, canvas: RefObject<HTMLCanvasElement | null>) {
  const blob = toBlob(data, mediaType);
  if (!blob) return false;
  const bitmap = await createImageBitmap(blob);
  const target = canvas.current;
  if (!target) return false;
  [target.width, target.height] = [bitmap.width, bitmap.height];
  target.getContext('2d')?.drawImage(bitmap, 0, 0);
  return true;
}

/** Content that a browser cannot be trusted to show. */
function Bytes({ data, mediaType }: BinaryProps) {
  const blob = toBlob(data, 'application/octet-stream');
  if (!blob) return <p className={styles['muted']}>{mediaType}: not valid Base64.</p>;
  const save = () => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(blob);
    link.download = `content.${/\/([\w]+)/.exec(mediaType)?.[1] ?? 'bin'}`;
    link.click();
    URL.revokeObjectURL(link.href);
  };
  return (
    <div className={styles['bytes']}>
      <span className={styles['muted']}>
        {mediaType}, {blob.size} bytes
      </span>
      <Button size="small" onClick={save}>
        Save
      </Button>
    </div>
  );
}

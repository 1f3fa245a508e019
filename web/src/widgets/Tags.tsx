//! Tags of a run as pills.

import styles from "./widgets.module.css";

interface TagsProps {
  readonly tags: readonly string[];
  /** Told which tag was clicked. */
  readonly onPick?: (tag: string) => void;
  /** The others are counted; without it all are shown, in as many rows as they need. */
  readonly max?: number;
}

/** Tags of a run. */
export function Tags({ tags, onPick, max }: TagsProps) {
  const shown = tags.slice(0, max);
  return (
    <span className={styles.tags} data-wrap={max === undefined ? "true" : undefined}>
      {shown.map((tag) =>
        onPick === undefined ? (
          <span key={tag} className={styles.tag}>
            {tag}
          </span>
        ) : (
          <button
            key={tag}
            type="button"
            className={styles.tag}
            title={`only runs tagged ${tag}`}
            onClick={() => onPick(tag)}
          >
            {tag}
          </button>
        ),
      )}
      {tags.length > shown.length ? <span className={styles.more}>+{tags.length - shown.length}</span> : undefined}
    </span>
  );
}

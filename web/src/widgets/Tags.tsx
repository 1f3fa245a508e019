//! Tags of a run as pills.

import styles from "./widgets.module.css";

/** Tags; a click on one tells which. */
export function Tags({ tags, onPick }: { readonly tags: readonly string[]; readonly onPick?: (tag: string) => void }) {
  return (
    <span className={styles.tags}>
      {tags.map((tag) =>
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
    </span>
  );
}

//! Whether an element is on the screen or close to it. Charts out of view neither draw nor fetch.

import { type RefCallback, useCallback, useState } from "react";

/** Pixels around the screen that count as view: a chart is there before one scrolls to it. */
const MARGIN = "240px 0px";

/** One observer for all charts of the page, made when the first one asks. */
class ViewWatcher {
  readonly #tells = new WeakMap<Element, (visible: boolean) => void>();
  readonly #observer = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        this.#tells.get(entry.target)?.(entry.isIntersecting);
      }
    },
    { rootMargin: MARGIN },
  );

  watch(element: Element, tell: (visible: boolean) => void): () => void {
    this.#tells.set(element, tell);
    this.#observer.observe(element);
    return () => {
      this.#observer.unobserve(element);
      this.#tells.delete(element);
    };
  }
}

const watchers = new WeakMap<Document, ViewWatcher>();

function watcherOf(page: Document): ViewWatcher {
  const known = watchers.get(page);
  if (known !== undefined) {
    return known;
  }
  const made = new ViewWatcher();
  watchers.set(page, made);
  return made;
}

/** A ref for the element, and whether it is in view. */
export function useInView(): readonly [RefCallback<HTMLElement>, boolean] {
  const [visible, setVisible] = useState(false);
  const ref = useCallback((element: HTMLElement | null) => {
    if (element === null) {
      return undefined;
    }
    return watcherOf(element.ownerDocument).watch(element, setVisible);
  }, []);
  return [ref, visible];
}

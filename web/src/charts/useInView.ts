//! Whether an element is on the screen or close to it. Charts out of view neither draw nor fetch.

import { type RefCallback, useCallback, useState } from "react";

/** Pixels around the screen that count as view: a chart is there before one scrolls to it. */
const MARGIN = "240px 0px";

/** Charts that come into view in one frame; the others wait for the next, so that scrolling stays smooth. */
const SHOWN_A_FRAME = 3;

/** One observer for all charts of the page, made when the first one asks. */
class ViewWatcher {
  readonly #tells = new WeakMap<Element, (visible: boolean) => void>();
  readonly #waiting = new Set<Element>();
  #frame: number | undefined;
  readonly #observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        if (isIntersecting) {
          this.#waiting.add(target);
        } else {
          this.#waiting.delete(target);
          this.#tells.get(target)?.(false);
        }
      }
      this.#showSome();
    },
    { rootMargin: MARGIN },
  );

  watch(element: Element, tell: (visible: boolean) => void): () => void {
    this.#tells.set(element, tell);
    this.#observer.observe(element);
    return () => {
      this.#observer.unobserve(element);
      this.#tells.delete(element);
      this.#waiting.delete(element);
    };
  }

  #showSome(): void {
    if (this.#frame !== undefined) {
      return;
    }
    for (const element of [...this.#waiting].slice(0, SHOWN_A_FRAME)) {
      this.#waiting.delete(element);
      this.#tells.get(element)?.(true);
    }
    if (this.#waiting.size > 0) {
      this.#frame = requestAnimationFrame(() => {
        this.#frame = undefined;
        this.#showSome();
      });
    }
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

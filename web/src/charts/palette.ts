//! Colours of lines: told apart with any kind of colour vision, on light and dark ground, and the
//! same key keeps its colour while others come and go.

/** Scheme of the page. */
export type Scheme = "light" | "dark";

/** How a line is drawn. */
export interface LineStyle {
  /** CSS colour. */
  readonly color: string;
  /** Dashes in pixels; empty is solid. */
  readonly dash: readonly number[];
}

/**
 * Ten hues, found by a search from Okabe-Ito's and Tol's for the greatest smallest distance (OKLab)
 * with and without three colour deficiencies, each at least 3:1 against its ground. palette.test.ts
 * holds both.
 */
export const HUES: Readonly<Record<Scheme, readonly string[]>> = {
  light: ["#0c5fdd", "#d11d00", "#549871", "#b2469e", "#c77c1a", "#0097fd", "#85001e", "#167405", "#5c2da5", "#745a64"],
  dark: ["#14bdff", "#f86704", "#56b277", "#ea71c4", "#eaae0f", "#75efff", "#bf576e", "#a2e486", "#9e79f9", "#c4bbbb"],
};

/** Dashes of the first ten lines, the next ten, and so on. */
const DASHES: readonly (readonly number[])[] = [[], [6, 3], [2, 2], [8, 3, 2, 3]];

/** Different styles: more lines than this look like others. */
export const STYLES_MAX = HUES.light.length * DASHES.length;

/** Slot of each key: a number below STYLES_MAX, the same for a key wherever it can be. */
export type StyleSlots = ReadonlyMap<string, number>;

/** Hues that differ most stand first: a few lines get only those. */
const TIER = 5;

/**
 * Gives each key a slot. The first five keys share the five hues that differ most, the next five the
 * others, then the same dashed, and past STYLES_MAX they share. Within its five a key takes the hue that
 * its own text chooses, or the next free one: so a key keeps its colour when others come after it, and a
 * key that goes moves few.
 */
export function slotsOf(keys: readonly string[]): StyleSlots {
  const slots = new Map<string, number>();
  const taken = new Set<number>();
  for (const key of new Set(keys)) {
    const first = (Math.floor(slots.size / TIER) * TIER) % STYLES_MAX;
    let place = hashOf(key) % TIER;
    if (slots.size % STYLES_MAX === 0) {
      taken.clear();
    }
    while (taken.has(first + place)) {
      place = (place + 1) % TIER;
    }
    taken.add(first + place);
    slots.set(key, first + place);
  }
  return slots;
}

/** Slots in order: for a chart whose lines have an order of their own, as contexts have. */
export function slotsInOrder(keys: readonly string[]): StyleSlots {
  return new Map([...new Set(keys)].map((key, index) => [key, index % STYLES_MAX]));
}

/** The same hue with the dashes of a variant: for several lines of one thing. */
export function slotVariant(slot: number, variant: number): number {
  return (slot + variant * HUES.light.length) % STYLES_MAX;
}

/** Style of a slot. */
export function styleOfSlot(slot: number, scheme: Scheme): LineStyle {
  const hues = HUES[scheme];
  return {
    color: hues[slot % hues.length] ?? "currentColor",
    dash: DASHES[Math.floor(slot / hues.length) % DASHES.length] ?? [],
  };
}

/** FNV-1a over UTF-16 code units, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  // The low bits of FNV are weak: mix them once.
  return (hash ^ (hash >>> 15)) >>> 0;
}

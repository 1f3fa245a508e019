//! The legend of a chart: a click hides or shows a line, a double click leaves it alone, hovering
//! lights it up.

import { UnstyledButton } from "@mantine/core";
import { memo, useState } from "react";
import classes from "./chart.module.css";
import type { LegendEntry } from "./compose";
import type { LineStyle } from "./palette";

/** Entries that are shown before one asks for all. */
const ENTRIES_SHOWN = 10;

interface ChartLegendProps {
  readonly entries: readonly LegendEntry[];
  readonly onHidden: (hidden: ReadonlySet<string>) => void;
  readonly onHighlight: (key: string | undefined) => void;
  readonly all: boolean;
}

/** A short piece of a line. */
export function Swatch(props: { readonly style: LineStyle }) {
  const [dash = 0] = props.style.dash;
  const borderTopStyle = dash === 0 ? "solid" : dash <= 2 ? "dotted" : "dashed";
  return (
    <span className={classes["swatch"]} aria-hidden style={{ borderTopColor: props.style.color, borderTopStyle }} />
  );
}

/** Buttons for lines. */
export const ChartLegend = memo(function ChartLegend(props: ChartLegendProps) {
  const [open, setOpen] = useState(props.all);
  const shown = open ? props.entries : props.entries.slice(0, ENTRIES_SHOWN);
  const hiddenNow = new Set(props.entries.filter((entry) => entry.hidden).map((entry) => entry.key));
  const toggle = (key: string): void => {
    const hidden = new Set(hiddenNow);
    if (!hidden.delete(key)) {
      hidden.add(key);
    }
    props.onHidden(hidden);
  };
  const only = (key: string): void => {
    const others = props.entries.map((entry) => entry.key).filter((other) => other !== key);
    const alone = others.every((other) => hiddenNow.has(other));
    props.onHidden(new Set(alone ? [] : others));
  };
  const more = props.entries.length - ENTRIES_SHOWN;
  return (
    <div
      className={open ? `${classes["legend"]} ${classes["legendOpen"]}` : classes["legend"]}
      onPointerLeave={() => props.onHighlight(undefined)}
    >
      {shown.map((entry) => (
        <UnstyledButton
          key={entry.key}
          className={classes["entry"]}
          aria-pressed={!entry.hidden}
          data-line={entry.key}
          title={`${entry.label}\nclick: hide or show; alt-click: only this one`}
          onClick={(event) => (event.altKey ? only(entry.key) : toggle(entry.key))}
          onDoubleClick={() => only(entry.key)}
          onPointerEnter={() => props.onHighlight(entry.hidden ? undefined : entry.key)}
          onFocus={() => props.onHighlight(entry.hidden ? undefined : entry.key)}
          onBlur={() => props.onHighlight(undefined)}
        >
          <Swatch style={entry.style} />
          <span className={classes["entryLabel"]}>
            {entry.label}
            {entry.members > 1 ? ` (${entry.members})` : ""}
          </span>
        </UnstyledButton>
      ))}
      {more > 0 && (
        <UnstyledButton className={classes["entry"]} onClick={() => setOpen(!open)} aria-expanded={open}>
          {open ? "fewer" : `${more} more`}
        </UnstyledButton>
      )}
    </div>
  );
});

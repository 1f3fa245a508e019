//! All metrics of a page as charts: searched, grouped by prefix, each group to be closed, one of them
//! full screen when asked. The run page and the comparison are boards with different lines.

import { ActionIcon, Modal, Text, UnstyledButton } from "@mantine/core";
import { IconChevronRight, IconPin, IconPinnedOff } from "@tabler/icons-react";
import { type ReactNode, useCallback, useDeferredValue, useEffect, useMemo, useRef, useState } from "react";
import classes from "./board.module.css";
import { ChartLinkProvider } from "./ChartLinkContext";
import { ChartToolbar } from "./ChartToolbar";
import type { Span } from "./lines";
import { MetricChart } from "./MetricChart";
import { groupNames, matchesSearch, type NameSearch, readSearch } from "./names";
import { CHART_SIZES, type ChartSettings } from "./settings";
import type { SeriesSource } from "./source";

/** A metric with its lines. */
export interface BoardMetric {
  readonly name: string;
  readonly sources: readonly SeriesSource[];
  readonly notes?: readonly string[];
}

/** State of a board; all of it stands in the URL. */
export interface BoardState {
  readonly settings: ChartSettings;
  /** The search box. */
  readonly query: string;
  /** Prefixes of closed groups. */
  readonly closed: readonly string[];
  /** Keys of hidden lines. */
  readonly hidden: readonly string[];
  /** Metrics that stand on top. */
  readonly pinned: readonly string[];
  /** The metric that fills the screen. */
  readonly chart: string | undefined;
}

interface ChartBoardProps {
  readonly metrics: readonly BoardMetric[];
  readonly state: BoardState;
  readonly onState: (change: Partial<BoardState>) => void;
  /** The page has a legend of its own above the board. */
  readonly legendOnPage?: boolean;
  /** Said where there is no metric at all. */
  readonly empty: string;
}

/** Prefix of names without one. */
const NO_PREFIX = "";
/** What stands for groups without a prefix of their own in the list of closed ones. */
const CLOSED_NO_PREFIX = ".";
const CLOSED_PINNED = "*";

function closedWord(prefix: string): string {
  return prefix === NO_PREFIX ? CLOSED_NO_PREFIX : prefix;
}

/** Toolbar and charts. */
export function ChartBoard(props: ChartBoardProps) {
  const { metrics, state, onState } = props;
  const query = useDeferredValue(state.query);
  const search = useMemo(() => readSearch(query), [query]);
  // An expression that is half typed leaves the board as it was.
  const readable = useRef<NameSearch>(search);
  readable.current = search.kind === "invalid" ? readable.current : search;
  const shownBy = readable.current;
  const byName = useMemo(() => new Map(metrics.map((metric) => [metric.name, metric])), [metrics]);
  const names = useMemo(() => [...byName.keys()], [byName]);
  const found = useMemo(() => names.filter((name) => matchesSearch(name, shownBy)), [names, shownBy]);
  const pinned = state.pinned.filter((name) => found.includes(name));
  const groups = useMemo(() => groupNames(found), [found]);
  const hidden = useMemo(() => new Set(state.hidden), [state.hidden]);
  const { settings } = state;
  const onSpan = useCallback(
    (span: Span | undefined) => onState({ settings: { ...settings, span } }),
    [onState, settings],
  );
  const onHidden = useCallback((keys: ReadonlySet<string>) => onState({ hidden: [...keys].sort() }), [onState]);
  const onFullScreen = useCallback(
    (name: string) => onState({ chart: state.chart === name ? undefined : name }),
    [onState, state.chart],
  );
  const size = CHART_SIZES[settings.size];
  const chartOf = (metric: BoardMetric, height: number, fullScreen: boolean) => (
    <MetricChart
      key={metric.name}
      metric={metric.name}
      sources={metric.sources}
      {...(metric.notes === undefined ? {} : { notes: metric.notes })}
      settings={settings}
      onSpan={onSpan}
      hidden={hidden}
      onHidden={onHidden}
      height={height}
      fullScreen={fullScreen}
      onFullScreen={onFullScreen}
      legendOnPage={props.legendOnPage === true}
      tools={
        !fullScreen && (
          <PinButton
            pinned={state.pinned.includes(metric.name)}
            onPin={() => onState({ pinned: toggled(state.pinned, metric.name) })}
          />
        )
      }
    />
  );
  // One or two charts take the whole width; more keep one width, so that cursors stand below each other.
  const fill = found.length <= 2 ? "auto-fit" : "auto-fill";
  const grid = (shown: readonly string[]) => (
    <div
      className={classes["grid"]}
      style={{ gridTemplateColumns: `repeat(${fill}, minmax(min(100%, ${size.width}px), 1fr))` }}
    >
      {shown.map((name) => {
        const metric = byName.get(name);
        return metric === undefined ? null : chartOf(metric, size.height, false);
      })}
    </div>
  );
  const opened = state.chart === undefined ? undefined : byName.get(state.chart);
  return (
    <ChartLinkProvider>
      <ChartToolbar
        settings={settings}
        onSettings={(changed) => onState({ settings: changed })}
        query={state.query}
        onQuery={(changed) => onState({ query: changed })}
        search={search}
        found={found.length}
        total={names.length}
        metrics={names}
      />
      {names.length === 0 && (
        <Text c="dimmed" ta="center" py={60}>
          {props.empty}
        </Text>
      )}
      {names.length > 0 && found.length === 0 && (
        <Text c="dimmed" ta="center" py={60}>
          no metric is called like “{state.query}”
        </Text>
      )}
      {pinned.length > 0 && (
        <BoardGroup
          label="pinned"
          count={pinned.length}
          open={!state.closed.includes(CLOSED_PINNED)}
          onToggle={() => onState({ closed: toggled(state.closed, CLOSED_PINNED) })}
        >
          {() => grid(pinned)}
        </BoardGroup>
      )}
      {groups.map(({ prefix, names: members }) => {
        const shown = members.filter((name) => !pinned.includes(name));
        return shown.length === 0 ? null : groups.length === 1 && prefix === NO_PREFIX ? (
          <div key={prefix} className={classes["group"]}>
            {grid(shown)}
          </div>
        ) : (
          <BoardGroup
            key={prefix}
            label={prefix === NO_PREFIX ? "without a prefix" : prefix}
            count={shown.length}
            open={!state.closed.includes(closedWord(prefix))}
            onToggle={() => onState({ closed: toggled(state.closed, closedWord(prefix)) })}
          >
            {() => grid(shown)}
          </BoardGroup>
        );
      })}
      <FullScreen open={opened !== undefined} onClose={() => onState({ chart: undefined })}>
        {(height) => opened !== undefined && chartOf(opened, height, true)}
      </FullScreen>
    </ChartLinkProvider>
  );
}

function toggled(words: readonly string[], word: string): readonly string[] {
  return words.includes(word) ? words.filter((other) => other !== word) : [...words, word];
}

function PinButton(props: { readonly pinned: boolean; readonly onPin: () => void }) {
  const label = props.pinned ? "take from the top" : "pin to the top";
  return (
    <ActionIcon size="sm" variant="subtle" color="gray" aria-label={label} title={label} onClick={props.onPin}>
      {props.pinned ? <IconPinnedOff size={16} /> : <IconPin size={16} />}
    </ActionIcon>
  );
}

function BoardGroup(props: {
  readonly label: string;
  readonly count: number;
  readonly open: boolean;
  readonly onToggle: () => void;
  readonly children: () => ReactNode;
}) {
  return (
    <section className={classes["group"]} data-group={props.label}>
      <UnstyledButton className={classes["groupHead"]} aria-expanded={props.open} onClick={props.onToggle}>
        <IconChevronRight className={classes["chevron"]} data-open={props.open ? "" : undefined} size={14} />
        {props.label}
        <span className={classes["groupCount"]}>{props.count}</span>
      </UnstyledButton>
      {props.open && props.children()}
    </section>
  );
}

/** Room that title, legend and notes take of the screen. */
const FULL_SCREEN_FRAME = 130;

function FullScreen(props: {
  readonly open: boolean;
  readonly onClose: () => void;
  readonly children: (height: number) => ReactNode;
}) {
  const [height, setHeight] = useState(() => globalThis.innerHeight);
  useEffect(() => {
    const resize = (): void => setHeight(globalThis.innerHeight);
    globalThis.addEventListener("resize", resize);
    return () => globalThis.removeEventListener("resize", resize);
  }, []);
  return (
    <Modal
      opened={props.open}
      onClose={props.onClose}
      fullScreen
      withCloseButton={false}
      transitionProps={{ duration: 0 }}
      padding="md"
    >
      {props.open && props.children(Math.max(height - FULL_SCREEN_FRAME, 200))}
    </Modal>
  );
}

//! The buttons of a chart: whole window, full screen, and what can be saved.

import { ActionIcon, Menu } from "@mantine/core";
import { IconDots, IconMaximize, IconMinimize, IconZoomReset } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import classes from "./chart.module.css";

interface ChartToolsProps {
  readonly zoomed: boolean;
  readonly fullScreen: boolean;
  readonly onShowAll: () => void;
  readonly onFullScreen: () => void;
  readonly onPicture: (ground: "page" | "light") => void;
  readonly onCsv: () => void;
  /** All points of the lines, read from the server; absent where there is no server behind. */
  readonly onCsvOfAll: (() => void) | undefined;
  readonly children?: ReactNode;
}

/** Shown while the pointer or the focus is in the chart. */
export function ChartTools(props: ChartToolsProps) {
  const [open, setOpen] = useState(false);
  const Screen = props.fullScreen ? IconMinimize : IconMaximize;
  return (
    <div className={classes["tools"]} data-open={open ? "" : undefined}>
      {props.children}
      {props.zoomed && (
        <ActionIcon
          size="sm"
          variant="subtle"
          color="gray"
          aria-label="show all (0)"
          title="show all (0)"
          onClick={props.onShowAll}
        >
          <IconZoomReset size={16} />
        </ActionIcon>
      )}
      <ActionIcon
        size="sm"
        variant="subtle"
        color="gray"
        aria-label={props.fullScreen ? "leave full screen" : "full screen (f)"}
        title={props.fullScreen ? "leave full screen" : "full screen (f)"}
        onClick={props.onFullScreen}
      >
        <Screen size={16} />
      </ActionIcon>
      <Menu opened={open} onChange={setOpen} position="bottom-end" withinPortal zIndex={400}>
        <Menu.Target>
          <ActionIcon size="sm" variant="subtle" color="gray" aria-label="save this chart" title="save">
            <IconDots size={16} />
          </ActionIcon>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item onClick={() => props.onPicture("page")}>PNG</Menu.Item>
          <Menu.Item onClick={() => props.onPicture("light")}>PNG on light ground</Menu.Item>
          <Menu.Divider />
          <Menu.Item onClick={props.onCsv}>CSV of what is drawn</Menu.Item>
          {props.onCsvOfAll !== undefined && <Menu.Item onClick={props.onCsvOfAll}>CSV of all points</Menu.Item>}
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}

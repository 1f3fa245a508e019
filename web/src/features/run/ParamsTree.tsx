//! Params as a tree with search; each value is copied with a click.

import { ActionIcon, CopyButton, Text, TextInput } from "@mantine/core";
import { IconCheck, IconCopy, IconSearch } from "@tabler/icons-react";
import { useMemo } from "react";
import classes from "./overview.module.css";
import { leafText, type ParamRow, paramRows, pathText } from "./params";

/** Rows that are drawn; a search finds the others. */
const ROWS_MAX = 1_000;

interface ParamsTreeProps {
  readonly params: unknown;
  readonly query: string;
  readonly onQuery: ((query: string) => void) | undefined;
  readonly empty: string;
}

/** The tree. */
export function ParamsTree(props: ParamsTreeProps) {
  const rows = useMemo(() => paramRows(props.params, props.query), [props.params, props.query]);
  return (
    <>
      {props.onQuery !== undefined && (
        <TextInput
          size="xs"
          mb={6}
          aria-label="search params"
          placeholder="search names and values"
          leftSection={<IconSearch size={14} />}
          value={props.query}
          onChange={(event) => props.onQuery?.(event.currentTarget.value)}
        />
      )}
      {rows.length === 0 && (
        <Text size="sm" c="dimmed">
          {props.query === "" ? props.empty : `nothing is called, or says, “${props.query}”`}
        </Text>
      )}
      <div className={classes["rows"]}>
        {rows.slice(0, ROWS_MAX).map((row) => (
          <Row key={JSON.stringify(row.path)} row={row} />
        ))}
        {rows.length > ROWS_MAX && (
          <Text size="sm" c="dimmed">
            and {rows.length - ROWS_MAX} more: search
          </Text>
        )}
      </div>
    </>
  );
}

function Row(props: { readonly row: ParamRow }) {
  const { row } = props;
  const key = row.path.at(-1) ?? "";
  const style = { paddingLeft: row.depth * 16 };
  if (row.kind === "branch") {
    return (
      <div className={classes["row"]}>
        <span className={`${classes["key"]} ${classes["branch"]}`} style={style}>
          {key}
        </span>
      </div>
    );
  }
  const text = leafText(row.value);
  return (
    <div className={classes["row"]} data-param={pathText(row.path)} data-value={text}>
      <span className={classes["key"]} style={style}>
        {key}
      </span>
      <span className={classes["value"]}>{text === "" ? '""' : text}</span>
      <CopyButton value={text} timeout={1_200}>
        {({ copied, copy }) => (
          <ActionIcon
            className={classes["copy"]}
            size="xs"
            variant="subtle"
            color="gray"
            aria-label={`copy ${pathText(row.path)}`}
            onClick={copy}
          >
            {copied ? <IconCheck size={12} /> : <IconCopy size={12} />}
          </ActionIcon>
        )}
      </CopyButton>
    </div>
  );
}

//! What narrows the table: words, experiment, states, tags.

import { MultiSelect, Select, TagsInput, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, startTransition, useEffect, useRef, useState } from "react";
import { readExperiments } from "../../api/runs";
import { joinList } from "../../base/search";
import styles from "./runs.module.css";
import { type RunsSearch, STATES, statesOf, tagsOf, without } from "./search";

const TYPING_REST_MILLIS = 200;
const ROWS_AWAITED_MILLIS = 500;

interface FilterBarProps {
  readonly search: RunsSearch;
  /** Tags there are to choose from. */
  readonly tags: readonly string[];
  readonly onSearch: (search: RunsSearch, replace: boolean) => void;
  /** Other runs are about to be shown: living, archived, deleted. */
  readonly onShow: () => void;
}

interface InTurn {
  /** The rows are there, or will not come. */
  readonly ready: boolean;
  readonly children: ReactNode;
}

/**
 * Draws after the rows what takes longer to make than those take to read: fields with lists below
 * them. Where rows are long in coming it does not wait for them.
 */
export function AfterRows({ ready, children }: InTurn) {
  const [isTurn, setTurn] = useState(false);
  useEffect(() => {
    if (isTurn) {
      return undefined;
    }
    const timer = setTimeout(() => startTransition(() => setTurn(true)), ready ? 0 : ROWS_AWAITED_MILLIS);
    return () => clearTimeout(timer);
  }, [isTurn, ready]);
  return isTurn ? children : <span className={styles.later} />;
}

/** Fields for experiment, states, tags, and which runs. */
export function FilterBar({ search, tags, onSearch, onShow }: FilterBarProps) {
  const experiments = useQuery({ queryKey: ["experiments"], queryFn: readExperiments, refetchInterval: 15_000 });
  return (
    <>
      <Select
        size="xs"
        aria-label="experiment"
        placeholder="all experiments"
        clearable
        searchable
        data={experiments.data?.experiments.map((experiment) => experiment.name) ?? []}
        value={search.experiment ?? null}
        onChange={(experiment) =>
          onSearch(experiment === null ? without(search, ["experiment"]) : { ...search, experiment }, false)
        }
      />
      <MultiSelect
        size="xs"
        aria-label="states"
        placeholder={search.state === undefined ? "all states" : ""}
        clearable
        data={[...STATES]}
        value={[...statesOf(search)]}
        onChange={(states) =>
          onSearch(without({ ...search, state: states.join(",") }, states.length === 0 ? ["state"] : []), false)
        }
      />
      <TagsInput
        size="xs"
        aria-label="tags"
        placeholder={search.tag === undefined ? "all tags" : ""}
        clearable
        data={[...tags]}
        value={[...tagsOf(search)]}
        onChange={(wanted) =>
          onSearch(without({ ...search, tag: joinList(wanted) }, wanted.length === 0 ? ["tag"] : []), false)
        }
      />
      <Select
        size="xs"
        w={150}
        aria-label="which runs"
        allowDeselect={false}
        data={[
          { value: "living", label: "not archived" },
          { value: "archived", label: "with archived" },
          { value: "trash", label: "trash" },
        ]}
        value={search.show ?? "living"}
        onChange={(show) => {
          onShow();
          onSearch(show === "archived" || show === "trash" ? { ...search, show } : without(search, ["show"]), false);
        }}
      />
    </>
  );
}

/** Text that is told when the typing rests. `/` anywhere leads here. */
export function SearchField({ value, onValue }: { readonly value: string; readonly onValue: (value: string) => void }) {
  const [text, setText] = useState(value);
  const told = useRef(value);
  const tell = useRef(onValue);
  tell.current = onValue;
  const field = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (value !== told.current) {
      told.current = value;
      setText(value);
    }
  }, [value]);
  useEffect(() => {
    if (text === told.current) {
      return undefined;
    }
    const timer = setTimeout(() => {
      told.current = text;
      tell.current(text);
    }, TYPING_REST_MILLIS);
    return () => clearTimeout(timer);
  }, [text]);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const typing =
        event.target instanceof HTMLElement && event.target.closest("input, textarea, [contenteditable]") !== null;
      if (event.key === "/" && !typing) {
        event.preventDefault();
        field.current?.focus();
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  return (
    <TextInput
      ref={field}
      size="xs"
      className={styles.search ?? ""}
      placeholder="filter by name, id, tag, experiment, state ( / )"
      aria-label="filter"
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === "Escape") {
          event.currentTarget.blur();
        }
      }}
    />
  );
}

//! What narrows the table: words, experiment, states, tags.

import { MultiSelect, Select, TagsInput, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { Children, type ReactNode, startTransition, useEffect, useRef, useState } from "react";
import { readExperiments } from "../../api/runs";
import { joinList } from "../../base/search";
import styles from "./runs.module.css";
import { type RunsSearch, STATES, statesOf, tagsOf, without } from "./search";

const TYPING_REST_MILLIS = 200;
const ROWS_AWAITED_MILLIS = 500;

interface InTurn {
  /** The rows are there, or will not come. */
  readonly ready: boolean;
  readonly children: ReactNode;
}

/**
 * Draws its children after the rows, one at a time: fields with lists below them take longer to
 * make than rows take to read. Where rows are long in coming it does not wait for them.
 */
export function AfterRows({ ready, children }: InTurn) {
  const parts = Children.toArray(children);
  const [count, setCount] = useState(0);
  useEffect(() => {
    if (count >= parts.length) {
      return undefined;
    }
    const rest = ready || count > 0 ? 0 : ROWS_AWAITED_MILLIS;
    const timer = setTimeout(() => startTransition(() => setCount(count + 1)), rest);
    return () => clearTimeout(timer);
  }, [count, ready, parts.length]);
  return count === 0 ? <span className={styles.later} /> : parts.slice(0, count);
}

interface FieldProps {
  readonly search: RunsSearch;
  readonly onSearch: (search: RunsSearch, replace: boolean) => void;
}

export function ExperimentField({ search, onSearch }: FieldProps) {
  const experiments = useQuery({ queryKey: ["experiments"], queryFn: readExperiments, refetchInterval: 15_000 });
  return (
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
  );
}

export function StatesField({ search, onSearch }: FieldProps) {
  return (
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
  );
}

/** `tags` are those to choose from. */
export function TagsField({ search, onSearch, tags }: FieldProps & { readonly tags: readonly string[] }) {
  return (
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
  );
}

/** Living, archived or deleted runs; `onShow` is told before others come. */
export function ShownField({ search, onSearch, onShow }: FieldProps & { readonly onShow: () => void }) {
  return (
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

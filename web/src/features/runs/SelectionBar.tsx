//! What can be done with the selected runs.

import { Button, Group, Modal, Popover, Text, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { countText } from "../../base/text";
import styles from "./runs.module.css";

interface SelectionBarProps {
  readonly count: number;
  readonly trash: boolean;
  /** The name of the run, where one is selected. */
  readonly name: string | undefined;
  readonly onCompare: () => void;
  readonly onArchive: (archived: boolean) => void;
  readonly onTag: (tag: string, add: boolean) => void;
  readonly onMove: (experiment: string) => void;
  readonly onRename: (name: string) => void;
  readonly onDelete: () => void;
  readonly onUndelete: () => void;
  readonly onClear: () => void;
}

/** A bar with the count and the actions. */
export function SelectionBar(props: SelectionBarProps) {
  const [asked, setAsked] = useState<"move" | "rename" | undefined>();
  return (
    <div className={`${styles.bar} ${styles.selectionBar}`} role="toolbar" aria-label="selected runs">
      <Text size="sm" fw={600}>
        {countText(props.count, "run")} selected
      </Text>
      {props.trash ? (
        <Button size="xs" onClick={props.onUndelete}>
          Restore
        </Button>
      ) : (
        <>
          <Button size="xs" onClick={props.onCompare}>
            Compare
          </Button>
          <TagPopover onTag={props.onTag} />
          <Button size="xs" variant="default" onClick={() => props.onArchive(true)}>
            Archive
          </Button>
          <Button size="xs" variant="default" onClick={() => props.onArchive(false)}>
            Unarchive
          </Button>
          <Button size="xs" variant="default" onClick={() => setAsked("move")}>
            Move…
          </Button>
          {props.count === 1 ? (
            <Button size="xs" variant="default" onClick={() => setAsked("rename")}>
              Rename…
            </Button>
          ) : undefined}
          <Button size="xs" variant="light" color="red" onClick={props.onDelete}>
            Delete
          </Button>
        </>
      )}
      <Button size="xs" variant="subtle" onClick={props.onClear}>
        Clear
      </Button>
      <Ask
        opened={asked === "move"}
        title="Move to the experiment"
        initial=""
        action="Move"
        onDone={props.onMove}
        onClose={() => setAsked(undefined)}
      />
      <Ask
        opened={asked === "rename"}
        title="New name of the run"
        initial={props.name ?? ""}
        action="Rename"
        onDone={props.onRename}
        onClose={() => setAsked(undefined)}
      />
    </div>
  );
}

function TagPopover({ onTag }: { readonly onTag: (tag: string, add: boolean) => void }) {
  const [tag, setTag] = useState("");
  const [opened, setOpened] = useState(false);
  const give = (add: boolean) => {
    if (tag.trim() !== "") {
      onTag(tag.trim(), add);
      setTag("");
      setOpened(false);
    }
  };
  return (
    <Popover opened={opened} onChange={setOpened} trapFocus returnFocus shadow="md">
      <Popover.Target>
        <Button size="xs" variant="default" onClick={() => setOpened((former) => !former)}>
          Tag…
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            give(true);
          }}
        >
          <Group gap="xs">
            <TextInput
              size="xs"
              aria-label="tag"
              placeholder="tag"
              value={tag}
              onChange={(event) => setTag(event.currentTarget.value)}
            />
            <Button size="xs" type="submit">
              Add
            </Button>
            <Button size="xs" variant="default" onClick={() => give(false)}>
              Remove
            </Button>
          </Group>
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}

interface AskProps {
  readonly opened: boolean;
  readonly title: string;
  readonly initial: string;
  readonly action: string;
  readonly onDone: (text: string) => void;
  readonly onClose: () => void;
}

function Ask({ opened, title, initial, action, onDone, onClose }: AskProps) {
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const text = new FormData(event.currentTarget).get("text");
    if (typeof text === "string" && text.trim() !== "") {
      onDone(text.trim());
      onClose();
    }
  };
  return (
    <Modal opened={opened} onClose={onClose} title={title} size="sm">
      <form onSubmit={submit}>
        <Group align="end" wrap="nowrap">
          <TextInput
            name="text"
            aria-label={title}
            defaultValue={initial}
            data-autofocus
            className={styles.search ?? ""}
          />
          <Button type="submit">{action}</Button>
        </Group>
      </form>
    </Modal>
  );
}

//! Name, state and the buttons of a run.

import { ActionIcon, Badge, CopyButton, Group, Text, TextInput, Title, UnstyledButton } from "@mantine/core";
import { IconArchive, IconArchiveOff, IconCheck, IconCopy, IconPencil, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import type { RunDetail } from "../../api/types";
import { StateBadge } from "../../widgets/StateBadge";
import { Tags } from "../../widgets/Tags";
import { useToast } from "../../widgets/Toasts";
import { useRunEdit, useRunTrash } from "./queries";

interface RunHeaderProps {
  readonly run: RunDetail;
  /** A link to the experiment's runs. */
  readonly experimentHref: string;
}

/** The head of a run's page. */
export function RunHeader(props: RunHeaderProps) {
  const { run } = props;
  return (
    <div>
      <Group gap="sm" wrap="wrap" align="center">
        <NameField run={run} />
        <StateBadge run={run} />
        <Group gap={4} ml="auto" wrap="nowrap">
          <ArchiveButton run={run} />
          <TrashButton run={run} />
        </Group>
      </Group>
      <Group gap="xs" mt={4} wrap="wrap">
        <Text size="sm" c="dimmed">
          in <a href={props.experimentHref}>{run.experiment}</a>
        </Text>
        <CopyButton value={run.id} timeout={1_200}>
          {({ copied, copy }) => (
            <UnstyledButton onClick={copy} title="copy the id">
              <Group gap={4} wrap="nowrap">
                <Text size="sm" c="dimmed" ff="monospace">
                  {run.id}
                </Text>
                {copied ? <IconCheck size={14} /> : <IconCopy size={14} opacity={0.6} />}
              </Group>
            </UnstyledButton>
          )}
        </CopyButton>
        {run.group !== null && <Fact name="group" value={run.group} />}
        {run.job_type !== null && <Fact name="job type" value={run.job_type} />}
        {run.seed !== null && <Fact name="seed" value={String(run.seed)} />}
        {run.archived && (
          <Badge size="sm" variant="light" color="gray" tt="none">
            archived
          </Badge>
        )}
        <Tags tags={run.tags} />
      </Group>
    </div>
  );
}

function Fact(props: { readonly name: string; readonly value: string }) {
  return (
    <Text size="sm" c="dimmed">
      {props.name} <b>{props.value}</b>
    </Text>
  );
}

function NameField(props: { readonly run: RunDetail }) {
  const { run } = props;
  const [draft, setDraft] = useState<string>();
  const edit = useRunEdit(run.id);
  const toast = useToast();
  const shown = run.name ?? run.id;
  if (draft === undefined) {
    return (
      <Group gap={4} wrap="nowrap" style={{ minWidth: 0 }}>
        <Title order={2} size="h3" style={{ overflowWrap: "anywhere" }}>
          {edit.isPending ? edit.variables.name : shown}
        </Title>
        <ActionIcon variant="subtle" color="gray" aria-label="change the name" onClick={() => setDraft(run.name ?? "")}>
          <IconPencil size={16} />
        </ActionIcon>
      </Group>
    );
  }
  const take = (): void => {
    setDraft(undefined);
    if (draft.trim() !== (run.name ?? "")) {
      edit.mutate(
        { name: draft.trim() },
        { onError: (error) => toast({ kind: "error", text: `the name was not changed: ${error.message}` }) },
      );
    }
  };
  return (
    <TextInput
      autoFocus
      w={340}
      aria-label="name of the run"
      placeholder={run.id}
      value={draft}
      maxLength={256}
      onChange={(event) => setDraft(event.currentTarget.value)}
      onKeyDown={(event) => {
        if (event.key === "Enter") {
          take();
        } else if (event.key === "Escape") {
          setDraft(undefined);
        }
      }}
      onBlur={take}
    />
  );
}

function ArchiveButton(props: { readonly run: RunDetail }) {
  const { run } = props;
  const edit = useRunEdit(run.id);
  const toast = useToast();
  const label = run.archived ? "take from the archive" : "archive";
  const archive = (archived: boolean, tell: boolean): void =>
    edit.mutate(
      { archived },
      {
        onSuccess: () => {
          if (tell) {
            toast({ text: archived ? "archived" : "taken from the archive", undo: () => archive(!archived, false) });
          }
        },
        onError: (error) => toast({ kind: "error", text: `could not ${label}: ${error.message}` }),
      },
    );
  return (
    <ActionIcon
      variant="default"
      aria-label={label}
      title={label}
      loading={edit.isPending}
      onClick={() => archive(!run.archived, true)}
    >
      {run.archived ? <IconArchiveOff size={16} /> : <IconArchive size={16} />}
    </ActionIcon>
  );
}

function TrashButton(props: { readonly run: RunDetail }) {
  const { run } = props;
  const trash = useRunTrash(run.id);
  const toast = useToast();
  const remove = (): void =>
    trash.mutate("delete", {
      onSuccess: () => toast({ text: "moved to the trash", undo: () => trash.mutate("undelete") }),
      onError: (error) => toast({ kind: "error", text: `could not delete: ${error.message}` }),
    });
  return (
    <ActionIcon variant="default" aria-label="delete" title="delete" loading={trash.isPending} onClick={remove}>
      <IconTrash size={16} />
    </ActionIcon>
  );
}

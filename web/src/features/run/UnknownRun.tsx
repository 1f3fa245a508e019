//! What stands at the address of a run that is not there: deleted, never there, or meant by a name of several.

import { Alert, Anchor, Button, Group, Stack, Text } from "@mantine/core";
import { ApiError } from "../../api/http";
import type { RunItem } from "../../api/types";
import { ErrorPanel } from "../../widgets/Panels";
import { StateBadge } from "../../widgets/StateBadge";
import { useMeantRuns, useRunTrash } from "./queries";

interface UnknownRunProps {
  /** What the address says. */
  readonly run: string;
  /** Id of the run that the page has shown until now. */
  readonly id: string | undefined;
  readonly error: Error;
  readonly onRetry: () => void;
  /** Address of a run's page. */
  readonly runHref: (run: string) => string;
}

/** Whether the server has no such run, or no longer. */
export function isGone(error: Error | null): boolean {
  return error instanceof ApiError && (error.status === 404 || error.status === 410);
}

function isAmbiguous(error: Error): boolean {
  return error instanceof ApiError && error.status === 409;
}

/** The page of no run. */
export function UnknownRun(props: UnknownRunProps) {
  const { error } = props;
  const gone = isGone(error);
  const ambiguous = isAmbiguous(error);
  const meant = useMeantRuns(props.id ?? props.run, gone ? "trash" : "living", gone || ambiguous);
  if (gone) {
    return <GoneRun run={props.run} found={meant.data} />;
  }
  return (
    <div data-testid="run-missing">
      <ErrorPanel error={error} onRetry={props.onRetry} />
      {ambiguous && (
        <Stack gap={4} align="center">
          {(meant.data ?? []).map((run) => (
            <RunLine key={run.id} run={run}>
              <Anchor href={props.runHref(run.id)} size="sm" ff="monospace">
                {run.id}
              </Anchor>
            </RunLine>
          ))}
        </Stack>
      )}
    </div>
  );
}

function GoneRun(props: { readonly run: string; readonly found: readonly RunItem[] | undefined }) {
  const found = props.found ?? [];
  const title = found.length > 0 ? `${props.run} is in the trash` : `there is no run ${props.run}`;
  return (
    <Alert color="gray" title={title} m="md" data-testid="run-missing">
      <Stack gap="xs" align="flex-start">
        <Text size="sm">
          {props.found?.length === 0
            ? "It is not in the trash either, where deleted runs stay for 30 days."
            : "Deleted runs stay in the trash for 30 days."}
        </Text>
        {found.map((run) => (
          <TakeBack key={run.id} run={run} alone={found.length === 1} />
        ))}
      </Stack>
    </Alert>
  );
}

function TakeBack(props: { readonly run: RunItem; readonly alone: boolean }) {
  const { run } = props;
  const trash = useRunTrash(run.id);
  const button = (
    <Button size="xs" variant="default" loading={trash.isPending} onClick={() => trash.mutate("undelete")}>
      take it from the trash
    </Button>
  );
  return (
    <>
      {props.alone ? (
        button
      ) : (
        <RunLine run={run}>
          <Text size="sm" ff="monospace">
            {run.id}
          </Text>
          {button}
        </RunLine>
      )}
      {trash.error !== null && (
        <Text size="sm" c="red">
          {trash.error.message}
        </Text>
      )}
    </>
  );
}

/** A run of several that are meant. */
function RunLine(props: { readonly run: RunItem; readonly children: React.ReactNode }) {
  return (
    <Group gap="sm">
      {props.children}
      <StateBadge run={props.run} />
      <Text size="sm" c="dimmed">
        in {props.run.experiment}
      </Text>
    </Group>
  );
}

//! What stands where there is nothing else: empty, loading, an error.

import { Button, Code, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import { ApiError } from "../api/http";

/** Nothing to show, and what to do about it. */
export function EmptyPanel({ title, children }: { readonly title: string; readonly children?: ReactNode }) {
  return (
    <Stack align="center" gap="xs" p="xl" role="status" data-testid="empty">
      <Title order={4}>{title}</Title>
      <Text c="dimmed" component="div" ta="center" maw={560}>
        {children}
      </Text>
    </Stack>
  );
}

/** Something is on its way. */
// Nothing that moves: most answers come before one has seen it, and drawing it would delay them.
export function LoadingPanel({ what }: { readonly what: string }) {
  return (
    <Stack align="center" p="xl" role="status" aria-label={`loading ${what}`}>
      <Text c="dimmed" size="sm">
        loading {what} …
      </Text>
    </Stack>
  );
}

/** What failed, the next step, and another try. */
export function ErrorPanel({ error, onRetry }: { readonly error: Error; readonly onRetry?: () => void }) {
  const hint = error instanceof ApiError ? error.hint : undefined;
  return (
    <Stack align="center" gap="xs" p="xl" role="alert" data-testid="error">
      <Title order={4}>{error.message}</Title>
      {hint === undefined ? undefined : (
        <Text c="dimmed" ta="center" maw={560}>
          hint: {hint}
        </Text>
      )}
      {onRetry === undefined ? undefined : (
        <Button variant="light" size="xs" onClick={onRetry}>
          Try again
        </Button>
      )}
    </Stack>
  );
}

/** The lines that log a first run. */
export function FirstRun() {
  return (
    <Code block ta="left">
      {`from runstone import Run

with Run(experiment="digits", config={"lr": 0.05}) as run:
    for step in range(1000):
        run.track(1.0 / (step + 1), name="loss", step=step)`}
    </Code>
  );
}

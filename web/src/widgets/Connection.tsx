//! Whether the page hears the server, and the prompt for a token where one is needed.

import { Button, Modal, Stack, Text, TextInput } from "@mantine/core";
import { useEffect, useState, useSyncExternalStore } from "react";
import { type ConnectionState, feed } from "../api/changes";
import { onUnauthorized, setToken } from "../api/http";
import styles from "./widgets.module.css";

const WORDS: Readonly<Record<ConnectionState, string>> = {
  connecting: "connecting",
  live: "live",
  offline: "offline",
  locked: "token needed",
};

const TITLES: Readonly<Record<ConnectionState, string>> = {
  connecting: "the server has not answered yet",
  live: "changes are shown as they come",
  offline: "the server does not answer; what is shown may be old, and the page goes on when it is back",
  locked: "the server asks for a token; reload the page to be asked again",
};

/** The state of the connection as a dot and a word. */
export function Connection() {
  const state = useSyncExternalStore(feed.onState, () => feed.state);
  return (
    <span className={styles.connection} data-testid="connection" data-state={state} title={TITLES[state]} role="status">
      <span className={styles.dot} aria-hidden="true" />
      {WORDS[state]}
    </span>
  );
}

/** Asks for the token when the server does; then everything is read again. */
export function TokenPrompt({ onGiven }: { readonly onGiven: () => void }) {
  const [opened, setOpened] = useState(false);
  const [token, setText] = useState("");
  useEffect(() => onUnauthorized(() => setOpened(true)), []);
  return (
    <Modal opened={opened} onClose={() => setOpened(false)} title="This server asks for a token">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          setToken(token.trim());
          setText("");
          setOpened(false);
          feed.retry();
          onGiven();
        }}
      >
        <Stack>
          <Text size="sm" c="dimmed">
            It lies in ~/.runstone/token on the machine of the server. This tab keeps it until it is closed.
          </Text>
          <TextInput
            type="password"
            autoComplete="off"
            label="Token"
            value={token}
            onChange={(event) => setText(event.currentTarget.value)}
            data-autofocus
          />
          <Button type="submit" disabled={token.trim() === ""}>
            Go on
          </Button>
        </Stack>
      </form>
    </Modal>
  );
}

//! What stands around every page: where one is, whether the server is heard, light or dark, help.

import { ActionIcon, Anchor, Group, Kbd, Modal, Table, useMantineColorScheme } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { Link, Outlet } from "@tanstack/react-router";
import { useEffect, useState } from "react";
import { Connection, TokenPrompt } from "../widgets/Connection";
import { ToastProvider } from "../widgets/Toasts";
import styles from "./shell.module.css";

const KEYS: readonly (readonly [string, string])[] = [
  ["?", "this help"],
  ["/", "filter, search"],
  ["↑ ↓ or j k", "move between runs"],
  ["Space or x", "select a run; with Shift up to there"],
  ["Enter", "open a run"],
  ["← →", "move the cursor of a chart"],
  ["+ −", "zoom a chart in and out"],
  ["0", "the whole chart"],
  ["f", "a chart in full screen"],
];

const SCHEMES = { auto: "light", light: "dark", dark: "auto" } as const;
const SCHEME_SYMBOLS = { auto: "◐", light: "☀", dark: "☾" } as const;

/** Header, page, messages. */
export function Shell() {
  const client = useQueryClient();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [help, setHelp] = useState(false);
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const typing = event.target instanceof HTMLElement && event.target.closest("input, textarea") !== null;
      if (event.key === "?" && !typing) {
        setHelp((former) => !former);
      }
    };
    document.addEventListener("keydown", onKey);
    return () => document.removeEventListener("keydown", onKey);
  }, []);
  return (
    <ToastProvider>
      <div className={styles.shell}>
        <header className={styles.header}>
          <Group gap="md" wrap="nowrap">
            <Link to="/app/runs" className={styles.brand}>
              Runstone
            </Link>
            <nav aria-label="pages">
              <Anchor component={Link} to="/app/runs" size="sm" className={styles.link ?? ""}>
                Runs
              </Anchor>
            </nav>
          </Group>
          <Group gap="sm" wrap="nowrap">
            <Connection />
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label={`colours: ${colorScheme}; change`}
              title={`colours: ${colorScheme}`}
              onClick={() => setColorScheme(SCHEMES[colorScheme])}
            >
              {SCHEME_SYMBOLS[colorScheme]}
            </ActionIcon>
            <ActionIcon
              variant="subtle"
              color="gray"
              aria-label="keys"
              title="keys ( ? )"
              onClick={() => setHelp(true)}
            >
              ?
            </ActionIcon>
          </Group>
        </header>
        <main className={styles.main}>
          <Outlet />
        </main>
      </div>
      <Modal opened={help} onClose={() => setHelp(false)} title="Keys">
        <Table>
          <Table.Tbody>
            {KEYS.map(([key, meaning]) => (
              <Table.Tr key={key}>
                <Table.Td>
                  <Kbd>{key}</Kbd>
                </Table.Td>
                <Table.Td>{meaning}</Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </Modal>
      <TokenPrompt onGiven={() => void client.invalidateQueries()} />
    </ToastProvider>
  );
}

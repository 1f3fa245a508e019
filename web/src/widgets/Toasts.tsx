//! What was done, for some seconds, with a way back.

import { Button, CloseButton, Group, Paper, Text } from "@mantine/core";
import { createContext, type ReactNode, useCallback, useContext, useMemo, useRef, useState } from "react";
import styles from "./widgets.module.css";

/** One message. */
export interface Toast {
  readonly text: string;
  readonly kind?: "done" | "error";
  /** Takes back what was done. */
  readonly undo?: () => void;
}

const SHOWN_MILLIS = 12_000;
const ToastContext = createContext<(toast: Toast) => void>(() => undefined);

/** Shows a message. */
export function useToast(): (toast: Toast) => void {
  return useContext(ToastContext);
}

/** Holds the messages of a page. */
export function ToastProvider({ children }: { readonly children: ReactNode }) {
  const [toasts, setToasts] = useState<readonly (Toast & { readonly id: number })[]>([]);
  const next = useRef(0);
  const drop = useCallback((id: number) => setToasts((former) => former.filter((toast) => toast.id !== id)), []);
  const show = useCallback(
    (toast: Toast) => {
      const id = next.current;
      next.current += 1;
      setToasts((former) => [...former.slice(-3), { ...toast, id }]);
      setTimeout(() => drop(id), SHOWN_MILLIS);
    },
    [drop],
  );
  const shown = useMemo(() => toasts, [toasts]);
  return (
    <ToastContext value={show}>
      {children}
      <div className={styles.toasts} role="status" aria-live="polite">
        {shown.map((toast) => (
          <Paper key={toast.id} withBorder shadow="md" p="xs" className={styles.toast} data-kind={toast.kind ?? "done"}>
            <Group gap="sm" wrap="nowrap">
              <Text size="sm">{toast.text}</Text>
              {toast.undo === undefined ? undefined : (
                <Button
                  size="compact-sm"
                  variant="light"
                  onClick={() => {
                    toast.undo?.();
                    drop(toast.id);
                  }}
                >
                  Undo
                </Button>
              )}
              <CloseButton size="sm" aria-label="close this message" onClick={() => drop(toast.id)} />
            </Group>
          </Paper>
        ))}
      </div>
    </ToastContext>
  );
}

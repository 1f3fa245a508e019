//! Colours and sizes of the pages.

import { createTheme, type MantineColorsTuple } from "@mantine/core";

const stone: MantineColorsTuple = [
  "#e3fafc",
  "#c5f6fa",
  "#99e9f2",
  "#66d9e8",
  "#3bc9db",
  "#22b8cf",
  "#15aabf",
  "#1098ad",
  "#0c8599",
  "#0b7285",
];

export const theme = createTheme({
  primaryColor: "stone",
  primaryShade: { light: 9, dark: 7 },
  colors: { stone },
  fontFamily: "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif",
  fontFamilyMonospace: "ui-monospace, 'SF Mono', Menlo, 'DejaVu Sans Mono', monospace",
  cursorType: "pointer",
});

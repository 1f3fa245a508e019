//! The link between the charts of a page; see link.ts.

import { createContext, type ReactNode, useContext, useState, useSyncExternalStore } from "react";
import { ChartLink } from "./link";

const LinkContext = createContext<ChartLink | undefined>(undefined);

/** Charts below share cursor, dragged window and highlight; inside another page's link, that one. */
export function ChartLinkProvider(props: { readonly children: ReactNode }) {
  return <LinkContext value={useChartLink()}>{props.children}</LinkContext>;
}

/** The link of the page; a chart outside of any page has one of its own. */
export function useChartLink(): ChartLink {
  const shared = useContext(LinkContext);
  const [own] = useState(() => new ChartLink());
  return shared ?? own;
}

/** Key of the line that is lit up. */
export function useHighlighted(link: ChartLink): string | undefined {
  return useSyncExternalStore(link.onHighlight, () => link.highlighted);
}

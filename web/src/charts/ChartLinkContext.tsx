//! The link between the charts of a page; see link.ts.

import { createContext, type ReactNode, useContext, useState } from "react";
import { ChartLink } from "./link";

const LinkContext = createContext<ChartLink | undefined>(undefined);

/** Charts below share cursor and dragged window. */
export function ChartLinkProvider(props: { readonly children: ReactNode }) {
  const [link] = useState(() => new ChartLink());
  return <LinkContext value={link}>{props.children}</LinkContext>;
}

/** The link of the page; a chart outside of any page has one of its own. */
export function useChartLink(): ChartLink {
  const shared = useContext(LinkContext);
  const [own] = useState(() => new ChartLink());
  return shared ?? own;
}

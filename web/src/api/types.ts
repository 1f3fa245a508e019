//! Names for the generated types of the API.

import type { components } from "./schema";

type Schemas = components["schemas"];

export type RunItem = Schemas["RunItem"];
export type RunDetail = Schemas["RunDetail"];
export type RunEdit = Schemas["RunEdit"];
export type RunState = Schemas["RunState"];
export type EventItem = Schemas["EventItem"];
export type EndReason = Schemas["EndReason"];
export type WriterItem = Schemas["WriterItem"];
export type WarningItem = Schemas["WarningItem"];
export type ScalarItem = Schemas["ScalarItem"];
export type Completeness = Schemas["Completeness"];
export type SeriesItem = Schemas["SeriesItem"];
export type SeriesList = Schemas["SeriesList"];
export type PointsPage = Schemas["PointsPage"];
export type ApiNumber = Schemas["Number"];
export type Context = Schemas["Context"];
export type LineHead = Schemas["LineHead"];
export type LinesAnswer = Schemas["Lines"];
export type LinesRequest = Schemas["LinesRequest"];
export type LineX = Schemas["LineX"];
export type SeriesAddress = Schemas["SeriesAddress"];
export type ChangeItem = Schemas["ChangeItem"];
export type ChangeKind = Schemas["ChangeKind"];
export type Problem = Schemas["Problem"];
export type TablePage = Schemas["TablePage"];
export type TableRequest = Schemas["TableRequest"];
export type TableRow = Schemas["TableRow"];
export type Column = Schemas["Column"];
export type Sort = Schemas["Sort"];
export type MetricValue = Schemas["MetricValue"];
export type RunProperty = Schemas["RunProperty"];
export type ColumnsAnswer = Schemas["ColumnsAnswer"];
export type MetricColumn = Schemas["MetricColumn"];
export type EditAction = Schemas["EditAction"];
export type EditsAnswer = Schemas["EditsAnswer"];
export type ExperimentList = Schemas["ExperimentList"];
export type JsonValue = Schemas["JsonValue"];

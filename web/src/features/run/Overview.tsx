//! Everything about a run besides its charts.

import { Alert, Badge, Group, Table, TagsInput, Text, Textarea, Timeline } from "@mantine/core";
import { IconAlertTriangle } from "@tabler/icons-react";
import { type ReactNode, useMemo, useState } from "react";
import type { Completeness, EventItem, RunDetail, WriterItem } from "../../api/types";
import { agoText } from "../../base/text";
import { formatStep, formatWall } from "../../charts/numbers";
import { causeText } from "../../widgets/StateBadge";
import { useToast } from "../../widgets/Toasts";
import { useNow } from "../../widgets/useNow";
import classes from "./overview.module.css";
import { ParamsTree } from "./ParamsTree";
import { leafText, splitEnvironment } from "./params";
import { useRunEdit } from "./queries";
import { STATE_COLORS } from "./words";

interface OverviewProps {
  readonly run: RunDetail;
  readonly query: string;
  readonly onQuery: (query: string) => void;
}

/** Cards of a run. */
export function Overview(props: OverviewProps) {
  const { run } = props;
  const { params, environment } = useMemo(() => splitEnvironment(run.params), [run.params]);
  return (
    <div className={classes["cards"]}>
      <Warnings run={run} />
      <Card title="params">
        <ParamsTree params={params} query={props.query} onQuery={props.onQuery} empty="no params were set" />
      </Card>
      <Card title="state">
        <History events={run.events} />
      </Card>
      <Card title="points">
        <CompletenessTable completeness={run.completeness} />
      </Card>
      <Card title="about">
        <About run={run} />
      </Card>
      {run.scalars.length > 0 && (
        <Card title="scalars">
          <Scalars run={run} />
        </Card>
      )}
      {environment !== undefined && (
        <Card title="environment">
          <ParamsTree params={environment} query="" onQuery={undefined} empty="" />
        </Card>
      )}
      <Card title="writers" wide>
        <Writers writers={run.writers} />
      </Card>
    </div>
  );
}

function Card(props: { readonly title: string; readonly wide?: boolean; readonly children: ReactNode }) {
  return (
    <section
      className={props.wide === true ? `${classes["card"]} ${classes["wide"]}` : classes["card"]}
      aria-label={props.title}
    >
      <h3 className={classes["heading"]}>{props.title}</h3>
      {props.children}
    </section>
  );
}

function Warnings(props: { readonly run: RunDetail }) {
  const { warnings } = props.run;
  return warnings.length === 0 ? null : (
    <div className={classes["wide"]}>
      {warnings.map((warning) => (
        <Alert
          key={warning.kind}
          color="yellow"
          variant="light"
          mb={6}
          py={8}
          icon={<IconAlertTriangle />}
          title={`${warning.kind.replaceAll("_", " ")} (${formatStep(warning.count)})`}
        >
          {warning.detail}
        </Alert>
      ))}
    </div>
  );
}

/** A writer by the start of its id; everybody else by name. */
function actorText(actor: string): string {
  return /^[0-9a-f]{32}$/.test(actor) ? `writer ${actor.slice(0, 8)}` : actor;
}

function History(props: { readonly events: readonly EventItem[] }) {
  const now = useNow();
  return (
    <Timeline bulletSize={12} lineWidth={2} active={props.events.length} data-testid="run-events">
      {props.events.map((event) => {
        const reason = causeText(event.reason);
        return (
          <Timeline.Item key={`${event.change} ${event.event}`} color={STATE_COLORS[event.to]}>
            <Group gap={6} wrap="wrap">
              <Badge size="sm" variant="light" color={STATE_COLORS[event.to]} tt="none">
                {event.to}
              </Badge>
              <Text size="sm">{event.event.replaceAll("_", " ")}</Text>
              <Text size="sm" c="dimmed">
                by {actorText(event.actor)},{" "}
                <span title={formatWall(event.at_micros)}>{agoText(event.at_micros, now)}</span>
              </Text>
            </Group>
            {reason !== "" && (
              <Text size="sm" c={STATE_COLORS[event.to]} style={{ overflowWrap: "anywhere" }}>
                {reason}
              </Text>
            )}
          </Timeline.Item>
        );
      })}
    </Timeline>
  );
}

const COUNTS: readonly {
  readonly field: keyof Completeness;
  readonly name: string;
  readonly meaning: string;
  readonly bad: boolean;
}[] = [
  { field: "logged", name: "logged", meaning: "points of all calls, as far as known", bad: false },
  { field: "durable", name: "here", meaning: "points on the server, history included", bad: false },
  { field: "refused", name: "refused", meaning: "points that could not be taken", bad: true },
  { field: "dropped", name: "dropped", meaning: "points that the client had no room for", bad: true },
  { field: "lost_slots", name: "lost", meaning: "records that never arrived", bad: true },
];

function CompletenessTable(props: { readonly completeness: Completeness }) {
  const { completeness } = props;
  const waiting = completeness.logged - completeness.durable - completeness.refused - completeness.dropped;
  return (
    <>
      <Table verticalSpacing={3} withRowBorders={false}>
        <Table.Tbody>
          {COUNTS.map(({ field, name, meaning, bad }) => (
            <Table.Tr key={field} title={meaning} data-completeness={field} data-value={completeness[field]}>
              <Table.Td>{name}</Table.Td>
              <Table.Td className={classes["number"]} ta="right">
                <Text span size="sm" {...(bad && completeness[field] > 0 ? { c: "red", fw: 700 } : {})}>
                  {formatStep(completeness[field])}
                </Text>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {waiting > 0 && (
        <Text size="sm" c="dimmed" mt={4}>
          {formatStep(waiting)} logged, not here yet
        </Text>
      )}
    </>
  );
}

function About(props: { readonly run: RunDetail }) {
  const { run } = props;
  const edit = useRunEdit(run.id);
  const toast = useToast();
  const [description, setDescription] = useState<string>();
  const failed = (error: Error): void => {
    toast({ kind: "error", text: `not changed: ${error.message}` });
  };
  const takeDescription = (): void => {
    if (description !== undefined && description !== (run.description ?? "")) {
      edit.mutate({ description }, { onError: failed });
    }
    setDescription(undefined);
  };
  const facts: readonly (readonly [string, string | undefined])[] = [
    ["created", formatWall(run.created_at_micros)],
    ["started", run.started_at_micros === null ? undefined : formatWall(run.started_at_micros)],
    ["ended", run.ended_at_micros === null ? undefined : formatWall(run.ended_at_micros)],
    ["last heard of", run.last_received_at_micros === null ? undefined : formatWall(run.last_received_at_micros)],
    ["repeats", run.rerun_of ?? undefined],
    ["rewinds", run.generation === 0 ? undefined : String(run.generation)],
    ...run.aliases.map((alias): readonly [string, string] => [`${alias.dialect} id`, alias.id]),
  ];
  return (
    <>
      <TagsInput
        size="xs"
        label="tags"
        placeholder={run.tags.length === 0 ? "add a tag" : ""}
        value={(edit.isPending ? edit.variables.tags : undefined) ?? run.tags}
        onChange={(tags) => edit.mutate({ tags }, { onError: failed })}
      />
      <Textarea
        size="xs"
        mt={8}
        label="description"
        autosize
        minRows={2}
        maxRows={12}
        placeholder="what this run is about"
        value={description ?? run.description ?? ""}
        onChange={(event) => setDescription(event.currentTarget.value)}
        onBlur={takeDescription}
      />
      <Table mt={8} verticalSpacing={3} withRowBorders={false}>
        <Table.Tbody>
          {facts.map(
            ([name, value]) =>
              value !== undefined && (
                <Table.Tr key={name}>
                  <Table.Td c="dimmed">{name}</Table.Td>
                  <Table.Td className={classes["number"]}>{value}</Table.Td>
                </Table.Tr>
              ),
          )}
        </Table.Tbody>
      </Table>
    </>
  );
}

function Scalars(props: { readonly run: RunDetail }) {
  return (
    <div className={classes["rows"]}>
      {props.run.scalars.map((scalar) => (
        <div
          key={scalar.name}
          className={classes["row"]}
          title={formatWall(scalar.time_micros)}
          data-scalar={scalar.name}
          data-value={leafText(scalar.value)}
        >
          <span className={classes["key"]}>{scalar.name}</span>
          <span className={classes["value"]}>{leafText(scalar.value)}</span>
        </div>
      ))}
    </div>
  );
}

function Writers(props: { readonly writers: readonly WriterItem[] }) {
  const now = useNow();
  if (props.writers.length === 0) {
    return (
      <Text size="sm" c="dimmed">
        no process has written to this run
      </Text>
    );
  }
  return (
    <div className={classes["tableWrap"]}>
      <Table verticalSpacing={4} fz="sm" striped>
        <Table.Thead>
          <Table.Tr>
            {["host", "process", "rank", "user", "SDK", "opened", "last heard of", "end"].map((head) => (
              <Table.Th key={head}>{head}</Table.Th>
            ))}
            {["logged", "here", "refused", "dropped", "lost"].map((head) => (
              <Table.Th key={head} ta="right">
                {head}
              </Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {props.writers.map((writer) => (
            <WriterRow key={writer.id} writer={writer} now={now} />
          ))}
        </Table.Tbody>
      </Table>
    </div>
  );
}

function WriterRow(props: { readonly writer: WriterItem; readonly now: number }) {
  const { writer, now } = props;
  const counts = writer.completeness;
  return (
    <Table.Tr title={`writer ${writer.id}`}>
      <Table.Td>{writer.host}</Table.Td>
      <Table.Td className={classes["number"]}>
        {writer.pid}
        {writer.primary && (
          <Badge ml={6} size="xs" variant="light" tt="none" title="its end is the run's end">
            primary
          </Badge>
        )}
      </Table.Td>
      <Table.Td>{writer.rank ?? ""}</Table.Td>
      <Table.Td>{writer.user}</Table.Td>
      <Table.Td>{writer.sdk}</Table.Td>
      <Table.Td title={formatWall(writer.opened_at_micros)}>{agoText(writer.opened_at_micros, now)}</Table.Td>
      <Table.Td title={formatWall(writer.last_received_at_micros)}>
        {agoText(writer.last_received_at_micros, now)}
      </Table.Td>
      <Table.Td>
        {writer.end === null
          ? "open"
          : `${writer.end.kind}${writer.end.reason === null ? "" : ` (${causeText(writer.end.reason)})`}`}
      </Table.Td>
      {[counts.logged, counts.durable, counts.refused, counts.dropped, counts.lost_slots].map((count, index) => (
        <Table.Td
          key={COUNTS[index]?.field}
          ta="right"
          className={classes["number"]}
          {...(index > 1 && count > 0 ? { c: "red", fw: 700 } : {})}
        >
          {formatStep(count)}
        </Table.Td>
      ))}
    </Table.Tr>
  );
}

//! The change feed: pages of the journal, filtered, with the events of each change.
//!
//! [`Service::list_changes`] answers one page. A stream resolves its query once, into a
//! [`ChangeFilter`], and reads page after page with [`Service::read_changes`]; what waits between
//! two pages is the caller's. A page is bounded in changes, in bytes and in the rows that the store
//! looks at for it, so it may be empty and still move on.

use crate::Service;
use crate::api::{
    CHANGES_PAGE_DEFAULT, CHANGES_PAGE_MAX, ChangeItem, ChangeKind, ChangesPage, ChangesQuery,
};
use crate::error::ServiceError;
use crate::runs::{event_item, page_limit};
use runstone_model::{ChangeNumber, Principal, RunId};
use runstone_store::{ChangeKinds, ChangeRecord, ChangeScan, Snapshot, StoreError};

/// Bytes of a page, about, as JSON.
const PAGE_BYTES_MAX: usize = 2 << 20;
/// Bytes of the JSON of a change without its texts, about.
const ITEM_BYTES: usize = 160;
/// Bytes of the JSON of an event without its texts, about.
const EVENT_BYTES: usize = 220;

/// Which changes, with the address of the run resolved.
#[derive(Debug, Clone, Default)]
pub struct ChangeFilter {
    run: Option<RunId>,
    experiment: Option<String>,
    kinds: ChangeKinds,
}

impl ChangeFilter {
    /// Whether every change passes.
    pub fn is_open(&self) -> bool {
        self.run.is_none() && self.experiment.is_none() && self.kinds.is_empty()
    }
}

impl Service {
    /// One page of changes, oldest first.
    ///
    /// # Errors
    /// `Invalid` for a limit or kind that is none; `NotFound` and `Conflict` for an address that
    /// means no run, or several.
    pub fn list_changes(
        &self,
        principal: &Principal,
        query: &ChangesQuery,
    ) -> Result<ChangesPage, ServiceError> {
        let limit =
            page_limit(query.limit, CHANGES_PAGE_DEFAULT, CHANGES_PAGE_MAX).map_err(|error| {
                error.with_hint(format!(
                    "limit is 1 to {CHANGES_PAGE_MAX}; read on with since={{next}}"
                ))
            })?;
        let filter = self.change_filter(principal, query)?;
        self.read_changes(&filter, query.since, limit, PAGE_BYTES_MAX)
    }

    /// Resolves what a query asks for; `since` and `limit` are left to the caller.
    ///
    /// # Errors
    /// As [`Service::list_changes`].
    pub fn change_filter(
        &self,
        principal: &Principal,
        query: &ChangesQuery,
    ) -> Result<ChangeFilter, ServiceError> {
        Self::may_read(principal)?;
        let run = match &query.run {
            None => None,
            Some(address) => Some(self.id_of_run(&*self.store.snapshot()?, address)?),
        };
        Ok(ChangeFilter {
            run,
            experiment: query.experiment.clone(),
            kinds: parse_kinds(query.kind.as_deref())?,
        })
    }

    /// A page of at most `limit` changes and about `bytes_max` bytes, but at least one change if
    /// there is one.
    ///
    /// # Errors
    /// Those of the store.
    pub fn read_changes(
        &self,
        filter: &ChangeFilter,
        since: Option<u64>,
        limit: usize,
        bytes_max: usize,
    ) -> Result<ChangesPage, ServiceError> {
        let snapshot = self.store.snapshot()?;
        let page = snapshot.scan_changes(&ChangeScan {
            workspace: self.workspace,
            since: since.map(ChangeNumber),
            run: filter.run.clone(),
            experiment: filter.experiment.clone(),
            kinds: filter.kinds,
            limit,
        })?;
        let mut next = page.next.0;
        let mut bytes = 0;
        let mut changes: Vec<ChangeItem> = Vec::with_capacity(page.changes.len());
        for record in page.changes {
            bytes += bytes_of(&record);
            if let Some(last) = changes.last().filter(|_| bytes > bytes_max) {
                next = last.change;
                break;
            }
            changes.push(change_item(record));
        }
        Ok(ChangesPage {
            changes,
            next,
            newest: snapshot.change_number().0,
            reset: page.reset,
        })
    }

    /// The id that an address means; a deleted run is meant by its whole id.
    fn id_of_run(&self, snapshot: &dyn Snapshot, address: &str) -> Result<RunId, ServiceError> {
        let error = match snapshot.find_run(self.workspace, address) {
            Ok(record) => return Ok(record.run.id),
            Err(error) => error,
        };
        if matches!(error, StoreError::NotFound(_))
            && let Ok(id) = RunId::new(address)
        {
            let scan = ChangeScan {
                workspace: self.workspace,
                since: Some(snapshot.change_number()),
                run: Some(id.clone()),
                limit: 1,
                ..ChangeScan::default()
            };
            if snapshot.scan_changes(&scan).is_ok() {
                return Ok(id);
            }
        }
        Err(ServiceError::from(error)
            .or_hint("`runstone runs` lists ids and names; the start of an id is enough"))
    }
}

fn parse_kinds(text: Option<&str>) -> Result<ChangeKinds, ServiceError> {
    text.unwrap_or_default()
        .split(',')
        .map(str::trim)
        .filter(|word| !word.is_empty())
        .map(|word| {
            runstone_store::ChangeKind::ALL
                .into_iter()
                .find(|kind| kind.as_str() == word)
                .ok_or_else(|| {
                    let known = runstone_store::ChangeKind::ALL.map(|kind| kind.as_str());
                    ServiceError::invalid(format!("`{word}` is no kind of change"))
                        .with_hint(format!("kinds are {}", known.join(", ")))
                })
        })
        .collect()
}

fn bytes_of(record: &ChangeRecord) -> usize {
    let events = record.events.iter().map(|event| {
        let reason = event.reason.as_ref().map_or(0, |reason| reason.text.len());
        EVENT_BYTES + event.actor.len() + reason
    });
    ITEM_BYTES + record.run_id.as_str().len() + record.experiment_name.len() + events.sum::<usize>()
}

fn change_item(record: ChangeRecord) -> ChangeItem {
    ChangeItem {
        change: record.change.0,
        at_micros: record.at,
        run: record.run_id,
        experiment: record.experiment_name,
        kinds: record.kinds.iter().map(ChangeKind::from).collect(),
        events: record.events.into_iter().map(event_item).collect(),
    }
}

impl From<runstone_store::ChangeKind> for ChangeKind {
    fn from(kind: runstone_store::ChangeKind) -> Self {
        use runstone_store::ChangeKind as Stored;
        match kind {
            Stored::Created => Self::Created,
            Stored::State => Self::State,
            Stored::Properties => Self::Properties,
            Stored::Tags => Self::Tags,
            Stored::Params => Self::Params,
            Stored::Points => Self::Points,
            Stored::Scalars => Self::Scalars,
            Stored::Writers => Self::Writers,
            Stored::Warnings => Self::Warnings,
            Stored::Deleted => Self::Deleted,
            Stored::Undeleted => Self::Undeleted,
            Stored::Logs => Self::Logs,
            Stored::Objects => Self::Objects,
            Stored::Artifacts => Self::Artifacts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ErrorKind, Store};
    use bytes::Bytes;
    use runstone_model::{StoreIdentity, Timestamp};
    use runstone_store::conformance::testing::{FrameBuilder, TEST_EPOCH_MICROS};
    use runstone_store::memory::MemoryStore;
    use std::sync::Arc;

    #[test]
    fn the_word_of_a_kind_is_the_same_in_queries_and_answers() {
        for stored in runstone_store::ChangeKind::ALL {
            let json = serde_json::to_value(ChangeKind::from(stored)).unwrap();
            assert_eq!(json, stored.as_str());
            assert!(parse_kinds(Some(stored.as_str())).unwrap().contains(stored));
        }
        assert!(parse_kinds(None).unwrap().is_empty());
        let error = parse_kinds(Some("points,colour")).unwrap_err();
        assert!(error.hint.unwrap().contains("created, state, properties"));
    }

    fn service() -> Service {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(StoreIdentity {
            store: [1; 16],
            incarnation: [2; 16],
        }));
        let clock = Arc::new(|| Timestamp::from_micros(TEST_EPOCH_MICROS));
        Service::new(store, clock)
    }

    fn send(service: &Service, builder: &mut FrameBuilder) {
        let frame = Bytes::from(builder.frame().frame.encode());
        service.ingest_frame(&Principal::local(), &frame).unwrap();
    }

    #[test]
    fn pages_join_whatever_bounds_them() {
        let service = service();
        let mut writer = FrameBuilder::creator("run-a", 1);
        for value in 0..20 {
            send(&service, writer.set_param("x", i64::from(value)));
        }
        let filter = ChangeFilter::default();
        assert!(filter.is_open());
        for (limit, bytes) in [(1, 1_000_000), (7, 1_000_000), (100, 1), (100, 400)] {
            let mut seen = Vec::new();
            let mut since = Some(0);
            loop {
                let page = service.read_changes(&filter, since, limit, bytes).unwrap();
                assert!(!page.reset && page.newest == 20);
                seen.extend(page.changes.iter().map(|change| change.change));
                since = Some(page.next);
                if page.next == page.newest {
                    break;
                }
                assert!(!page.changes.is_empty(), "a page gets on");
            }
            assert_eq!(seen, (1..=20).collect::<Vec<u64>>(), "{limit} {bytes}");
        }
    }

    #[test]
    fn a_query_names_run_experiment_and_kinds() {
        let service = service();
        let me = Principal::local();
        let mut writer = FrameBuilder::creator("run-abc", 1);
        send(&service, &mut writer);
        send(&service, writer.set_param("x", 1_i64));
        let list = |query: ChangesQuery| service.list_changes(&me, &query);
        let query = ChangesQuery {
            run: Some("run-a".to_owned()),
            kind: Some("params, state".to_owned()),
            experiment: Some("default".to_owned()),
            ..ChangesQuery::default()
        };
        let page = list(query.clone()).unwrap();
        assert_eq!(page.changes.len(), 2);
        let first = &page.changes[0];
        assert_eq!(first.events.len(), 2);
        assert_eq!(
            (first.run.as_str(), first.experiment.as_str()),
            ("run-abc", "default")
        );
        assert_eq!(
            first.kinds,
            [ChangeKind::Created, ChangeKind::State, ChangeKind::Writers]
        );
        let refused = |query: ChangesQuery, kind: ErrorKind| {
            let error = list(query).unwrap_err();
            assert_eq!(error.kind, kind, "{error}");
            assert!(error.hint.is_some());
        };
        let strange = ChangesQuery {
            run: Some("nobody".to_owned()),
            ..ChangesQuery::default()
        };
        refused(strange, ErrorKind::NotFound);
        let long = ChangesQuery {
            limit: Some(CHANGES_PAGE_MAX + 1),
            ..ChangesQuery::default()
        };
        refused(long, ErrorKind::Invalid);
        let ahead = list(ChangesQuery {
            since: Some(9),
            ..query
        });
        let ahead = ahead.unwrap();
        assert!(ahead.reset && ahead.changes.is_empty());
        assert_eq!((ahead.next, ahead.newest), (2, 2));
    }
}

//! Objects of a run: which series there are, and the sets of one by step.

use crate::Service;
use crate::api::{
    OBJECTS_PAGE_DEFAULT, OBJECTS_PAGE_MAX, ObjectItem, ObjectSeriesItem, ObjectSeriesList,
    ObjectSetItem, ObjectsPage, ObjectsQuery, RawJson,
};
use crate::error::ServiceError;
use crate::points::{decode_position, encode_position, parse_steps};
use crate::runs::page_limit;
use crate::series::{parse_context, parse_metric_name};
use runstone_model::{Context, Principal, SeriesKey, SeriesKind};
use runstone_store::{ObjectScan, ObjectSeriesRecord, ObjectSet};

impl Service {
    /// Object series of a run that have something to show, with how much.
    ///
    /// # Errors
    /// `NotFound` and `Conflict` for the run.
    pub fn list_object_series(
        &self,
        principal: &Principal,
        address: &str,
    ) -> Result<ObjectSeriesList, ServiceError> {
        Self::may_read(principal)?;
        let snapshot = self.store.snapshot()?;
        let run = self.find_run(&*snapshot, address)?;
        let records = snapshot.read_object_series(run.key)?;
        Ok(ObjectSeriesList {
            series: records.into_iter().map(series_item).collect(),
        })
    }

    /// One page of the objects of a series: one set a step, or with `history` all ever logged.
    ///
    /// # Errors
    /// `NotFound` for the run or the series, `Conflict` for an ambiguous run, `Invalid` for what
    /// was asked wrongly.
    pub fn list_objects(
        &self,
        principal: &Principal,
        address: &str,
        query: &ObjectsQuery,
    ) -> Result<ObjectsPage, ServiceError> {
        Self::may_read(principal)?;
        let scan = object_scan(query)?;
        let snapshot = self.store.snapshot()?;
        let run = self.find_run(&*snapshot, address)?;
        let page = snapshot.scan_objects(run.key, &scan).map_err(|error| {
            ServiceError::from(error).or_hint(format!(
                "/runstone/v1/runs/{}/object-series lists the series of the run",
                run.run.id
            ))
        })?;
        let sets = page.sets.into_iter();
        Ok(ObjectsPage {
            sets: sets.map(|set| set_item(set, scan.history)).collect(),
            next_cursor: page.next.map(|next| encode_position("objects", &next)),
        })
    }
}

fn object_scan(query: &ObjectsQuery) -> Result<ObjectScan, ServiceError> {
    let (Some(name), Some(kind)) = (query.name.as_deref(), query.kind.as_deref()) else {
        return Err(
            ServiceError::invalid("the name or the kind of the series is missing")
                .with_hint("add name=sample and kind=image, and context={...} where it has one"),
        );
    };
    let kind: SeriesKind = kind
        .parse()
        .map_err(|error: runstone_model::ModelError| ServiceError::invalid(error.to_string()))?;
    if !kind.is_object() {
        return Err(
            ServiceError::invalid(format!("{kind} is no kind of objects"))
                .with_hint("points of metrics are at /runstone/v1/runs/{run}/points"),
        );
    }
    let context = match query.context.as_deref() {
        Some(text) => parse_context(text)?,
        None => Context::empty(),
    };
    let (from_step, to_step) = parse_steps(query.from_step, query.to_step)?;
    let after = query.cursor.as_deref();
    Ok(ObjectScan {
        series: SeriesKey {
            name: parse_metric_name(name)?,
            context,
            kind,
        },
        from_step,
        to_step,
        history: query.history.unwrap_or(false),
        after: after
            .map(|text| decode_position("objects", text))
            .transpose()?,
        limit: page_limit(query.limit, OBJECTS_PAGE_DEFAULT, OBJECTS_PAGE_MAX)?,
    })
}

fn series_item(record: ObjectSeriesRecord) -> ObjectSeriesItem {
    ObjectSeriesItem {
        name: record.key.name.to_string(),
        context: record.key.context.to_json(),
        kind: record.key.kind,
        steps: record.steps,
        objects: record.objects,
        first_step: record.first_step,
        last_step: record.last_step,
    }
}

fn set_item(set: ObjectSet, history: bool) -> ObjectSetItem {
    let object = |object: runstone_wire::ObjectDocument| ObjectItem {
        document: RawJson(object.document),
        digests: object.digests,
    };
    ObjectSetItem {
        step: set.position.step,
        time_micros: set.time,
        epoch: set.epoch,
        visible: history.then_some(set.visible),
        generation: history.then_some(set.position.generation.0),
        append: history.then_some(set.position.append.0),
        objects: set.objects.into_iter().map(object).collect(),
    }
}

#[cfg(test)]
mod tests;

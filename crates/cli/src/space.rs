//! `runstone du` and `runstone gc`: where the bytes are, and giving back those that nobody needs.

use crate::arguments::{Arguments, DuArguments, GcArguments};
use crate::backend::Backend;
use crate::failure::Outcome;
use crate::format::{age, bytes, counted};
use crate::output::Output;
use crate::table::Table;
use runstone_service::api::{
    GcAnswer, GcRequest, RunStorage, StorageAnswer, StorageByKind, StorageQuery,
};
use runstone_service::system_clock;
use serde::Serialize;
use std::io;

#[derive(Serialize)]
struct StorageDocument<'a> {
    version: u32,
    #[serde(flatten)]
    storage: &'a StorageAnswer,
}

#[derive(Serialize)]
struct GcDocument<'a> {
    version: u32,
    #[serde(flatten)]
    done: &'a GcAnswer,
}

/// Prints what the data folder holds, or one run.
pub(crate) fn du(arguments: &Arguments, asked: &DuArguments, output: &mut Output) -> Outcome {
    let backend = Backend::open_with_blobs(arguments)?;
    let storage = backend.storage(&StorageQuery {
        run: asked.run.clone(),
        limit: Some(asked.limit as usize),
    })?;
    drop(backend);
    if asked.json {
        output.json(&StorageDocument {
            version: 1,
            storage: &storage,
        })?;
    } else if asked.run.is_some() {
        for run in &storage.runs {
            print_run(run, output)?;
        }
    } else {
        print_storage(&storage, output)?;
    }
    Ok(0)
}

fn print_run(run: &RunStorage, output: &mut Output) -> io::Result<()> {
    let deleted = match run.deleted_at_micros {
        Some(at) => format!(", deleted {}", age(at, system_clock())),
        None => String::new(),
    };
    output.line(&format!(
        "{} in {}{deleted}: {}",
        run.id,
        run.experiment,
        bytes(run.bytes)
    ))?;
    print_kinds(&run.kinds, output)?;
    if run.blob_bytes > 0 {
        let held = bytes(run.blob_bytes);
        output.line(&format!("beside the database: artifacts of {held}"))?;
    }
    Ok(())
}

fn print_kinds(kinds: &StorageByKind, output: &mut Output) -> io::Result<()> {
    for (name, held) in [
        ("points, not folded", kinds.frames),
        ("points in packs", kinds.packs),
        ("points in chunks", kinds.chunks),
        ("summaries", kinds.summaries),
        ("params", kinds.params),
        ("logs", kinds.logs),
        ("objects", kinds.objects),
        ("the rest", kinds.rest),
    ] {
        output.line(&format!("  {name:<20}{:>10}", bytes(held)))?;
    }
    Ok(())
}

fn print_storage(storage: &StorageAnswer, output: &mut Output) -> io::Result<()> {
    let whole = storage.database_bytes + storage.log_bytes;
    output.line(&format!("{} on disk", bytes(whole)))?;
    for (name, held) in [
        ("runs", storage.runs_bytes),
        ("trash", storage.trash_bytes),
        ("being purged", storage.purging_bytes),
        ("journal", storage.journal_bytes),
        ("the rest", storage.rest_bytes),
        ("free, reusable", storage.reusable_bytes),
        ("log", storage.log_bytes),
    ] {
        output.line(&format!("  {name:<20}{:>10}", bytes(held)))?;
    }
    if let Some(blobs) = &storage.blobs {
        output.line(&format!(
            "{} in blobs",
            bytes(blobs.bytes + blobs.upload_bytes)
        ))?;
        for (name, held) in [
            ("artifacts of runs", blobs.referred_bytes),
            (
                "of nobody, for gc",
                blobs.bytes.saturating_sub(blobs.referred_bytes),
            ),
            ("uploads", blobs.upload_bytes),
        ] {
            output.line(&format!("  {name:<20}{:>10}", bytes(held)))?;
        }
    }
    output.line("what runs and trash hold")?;
    print_kinds(&storage.kinds, output)?;
    if !storage.experiments.is_empty() {
        output.line("")?;
        let mut table = Table::new(&[
            ("EXPERIMENT", false, 40),
            ("RUNS", true, 10),
            ("BYTES", true, 12),
            ("IN TRASH", true, 12),
            ("IN BLOBS", true, 12),
        ]);
        for experiment in &storage.experiments {
            table.push(vec![
                experiment.experiment.clone(),
                experiment.runs.to_string(),
                bytes(experiment.bytes),
                bytes(experiment.trash_bytes),
                bytes(experiment.blob_bytes),
            ]);
        }
        table.print(output, 0)?;
    }
    if !storage.runs.is_empty() {
        output.line("")?;
        let mut table = Table::new(&[
            ("RUN", false, 40),
            ("BYTES", true, 12),
            ("IN BLOBS", true, 12),
            ("DELETED", false, 20),
            ("EXPERIMENT", false, 40),
        ]);
        let now = system_clock();
        for run in &storage.runs {
            let deleted = run.deleted_at_micros.map(|at| age(at, now));
            table.push(vec![
                run.id.to_string(),
                bytes(run.bytes),
                bytes(run.blob_bytes),
                deleted.unwrap_or_default(),
                run.experiment.clone(),
            ]);
        }
        table.print(output, 0)?;
    }
    if storage.runs_total > storage.runs.len() as u64 {
        output.line("there are more; see --limit")?;
    }
    Ok(())
}

/// Purges and gives back, turn by turn, until nothing is left.
pub(crate) fn gc(arguments: &Arguments, asked: &GcArguments, output: &mut Output) -> Outcome {
    let backend = Backend::open_with_blobs(arguments)?;
    let request = GcRequest {
        trash_days: asked.trash_days,
    };
    let mut all = GcAnswer::default();
    while !all.done {
        let turn = backend.collect_garbage(&request)?;
        if !asked.json {
            for run in &turn.purged {
                output.line(&format!("purged {run}"))?;
            }
            output.flush()?;
        }
        all.purged.extend(turn.purged);
        all.returned_bytes += turn.returned_bytes;
        all.reusable_bytes = turn.reusable_bytes;
        all.database_bytes = turn.database_bytes;
        all.done = turn.done;
        all.uploads_swept += turn.uploads_swept;
        all.blobs_deleted += turn.blobs_deleted;
        all.blobs_deleted_bytes += turn.blobs_deleted_bytes;
        all.blobs_failure = turn.blobs_failure.or(all.blobs_failure);
    }
    drop(backend);
    if asked.json {
        output.json(&GcDocument {
            version: 1,
            done: &all,
        })?;
        return Ok(0);
    }
    output.line(&format!(
        "{} purged, {} given back to the disk; the database has {}, {} of them free",
        counted(all.purged.len() as u64, "run"),
        bytes(all.returned_bytes),
        bytes(all.database_bytes),
        bytes(all.reusable_bytes)
    ))?;
    if all.blobs_deleted > 0 || all.uploads_swept > 0 {
        output.line(&format!(
            "{} deleted, {}; {} cleared away",
            counted(all.blobs_deleted, "blob"),
            bytes(all.blobs_deleted_bytes),
            counted(all.uploads_swept, "broken upload")
        ))?;
    }
    if let Some(failure) = &all.blobs_failure {
        output.line(&format!("blobs are left for the next time: {failure}"))?;
    }
    Ok(0)
}

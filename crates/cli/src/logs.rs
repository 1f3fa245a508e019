//! `runstone logs RUN`: terminal lines or log records, whole, from their end, or while they come.
//!
//! Without `--tail` it goes from page to page. `--follow` then asks each writer's log for what
//! came after what was printed, once a second until the run has ended, and waits for a server that
//! is away. The last line is printed again when it was drawn over.

use crate::arguments::{Arguments, LogsArguments};
use crate::away::{Away, LOOK_INTERVAL, may_pass};
use crate::backend::Backend;
use crate::failure::{Failure, Outcome};
use crate::output::{Output, clean};
use runstone_model::WriterId;
use runstone_service::ServiceError;
use runstone_service::api::{
    LOGS_PAGE_MAX, LogLineItem, LogRecordItem, LogWriterItem, LogsQuery, RecordsQuery,
};
use serde::Serialize;
use std::collections::HashMap;

/// An entry as a line of JSON.
#[derive(Serialize)]
struct EntryLine<'a, T> {
    version: u32,
    #[serde(flatten)]
    entry: &'a T,
}

/// What both kinds of logs are asked by.
#[derive(Debug, Clone, Default)]
struct Question {
    writer: Option<String>,
    from: Option<u64>,
    tail: Option<usize>,
    limit: Option<usize>,
    cursor: Option<String>,
    /// Only `writers` are wanted: a filter would have the server look through everything.
    is_probe: bool,
}

type Page<T> = (Vec<T>, Vec<LogWriterItem>, Option<String>);

/// Lines or records.
trait Entry: Serialize + Sized {
    fn fetch(
        backend: &Backend,
        run: &str,
        asked: &LogsArguments,
        question: Question,
    ) -> Result<Page<Self>, ServiceError>;

    fn place(&self) -> (WriterId, u64);

    fn text(&self) -> String;
}

impl Entry for LogLineItem {
    fn fetch(
        backend: &Backend,
        run: &str,
        asked: &LogsArguments,
        question: Question,
    ) -> Result<Page<Self>, ServiceError> {
        let page = backend.log_lines(
            run,
            &LogsQuery {
                writer: question.writer,
                from: question.from,
                to: None,
                tail: question.tail,
                stream: asked.stream.clone().filter(|_| !question.is_probe),
                limit: question.limit,
                cursor: question.cursor,
            },
        )?;
        Ok((page.lines, page.writers, page.next_cursor))
    }

    fn place(&self) -> (WriterId, u64) {
        (self.writer, self.number)
    }

    fn text(&self) -> String {
        self.text.clone()
    }
}

impl Entry for LogRecordItem {
    fn fetch(
        backend: &Backend,
        run: &str,
        asked: &LogsArguments,
        question: Question,
    ) -> Result<Page<Self>, ServiceError> {
        let page = backend.log_records(
            run,
            &RecordsQuery {
                writer: question.writer,
                from: question.from,
                to: None,
                tail: question.tail,
                level: asked.level.clone().filter(|_| !question.is_probe),
                limit: question.limit,
                cursor: question.cursor,
            },
        )?;
        Ok((page.records, page.writers, page.next_cursor))
    }

    fn place(&self) -> (WriterId, u64) {
        (self.writer, self.number)
    }

    fn text(&self) -> String {
        let level = self.level.to_string().to_ascii_uppercase();
        let mut text = format!("{}  {level:<8} ", self.time_micros.to_rfc3339());
        if !self.logger.is_empty() {
            text.push_str(&format!("{}: ", self.logger));
        }
        text.push_str(&self.message);
        if let Some(extra) = &self.extra {
            text.push_str(&format!("  {}", extra.0));
        }
        if let Some(line) = self.source_line {
            text.push_str(&format!("  ({}:{line})", self.file));
        }
        text
    }
}

/// Prints a log.
pub(crate) fn run(arguments: &Arguments, asked: &LogsArguments, output: &mut Output) -> Outcome {
    if asked.run.trim().is_empty() {
        let error = ServiceError::invalid("the run to read is an empty text");
        return Err(error
            .with_hint("`runstone runs` lists ids and names")
            .into());
    }
    if asked.records || asked.level.is_some() {
        Reader::<LogRecordItem>::new(asked, output).run(arguments)
    } else {
        Reader::<LogLineItem>::new(asked, output).run(arguments)
    }
}

/// What was printed of a writer's log.
struct Seen {
    next: u64,
    bytes: u64,
    /// The last entry that was printed.
    last: Option<(u64, String)>,
}

struct Reader<'a, T> {
    asked: &'a LogsArguments,
    output: &'a mut Output,
    /// Looked up once: a name or a prefix may mean another run a moment later.
    address: String,
    seen: HashMap<WriterId, Seen>,
    has_begun: bool,
    kind: std::marker::PhantomData<T>,
}

impl<'a, T: Entry> Reader<'a, T> {
    fn new(asked: &'a LogsArguments, output: &'a mut Output) -> Self {
        Self {
            asked,
            output,
            address: asked.run.clone(),
            seen: HashMap::new(),
            has_begun: false,
            kind: std::marker::PhantomData,
        }
    }

    fn run(mut self, arguments: &Arguments) -> Outcome {
        let mut server = None;
        let mut away = Away::default();
        loop {
            let has_ended = match self.look(arguments, &mut server) {
                Err(Failure::Error(error)) if self.has_begun && may_pass(&error) => {
                    away.tell(&error);
                    std::thread::sleep(LOOK_INTERVAL);
                    continue;
                }
                looked => looked?,
            };
            away.is_back();
            if !self.asked.follow || has_ended {
                return Ok(0);
            }
            std::thread::sleep(LOOK_INTERVAL);
        }
    }

    /// Prints what there is and was not printed yet; whether the run has ended.
    fn look(
        &mut self,
        arguments: &Arguments,
        server: &mut Option<String>,
    ) -> Result<bool, Failure> {
        let backend = match server {
            Some(url) => Backend::open_server(arguments, url)?,
            None => Backend::open(arguments)?,
        };
        // Before the log: what is logged until the end is seen then.
        let detail = backend.get_run(&self.address)?;
        self.address = detail.run.id.to_string();
        if let Some(url) = backend.server_url() {
            *server = Some(url);
        }
        if self.has_begun {
            self.print_news(&backend)?;
        } else {
            self.print_first(&backend)?;
            self.has_begun = true;
        }
        self.output.flush()?;
        Ok(detail.run.state.is_ended())
    }

    /// The tail that was asked for, or everything.
    fn print_first(&mut self, backend: &Backend) -> Result<(), Failure> {
        let mut question = Question {
            writer: self.asked.writer.clone(),
            tail: self.asked.tail.map(|tail| tail as usize),
            ..Question::default()
        };
        if question.tail.is_none() {
            question.limit = Some(LOGS_PAGE_MAX);
        }
        loop {
            let (entries, writers, next) =
                T::fetch(backend, &self.address, self.asked, question.clone())?;
            for entry in &entries {
                self.print(entry)?;
            }
            // What came while pages were read is printed with the next look.
            for log in writers {
                let seen = self.seen_of(log.writer);
                if question.cursor.is_none() {
                    (seen.next, seen.bytes) = (log.next, log.bytes);
                }
            }
            question.cursor = next;
            if question.cursor.is_none() {
                break;
            }
        }
        // Pages read later may have held more than the first knew of.
        for seen in self.seen.values_mut() {
            if let Some((number, _)) = &seen.last {
                seen.next = seen.next.max(number + 1);
            }
        }
        Ok(())
    }

    /// What came since, writer by writer.
    fn print_news(&mut self, backend: &Backend) -> Result<(), Failure> {
        let question = Question {
            writer: self.asked.writer.clone(),
            limit: Some(1),
            is_probe: true,
            ..Question::default()
        };
        let (_, writers, _) = T::fetch(backend, &self.address, self.asked, question)?;
        let wanted = |log: &LogWriterItem| {
            let only = self.asked.writer.as_ref();
            only.is_none_or(|writer| *writer == log.writer.to_string())
        };
        let writers: Vec<LogWriterItem> = writers.into_iter().filter(wanted).collect();
        for log in writers {
            let seen = self.seen_of(log.writer);
            if seen.next == log.next && seen.bytes == log.bytes {
                continue;
            }
            // The last line may have been drawn over.
            let mut question = Question {
                writer: Some(log.writer.to_string()),
                from: Some(seen.next.saturating_sub(1)),
                limit: Some(LOGS_PAGE_MAX),
                ..Question::default()
            };
            loop {
                let (entries, _, next) =
                    T::fetch(backend, &self.address, self.asked, question.clone())?;
                for entry in &entries {
                    self.print_if_new(entry)?;
                }
                question.cursor = next;
                if question.cursor.is_none() {
                    break;
                }
            }
            let seen = self.seen_of(log.writer);
            let printed = seen.last.as_ref().map_or(0, |(number, _)| number + 1);
            seen.next = log.next.max(printed);
            seen.bytes = log.bytes;
        }
        Ok(())
    }

    fn seen_of(&mut self, writer: WriterId) -> &mut Seen {
        self.seen.entry(writer).or_insert(Seen {
            next: 0,
            bytes: 0,
            last: None,
        })
    }

    fn print_if_new(&mut self, entry: &T) -> Result<(), Failure> {
        let (writer, number) = entry.place();
        let text = entry.text();
        let seen = self.seen_of(writer);
        let is_old = match &seen.last {
            Some((last, printed)) => number < *last || (number == *last && *printed == text),
            // It was filtered out, or is older than the tail.
            None => number < seen.next,
        };
        if is_old {
            return Ok(());
        }
        self.print(entry)
    }

    fn print(&mut self, entry: &T) -> Result<(), Failure> {
        let (writer, number) = entry.place();
        let text = entry.text();
        if self.asked.json {
            self.output.json(&EntryLine { version: 1, entry })?;
        } else if self.output.is_terminal() {
            let shown = clean(&without_escapes(&text));
            self.output.verbatim(&format!("{shown}\n"))?;
        } else {
            self.output.verbatim(&format!("{text}\n"))?;
        }
        self.seen_of(writer).last = Some((number, text));
        Ok(())
    }
}

/// Text without the escape sequences that colour it.
fn without_escapes(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        if character != '\u{1b}' || characters.peek() != Some(&'[') {
            shown.push(character);
            continue;
        }
        characters.next();
        // Parameters, then one letter that says what it does.
        while characters
            .next_if(|character| matches!(character, ' '..='?'))
            .is_some()
        {}
        characters.next_if(|character| matches!(character, '@'..='~'));
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_are_taken_out_and_nothing_else() {
        assert_eq!(without_escapes("\u{1b}[1;31mred\u{1b}[0m é"), "red é");
        assert_eq!(without_escapes("\u{1b}[2K"), "");
        assert_eq!(without_escapes("a\u{1b}b[c\u{1b}["), "a\u{1b}b[c");
    }
}

//! Errors of the service, and the one table of what each kind means outside.
//!
//! HTTP statuses and exit codes of the command line are taken from [`ErrorKind`] and from nowhere
//! else, so the same mistake looks the same on both ways. A hint is the next step for the person
//! who asked; where a store's message carries one (`hint: ...`), it is kept.

use runstone_store::StoreError;
use std::fmt;

/// What went wrong, as an instruction to the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request can never succeed as it stands; change it.
    Invalid,
    /// No token, or one that is not known; send one.
    Unauthorized,
    /// Known, but not allowed.
    Forbidden,
    /// There is no such thing.
    NotFound,
    /// There is such a path, but it takes another method.
    MethodNotAllowed,
    /// The request did not arrive in time; send it again.
    RequestTimeout,
    /// The state forbids it; look and ask again.
    Conflict,
    /// More bytes than are taken at once; send less.
    TooLarge,
    /// The body has a content type that is not taken here.
    UnsupportedMediaType,
    /// A range that does not lie in what is there; ask for another one.
    RangeNotSatisfiable,
    /// Sent to a host name that this server does not answer for.
    Misdirected,
    /// More than is taken in this time; wait and try again.
    TooMany,
    /// Nothing was done; try again.
    Unavailable,
    /// What is on disk is not what was written.
    Corrupt,
    /// A defect or an operating-system error.
    Internal,
}

/// One row of the table of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorRow {
    /// The kind.
    pub kind: ErrorKind,
    /// Its name in problem documents and in JSON of the command line.
    pub name: &'static str,
    /// Title of a problem document.
    pub title: &'static str,
    /// HTTP status.
    pub status: u16,
    /// Exit code of the command line.
    pub exit_code: u8,
}

const fn row(
    kind: ErrorKind,
    name: &'static str,
    title: &'static str,
    status: u16,
    exit_code: u8,
) -> ErrorRow {
    ErrorRow {
        kind,
        name,
        title,
        status,
        exit_code,
    }
}

/// The table: kind, name, title, HTTP status, exit code. Documented in `docs/reference`.
pub const ERRORS: [ErrorRow; 15] = [
    row(
        ErrorKind::Invalid,
        "invalid",
        "the request is not valid",
        400,
        2,
    ),
    row(
        ErrorKind::Unauthorized,
        "unauthorized",
        "a token is needed",
        401,
        7,
    ),
    row(ErrorKind::Forbidden, "forbidden", "not allowed", 403, 7),
    row(
        ErrorKind::NotFound,
        "not_found",
        "there is no such thing",
        404,
        3,
    ),
    row(
        ErrorKind::MethodNotAllowed,
        "method_not_allowed",
        "another method is needed",
        405,
        2,
    ),
    row(
        ErrorKind::RequestTimeout,
        "request_timeout",
        "the request came too slowly",
        408,
        5,
    ),
    row(
        ErrorKind::Conflict,
        "conflict",
        "the state forbids it",
        409,
        4,
    ),
    row(
        ErrorKind::TooLarge,
        "too_large",
        "the body is too large",
        413,
        2,
    ),
    row(
        ErrorKind::UnsupportedMediaType,
        "unsupported_media_type",
        "another content type is needed",
        415,
        2,
    ),
    row(
        ErrorKind::RangeNotSatisfiable,
        "range_not_satisfiable",
        "the range lies outside",
        416,
        2,
    ),
    row(
        ErrorKind::Misdirected,
        "misdirected",
        "the host name is not known here",
        421,
        7,
    ),
    row(ErrorKind::TooMany, "too_many", "too much at once", 429, 5),
    row(
        ErrorKind::Internal,
        "internal",
        "a defect of the server",
        500,
        1,
    ),
    row(
        ErrorKind::Unavailable,
        "unavailable",
        "not possible at the moment",
        503,
        5,
    ),
    row(
        ErrorKind::Corrupt,
        "corrupt",
        "stored bytes are damaged",
        500,
        6,
    ),
];

impl ErrorKind {
    /// The row of this kind.
    pub fn row(self) -> &'static ErrorRow {
        ERRORS
            .iter()
            .find(|row| row.kind == self)
            .expect("every kind has a row, see the test")
    }

    /// Its name in problem documents.
    pub fn as_str(self) -> &'static str {
        self.row().name
    }

    /// HTTP status.
    pub fn status(self) -> u16 {
        self.row().status
    }

    /// Exit code of the command line.
    pub fn exit_code(self) -> u8 {
        self.row().exit_code
    }

    /// The kind of a name in a problem document.
    pub fn from_name(name: &str) -> Option<Self> {
        ERRORS
            .iter()
            .find(|row| row.name == name)
            .map(|row| row.kind)
    }

    /// The kind that a bare HTTP status means; several kinds may share one.
    pub fn from_status(status: u16) -> Self {
        ERRORS
            .iter()
            .find(|row| row.status == status)
            .map_or(ErrorKind::Internal, |row| row.kind)
    }
}

/// An error of the service: kind, message, and the next step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct ServiceError {
    /// What the caller is to do.
    pub kind: ErrorKind,
    /// What failed and with which value; lower case, no full stop.
    pub message: String,
    /// The next step, where there is one.
    pub hint: Option<String>,
    /// When to try again, where that is known.
    pub retry_after_millis: Option<u64>,
}

impl fmt::Display for ServiceError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.message)?;
        if let Some(hint) = &self.hint {
            write!(formatter, "\nhint: {hint}")?;
        }
        Ok(())
    }
}

impl ServiceError {
    /// An error without hint. A message that carries a hint itself (`... hint: ...`) is split.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let (message, hint) = split_hint(&message.into());
        Self {
            kind,
            message,
            hint,
            retry_after_millis: None,
        }
    }

    /// The request can never succeed as it stands.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid, message)
    }

    /// There is no such thing.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::NotFound, message)
    }

    /// With the next step.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// With the next step, unless the message brought one.
    #[must_use]
    pub fn or_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint.get_or_insert_with(|| hint.into());
        self
    }

    /// With the time after which to try again.
    #[must_use]
    pub fn with_retry_after_millis(mut self, millis: u64) -> Self {
        self.retry_after_millis = Some(millis);
        self
    }
}

impl From<StoreError> for ServiceError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Invalid(text) => Self::invalid(text),
            StoreError::NotFound(text) => Self::not_found(text),
            StoreError::Conflict(text) => Self::new(ErrorKind::Conflict, text),
            StoreError::Unavailable {
                reason,
                retry_after_millis,
            } => Self::new(ErrorKind::Unavailable, reason)
                .or_hint("try again in a moment; nothing was changed")
                .with_retry_after_millis(retry_after_millis),
            StoreError::Overloaded {
                reason,
                retry_after_millis,
            } => Self::new(ErrorKind::TooMany, reason)
                .or_hint("nothing was changed; send less, or the same a little later")
                .with_retry_after_millis(retry_after_millis),
            StoreError::Corrupt(text) => {
                Self::new(ErrorKind::Corrupt, text).or_hint("run `runstone doctor`")
            }
            StoreError::Internal(text) => Self::new(ErrorKind::Internal, text)
                .or_hint("look into the server's log; if it is a defect, please report it"),
        }
    }
}

/// Parts `message` and `hint: next step`, however they were joined.
fn split_hint(text: &str) -> (String, Option<String>) {
    let Some(at) = text.find("hint: ") else {
        return (text.to_owned(), None);
    };
    let (message, hint) = text.split_at(at);
    let opened = message.trim_end().ends_with('(');
    let message = message.trim_end_matches([' ', '\n', ';', ',', '(', '.', ':']);
    let mut hint = hint["hint: ".len()..].trim();
    if opened {
        hint = hint.strip_suffix(')').unwrap_or(hint);
    }
    (message.to_owned(), Some(hint.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_row_and_no_name_twice() {
        for row in ERRORS {
            assert_eq!(row.kind.row(), &row);
            assert_eq!(ErrorKind::from_name(row.name), Some(row.kind));
            assert_eq!(
                ERRORS.iter().filter(|other| other.name == row.name).count(),
                1
            );
        }
    }

    #[test]
    fn the_table_maps_kinds_to_statuses_and_exit_codes() {
        let table: Vec<_> = ERRORS
            .iter()
            .map(|row| (row.name, row.status, row.exit_code))
            .collect();
        assert_eq!(
            table,
            [
                ("invalid", 400, 2),
                ("unauthorized", 401, 7),
                ("forbidden", 403, 7),
                ("not_found", 404, 3),
                ("method_not_allowed", 405, 2),
                ("request_timeout", 408, 5),
                ("conflict", 409, 4),
                ("too_large", 413, 2),
                ("unsupported_media_type", 415, 2),
                ("range_not_satisfiable", 416, 2),
                ("misdirected", 421, 7),
                ("too_many", 429, 5),
                ("internal", 500, 1),
                ("unavailable", 503, 5),
                ("corrupt", 500, 6),
            ]
        );
    }

    #[test]
    fn a_store_that_is_behind_is_not_one_that_is_away() {
        let overloaded = ServiceError::from(StoreError::Overloaded {
            reason: "behind".to_owned(),
            retry_after_millis: 1_500,
        });
        assert_eq!(overloaded.kind.status(), 429);
        assert_eq!(overloaded.retry_after_millis, Some(1_500));
        assert!(overloaded.hint.is_some());
        let away = ServiceError::from(StoreError::Unavailable {
            reason: "closed".to_owned(),
            retry_after_millis: 1_500,
        });
        assert_eq!(away.kind.status(), 503);
    }

    #[test]
    fn a_bare_status_means_the_first_kind_with_it() {
        assert_eq!(ErrorKind::from_status(500), ErrorKind::Internal);
        assert_eq!(ErrorKind::from_status(404), ErrorKind::NotFound);
        assert_eq!(ErrorKind::from_status(418), ErrorKind::Internal);
    }

    #[test]
    fn hints_inside_messages_are_split_off() {
        for text in [
            "no run `a`\nhint: look",
            "no run `a`; hint: look",
            "no run `a` (hint: look)",
        ] {
            let error = ServiceError::not_found(text);
            assert_eq!(error.message, "no run `a`");
            assert_eq!(error.hint.as_deref(), Some("look"));
        }
        assert_eq!(ServiceError::invalid("plain").hint, None);
    }
}

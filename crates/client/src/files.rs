//! Files to and from a server: bodies that are streamed, whatever their size.

use std::fs::File;
use std::io::Read;
use std::time::Duration;

use crate::api::ApiClient;
use crate::error::ClientError;

/// A body that is being received.
pub struct Download {
    /// How many bytes come, as far as the server has told.
    pub bytes: Option<u64>,
    /// The tag of what comes, without quotes: the digest of an artifact.
    pub tag: String,
    /// The bytes.
    pub reader: Box<dyn Read + Send>,
}

/// What became of asking for a download.
pub enum Received {
    /// It comes.
    Download(Download),
    /// Another status than 200, and its body.
    Reply(u16, Vec<u8>),
}

impl ApiClient {
    /// PUT of a file to an address that is its own permission: no token is sent. `url` is absolute, or
    /// begins with `/` and stands below the server's address. Answers status and body.
    ///
    /// # Errors
    /// `Unavailable` if nobody answers, or the connection breaks; whether it was taken is not known.
    pub fn put_file(
        &self,
        url: &str,
        file: File,
        longest: Duration,
    ) -> Result<(u16, Vec<u8>), ClientError> {
        self.with_connection(|connection| {
            let reply = connection.put_file(url, file, longest)?;
            Ok((reply.status, reply.body))
        })
    }

    /// GET of a body that is read while it comes, for `longest` at most.
    ///
    /// # Errors
    /// `Unavailable` if nobody answers.
    pub fn open_download(
        &self,
        path: &str,
        query: &[(&str, &str)],
        longest: Duration,
    ) -> Result<Received, ClientError> {
        self.with_connection(|connection| connection.open_download(path, query, longest))
    }

    /// DELETE `path` as it is answered: status and body, problem documents included.
    ///
    /// # Errors
    /// `Unavailable` if nobody answers; whether it was done is not known then.
    pub fn delete_reply(
        &self,
        path: &str,
        query: &[(&str, &str)],
    ) -> Result<(u16, Vec<u8>), ClientError> {
        self.with_connection(|connection| {
            let reply = connection.delete(path, query)?;
            Ok((reply.status, reply.body))
        })
    }
}

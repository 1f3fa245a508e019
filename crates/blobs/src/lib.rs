//! Blobs: bytes by their SHA-256, in a folder or an S3-compatible bucket.
//!
//! [`Blobs`] writes, reads, verifies and deletes them. [`Blobs::begin`] gives an [`Upload`], which hashes what
//! it is given as it passes, and makes it visible only once its digest is known to be right.
//! Who refers to a blob is not known here: a [`BlobCatalogue`], which an engine keeps, knows it.
//! [`Blobs::sweep_uploads`] and [`Blobs::collect`] delete what nobody wants; `sweep` says why that is safe
//! beside uploads. [`UploadKeys`] signs the addresses at which the server takes uploads.
//!
//! # An upload, from its begin to its reference
//!
//! 1. [`Blobs::begin`] takes a lease: on the digest if the client told it, else on nothing yet.
//! 2. [`Upload::write`] takes the bytes. [`Upload::finish`] checks them, binds the lease to their digest,
//!    and publishes them, or finds that they are there.
//! 3. The engine adds the reference and ends the lease, in one transaction that fails if the lease
//!    has ended already.
//!
//! Calls are asynchronous and need a tokio runtime; those of the catalogue block, on threads for that.
//! There is no clock here: [`Blobs::open`] is given one.
//!
//! [`BlobCatalogue`]: runstone_store::BlobCatalogue

#![cfg_attr(test, allow(clippy::unwrap_used))]

mod address;
mod backend;
mod blobs;
mod config;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod copy;
mod error;
mod folder;
mod gate;
mod layout;
mod os_unix_clone;
mod s3;
mod signing;
mod sweep;
mod upload;
mod usage;

pub use blobs::{Begun, BlobRead, Blobs, ByteStream, Clock, StoredBlob, UploadRequest};
pub use config::{BlobTimes, BlobsConfig, Place, S3Credentials, S3Place};
pub use copy::{BlobCopy, CopyReport};
pub use error::BlobError;
pub use signing::{SigningKey, UploadGrant, UploadKeys};
pub use sweep::{CollectReport, SweepReport};
pub use upload::Upload;
pub use usage::BlobUsage;

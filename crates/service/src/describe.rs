//! Who this server is (the handshake), whether it works, and its sizes.

use crate::api::{
    POINTS_PAGE_MAX, RUNS_PAGE_MAX, SERIES_PAGE_MAX, ServerDescription, ServerLimits,
};
use crate::error::ServiceError;
use crate::{Service, StoreStats};
use runstone_model::Principal;
use runstone_wire::{FRAME_BYTES_MAX, FRAME_VERSION};

impl Service {
    /// The handshake: identity of the store, versions of frames, limits, clock.
    pub fn describe(&self, principal: &Principal) -> Result<ServerDescription, ServiceError> {
        Self::may_read(principal)?;
        let identity = self.store.identity();
        Ok(ServerDescription {
            store_id: identity.store_hex(),
            incarnation: identity.incarnation_hex(),
            server_version: env!("CARGO_PKG_VERSION").to_owned(),
            frame_versions: frame_versions(),
            limits: ServerLimits {
                frame_bytes_max: FRAME_BYTES_MAX as u64,
                runs_page_max: RUNS_PAGE_MAX as u64,
                series_page_max: SERIES_PAGE_MAX as u64,
                points_page_max: POINTS_PAGE_MAX as u64,
            },
            time_micros: self.now(),
        })
    }

    /// Whether the store answers; for readiness probes.
    ///
    /// # Errors
    /// Those of the store: it is closed, damaged or cannot be read.
    pub fn check_ready(&self) -> Result<(), ServiceError> {
        self.store.change_number()?;
        Ok(())
    }

    /// Sizes and counters of the store.
    pub fn stats(&self) -> Result<StoreStats, ServiceError> {
        Ok(self.store.stats()?)
    }
}

/// Versions of frames that this build reads.
pub fn frame_versions() -> Vec<u32> {
    vec![FRAME_VERSION]
}

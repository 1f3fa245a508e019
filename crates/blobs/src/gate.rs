//! Where a step begins whose effect others can see: a call of the catalogue, a write, a deletion.
//!
//! Each such step passes the gate first. Outside tests that costs nothing. A test brings a hook,
//! which holds the step until the schedule says so, or for ever: that is a crash before the step.

#[cfg(any(test, feature = "conformance"))]
use futures_util::future::BoxFuture;

/// What a test waits for before a step.
#[cfg(any(test, feature = "conformance"))]
pub(crate) type Hook = std::sync::Arc<dyn Fn(&'static str) -> BoxFuture<'static, ()> + Send + Sync>;

/// The gate of one handle on the blobs.
#[derive(Clone, Default)]
pub(crate) struct Gate {
    #[cfg(any(test, feature = "conformance"))]
    hook: Option<Hook>,
}

#[cfg(any(test, feature = "conformance"))]
impl Gate {
    /// A gate that asks a test.
    pub(crate) fn with_hook(hook: Hook) -> Self {
        Self { hook: Some(hook) }
    }

    /// Waits until `step` may begin.
    pub(crate) async fn pass(&self, step: &'static str) {
        if let Some(hook) = &self.hook {
            hook(step).await;
        }
    }
}

#[cfg(not(any(test, feature = "conformance")))]
impl Gate {
    /// Nothing is waited for outside tests.
    #[inline]
    pub(crate) async fn pass(&self, _step: &'static str) {}
}

//! HTTP: native API, guards, health and metrics.

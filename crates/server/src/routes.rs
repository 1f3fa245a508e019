//! The table of prefixes and their owners, and the router built from it.
//!
//! Every path belongs to one owner. The prefixes of the dialects stand here before the dialects
//! do, so that nothing else settles there.

use crate::app::{ApiError, App, admit};
use crate::{
    change_stream, handlers, handlers_artifacts, handlers_edits, handlers_lines, handlers_logs,
    handlers_storage, handlers_table, web,
};
use axum::Router;
use axum::http::Uri;
use axum::middleware::from_fn_with_state;
use axum::routing::{MethodRouter, get, post};
use runstone_service::{ErrorKind, ServiceError};
use std::sync::Arc;

/// Who answers below a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owner {
    /// Name of the owner.
    pub name: &'static str,
    /// Paths that are its own exactly.
    pub paths: &'static [&'static str],
    /// Prefixes below which, and at which, everything is its own.
    pub prefixes: &'static [&'static str],
}

/// The table.
pub const OWNERS: [Owner; 7] = [
    Owner {
        name: "page",
        paths: &["/"],
        prefixes: &["/app", "/assets-ui"],
    },
    Owner {
        name: "native",
        paths: &[],
        prefixes: &["/runstone/v1"],
    },
    Owner {
        name: "operation",
        paths: &["/metrics"],
        prefixes: &["/health"],
    },
    Owner {
        name: "matyan",
        paths: &[],
        prefixes: &["/api/v1"],
    },
    Owner {
        name: "dalva",
        paths: &[],
        prefixes: &[
            "/api/health",
            "/api/runs",
            "/api/projects",
            "/api/tables",
            "/api/metrics",
            "/api/views",
        ],
    },
    Owner {
        name: "chronicle",
        paths: &[],
        prefixes: &["/v1"],
    },
    Owner {
        name: "oci",
        paths: &[],
        prefixes: &["/v2"],
    },
];

/// Why no router was built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RouteError {
    /// Two owners claim one place.
    #[error("`{one}` of {first} and `{two}` of {second} overlap")]
    Overlap {
        /// First prefix.
        one: &'static str,
        /// Its owner.
        first: &'static str,
        /// Second prefix.
        two: &'static str,
        /// Its owner.
        second: &'static str,
    },
    /// A route outside of its owner's prefixes.
    #[error("`{path}` does not belong to {owner}")]
    Outside {
        /// The route.
        path: &'static str,
        /// Its owner.
        owner: &'static str,
    },
    /// A route twice.
    #[error("`{0}` stands in the table twice")]
    Twice(&'static str),
}

/// A route and who answers it.
pub(crate) struct Route {
    pub(crate) owner: &'static str,
    pub(crate) path: &'static str,
    pub(crate) methods: MethodRouter<Arc<App>>,
}

/// All routes.
pub(crate) fn routes() -> Vec<Route> {
    let route = |owner, path, methods| Route {
        owner,
        path,
        methods,
    };
    vec![
        route("page", "/", get(web::get_document)),
        route("page", "/app", get(web::get_document)),
        route("page", "/app/", get(web::get_document)),
        route("page", "/app/{*page}", get(web::get_document)),
        route("page", "/assets-ui/{*path}", get(web::get_asset)),
        route("native", "/runstone/v1/frames", post(handlers::post_frame)),
        route("native", "/runstone/v1/server", get(handlers::get_server)),
        route(
            "native",
            "/runstone/v1/openapi.json",
            get(handlers::get_openapi),
        ),
        route("native", "/runstone/v1/runs", get(handlers::get_runs)),
        route(
            "native",
            "/runstone/v1/runs/{run}",
            get(handlers::get_run)
                .patch(handlers_edits::patch_run)
                .delete(handlers_edits::delete_run),
        ),
        route(
            "native",
            "/runstone/v1/runs/{run}/undelete",
            post(handlers_edits::undelete_run),
        ),
        route(
            "native",
            "/runstone/v1/runs/{run}/artifacts",
            get(handlers_artifacts::get_artifacts).post(handlers_artifacts::post_artifact),
        ),
        route(
            "native",
            "/runstone/v1/runs/{run}/artifacts/{*path}",
            get(handlers_artifacts::get_artifact)
                .put(handlers_artifacts::put_artifact)
                .delete(handlers_artifacts::delete_artifact),
        ),
        route(
            "native",
            "/runstone/v1/runs/{run}/uploads/{upload}",
            post(handlers_artifacts::post_upload),
        ),
        route(
            "native",
            "/runstone/v1/edits",
            post(handlers_edits::post_edits),
        ),
        route(
            "native",
            "/runstone/v1/runs/{run}/series",
            get(handlers::get_series),
        ),
        route(
            "native",
            "/runstone/v1/runs/{run}/points",
            get(handlers::get_points),
        ),
        route(
            "native",
            "/runstone/v1/runs/{run}/logs",
            get(handlers_logs::get_logs),
        ),
        route(
            "native",
            "/runstone/v1/runs/{run}/records",
            get(handlers_logs::get_records),
        ),
        route(
            "native",
            "/runstone/v1/runs/{run}/object-series",
            get(handlers_logs::get_object_series),
        ),
        route(
            "native",
            "/runstone/v1/runs/{run}/objects",
            get(handlers_logs::get_objects),
        ),
        route(
            "native",
            "/runstone/v1/experiments",
            get(handlers::get_experiments),
        ),
        route("native", "/runstone/v1/best", get(handlers::get_best)),
        route(
            "native",
            "/runstone/v1/table",
            post(handlers_table::post_table),
        ),
        route(
            "native",
            "/runstone/v1/columns",
            get(handlers_table::get_columns),
        ),
        route(
            "native",
            "/runstone/v1/lines",
            post(handlers_lines::post_lines),
        ),
        route(
            "native",
            "/runstone/v1/storage",
            get(handlers_storage::get_storage),
        ),
        route("native", "/runstone/v1/gc", post(handlers_storage::post_gc)),
        route(
            "native",
            "/runstone/v1/snapshot",
            post(handlers_storage::post_snapshot),
        ),
        route(
            "native",
            "/runstone/v1/changes",
            get(change_stream::get_changes),
        ),
        route(
            "native",
            "/runstone/v1/changes/stream",
            get(change_stream::get_changes_stream),
        ),
        route("operation", "/health/live", get(handlers::get_live)),
        route("operation", "/health/ready", get(handlers::get_ready)),
        route("operation", "/metrics", get(handlers::get_metrics)),
    ]
}

/// The router over all routes, with what stands before them.
///
/// # Errors
/// When the table contradicts itself; a test keeps that from happening.
pub(crate) fn build_router(app: Arc<App>) -> Result<Router, RouteError> {
    let routes = routes();
    check_routes(&OWNERS, &routes)?;
    let router = routes
        .into_iter()
        .fold(Router::new(), |router, route| {
            router.route(route.path, route.methods)
        })
        .fallback(no_such_path)
        .method_not_allowed_fallback(wrong_method)
        .layer(from_fn_with_state(Arc::clone(&app), admit))
        .with_state(app);
    Ok(router)
}

/// Finds overlaps between owners, and routes that are not in their owner's place.
pub(crate) fn check_routes(owners: &[Owner], routes: &[Route]) -> Result<(), RouteError> {
    for (index, first) in owners.iter().enumerate() {
        for second in &owners[index + 1..] {
            check_pair(first, second)?;
        }
    }
    for (index, route) in routes.iter().enumerate() {
        let own = owners
            .iter()
            .find(|owner| owner.name == route.owner)
            .is_some_and(|owner| {
                owner.paths.contains(&route.path)
                    || owner
                        .prefixes
                        .iter()
                        .any(|prefix| is_below(route.path, prefix))
            });
        if !own {
            return Err(RouteError::Outside {
                path: route.path,
                owner: route.owner,
            });
        }
        if routes[..index].iter().any(|other| other.path == route.path) {
            return Err(RouteError::Twice(route.path));
        }
    }
    Ok(())
}

fn check_pair(first: &Owner, second: &Owner) -> Result<(), RouteError> {
    let overlap = |one: &'static str, two: &'static str| {
        Err(RouteError::Overlap {
            one,
            first: first.name,
            two,
            second: second.name,
        })
    };
    for one in first.prefixes {
        for two in second.prefixes {
            if is_below(one, two) || is_below(two, one) {
                return overlap(one, two);
            }
        }
        if let Some(two) = second.paths.iter().find(|two| is_below(two, one)) {
            return overlap(one, two);
        }
    }
    for one in first.paths {
        let taken = second.paths.contains(one);
        if let Some(two) = second.prefixes.iter().find(|two| is_below(one, two)) {
            return overlap(one, two);
        }
        if taken {
            return overlap(one, one);
        }
    }
    Ok(())
}

fn is_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

async fn no_such_path(uri: Uri) -> ApiError {
    let error = ServiceError::not_found(format!("nothing is at `{}`", uri.path()));
    ApiError(
        error.with_hint(
            "the native API is below /runstone/v1; a slash at the end makes another path",
        ),
    )
}

async fn wrong_method(method: axum::http::Method, uri: Uri) -> ApiError {
    let error = ServiceError::new(
        ErrorKind::MethodNotAllowed,
        format!("`{}` does not take {method}", uri.path()),
    );
    ApiError(error.with_hint("the Allow header names the methods it takes"))
}

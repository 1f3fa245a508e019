//! Lists the built pages for `web.rs` to embed.
//!
//! They lie where `scripts/web.sh` puts them: `RUNSTONE_WEB_DIST`, else `runstone/web/dist` in the
//! user's cache. Where there are none, the table is empty and the server answers a page that says
//! how to build them, so that `cargo build` works by itself. A folder that is not there is made, as
//! cargo takes a watched path that is missing for changed, at every build.

use std::env;
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    for name in ["RUNSTONE_WEB_DIST", "XDG_CACHE_HOME", "HOME"] {
        println!("cargo::rerun-if-env-changed={name}");
    }
    let dist = dist_folder();
    if let Some(dist) = &dist {
        // Where that cannot be, cargo only builds more often than it must.
        let _ = fs::create_dir_all(dist);
        println!("cargo::rerun-if-changed={}", dist.display());
    }
    let mut paths = Vec::new();
    if let Some(dist) = &dist
        && dist.join("index.html").is_file()
    {
        collect_files(dist, dist, &mut paths)?;
    }
    paths.sort();
    let mut table = String::from("&[\n");
    for (path, file) in &paths {
        let beside = |ending: &str| {
            let other = PathBuf::from(format!("{}.{ending}", file.display()));
            if other.is_file() {
                format!("Some(include_bytes!({other:?}))")
            } else {
                "None".to_owned()
            }
        };
        writeln!(
            table,
            "    WebFile {{ path: {path:?}, plain: include_bytes!({file:?}), brotli: {}, gzip: {} }},",
            beside("br"),
            beside("gz")
        )
        .map_err(io::Error::other)?;
    }
    table.push_str("]\n");
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    fs::write(Path::new(&out).join("web_files.rs"), table)
}

fn dist_folder() -> Option<PathBuf> {
    if let Some(folder) = env::var_os("RUNSTONE_WEB_DIST") {
        return Some(folder.into());
    }
    let cache = env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))?;
    Some(cache.join("runstone/web/dist"))
}

/// Files below a folder with their paths, `/` between the parts; compressed twins are left out.
fn collect_files(root: &Path, folder: &Path, paths: &mut Vec<(String, PathBuf)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect_files(root, &path, paths)?;
            continue;
        }
        let is_twin = path
            .extension()
            .is_some_and(|ending| ending == "br" || ending == "gz");
        let relative = path.strip_prefix(root).map_err(io::Error::other)?;
        if let (false, Some(relative)) = (is_twin, relative.to_str()) {
            paths.push((relative.replace('\\', "/"), path));
        }
    }
    Ok(())
}

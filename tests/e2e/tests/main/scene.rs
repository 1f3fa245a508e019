//! A folder with all that one scenario needs, and the steps that scenarios share.

use std::path::{Path, PathBuf};
use std::process::Child;

use runstone_client::ApiClient;
use runstone_e2e::child::{self, ChildPlan};
use runstone_e2e::os_counters::{Counters, ENOUGH};
use runstone_e2e::server::{Server, sync};
use runstone_e2e::verify::series_is_exact;
use tempfile::TempDir;

/// An address where nobody listens.
pub(crate) const NOWHERE: &str = "http://127.0.0.1:9";

/// Spool, home and counters of one scenario.
pub(crate) struct Scene {
    folder: TempDir,
    pub(crate) counters: Counters,
    pub(crate) run: String,
}

impl Scene {
    pub(crate) fn new(run: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let counters = Counters::open(&folder.path().join("counters")).unwrap();
        Self {
            folder,
            counters,
            run: run.to_owned(),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn spool(&self) -> PathBuf {
        self.path().join("spool")
    }

    pub(crate) fn home(&self) -> PathBuf {
        self.path().join("home")
    }

    pub(crate) fn spawn(&self, plan: &ChildPlan) -> Child {
        let program = Path::new(env!("CARGO_BIN_EXE_e2e_child"));
        let counters = self.path().join("counters");
        child::spawn(program, plan, &counters, &self.spool(), &self.home()).unwrap()
    }

    pub(crate) fn plan(&self, url: &str) -> ChildPlan {
        ChildPlan::new(&self.run, url)
    }

    /// Starts a child and kills it so many microseconds after its first call.
    pub(crate) fn track_and_kill(&self, plan: &ChildPlan, micros: u64) {
        let mut child = self.spawn(plan);
        child::kill_after(&mut child, &self.counters, micros).unwrap();
    }

    /// Tells a child that it is enough, awaits its end, and returns the points of its thread 0.
    ///
    /// A child whose server comes and goes must outlive that: once its run is closed its spool is
    /// gone, and a server that goes back in time gets nothing again.
    pub(crate) fn finish(&self, child: &mut Child) -> u64 {
        self.counters.set(ENOUGH, 1);
        assert!(
            child.wait().unwrap().success(),
            "the user's exit code changed"
        );
        self.counters.get(0)
    }

    /// Delivers what lies in the spool.
    pub(crate) fn deliver(&self, url: &str) {
        sync(&self.spool(), &self.home(), url, 65_536).unwrap();
    }

    /// Holds every thread's series to its counter; returns the points found.
    pub(crate) fn verify(&self, server: &Server, threads: impl IntoIterator<Item = u64>) -> u64 {
        let api = ApiClient::from_environment(Some(server.url())).unwrap();
        let mut points = 0;
        for thread in threads {
            let counted = self.counters.get(thread as usize);
            points += series_is_exact(&api, &self.run, thread, counted).unwrap();
        }
        points
    }
}

/// A server with a data folder and home of its own.
pub(crate) struct Home {
    folder: TempDir,
    pub(crate) server: Server,
}

impl Home {
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let server =
            Server::start(&folder.path().join("data"), &folder.path().join("home")).unwrap();
        Self { folder, server }
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn url(&self) -> &str {
        self.server.url()
    }
}

/// Copies a folder with all below it.
pub(crate) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&entry.path(), &target);
        } else {
            // A file may go away between the listing and the copy; the copy is of that moment.
            drop(std::fs::copy(entry.path(), target));
        }
    }
}

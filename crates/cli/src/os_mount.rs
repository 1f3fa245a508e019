//! How much room the file system of a folder has, and how it is mounted.

use std::path::{Path, PathBuf};

/// How a file system is mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mount {
    /// Where.
    pub(crate) at: PathBuf,
    /// Its kind, as `ext4`.
    pub(crate) kind: String,
    /// Options that are single words, as `rw`; those with values may hold secrets.
    pub(crate) flags: Vec<String>,
}

/// The mount that a path lies on; `None` where the system keeps no table.
pub(crate) fn mount_of(path: &Path) -> Option<Mount> {
    let table = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    mount_in(&table, &existing_part(path))
}

/// The path, without links, up to its last folder that is there.
fn existing_part(path: &Path) -> PathBuf {
    path.ancestors()
        .find_map(|part| part.canonicalize().ok())
        .unwrap_or_else(|| PathBuf::from("/"))
}

/// In the text of `/proc/self/mountinfo`, see proc(5): the deepest mount above the path, the last
/// of those at one place.
fn mount_in(table: &str, path: &Path) -> Option<Mount> {
    let mut deepest: Option<Mount> = None;
    for line in table.lines() {
        let Some((mount, file_system)) = line.split_once(" - ") else {
            continue;
        };
        let mut fields = mount.split(' ').skip(4);
        let (Some(at), Some(options)) = (fields.next(), fields.next()) else {
            continue;
        };
        // The table writes blanks as octal numbers.
        let at = PathBuf::from(at.replace("\\040", " "));
        let deep = deepest
            .as_ref()
            .map_or(0, |mount| mount.at.components().count());
        if path.starts_with(&at) && at.components().count() >= deep {
            deepest = Some(Mount {
                at,
                kind: file_system.split(' ').next().unwrap_or_default().to_owned(),
                flags: options
                    .split(',')
                    .filter(|option| !option.contains('='))
                    .map(str::to_owned)
                    .collect(),
            });
        }
    }
    deepest
}

/// Free bytes for this user; `None` where the system does not tell.
#[cfg(unix)]
pub(crate) fn free_bytes(path: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(path).ok()?;
    stat.f_bavail.checked_mul(stat.f_frsize)
}

/// Free bytes for this user; `None` where the system does not tell.
#[cfg(not(unix))]
pub(crate) fn free_bytes(_: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: &str = "\
27 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
41 27 8:17 / /media/my\\040disk rw,nosuid - fuseblk /dev/sdb1 rw,user_id=0
42 27 0:39 / /data rw,password=x - cifs //me@far/data rw
43 27 0:40 / /data ro - tmpfs tmpfs rw";

    #[test]
    fn the_deepest_and_latest_mount_counts() {
        let of = |path: &str| mount_in(TABLE, Path::new(path)).unwrap();
        assert_eq!(of("/home/ada").kind, "ext4");
        assert_eq!(of("/media/my disk/x").kind, "fuseblk");
        assert_eq!(of("/data/x").kind, "tmpfs");
        assert_eq!(of("/database").kind, "ext4");
        assert_eq!(mount_in("nonsense", Path::new("/")), None);
    }

    #[test]
    fn options_with_values_are_left_out() {
        let first_lines: String = TABLE
            .lines()
            .take(3)
            .map(|line| format!("{line}\n"))
            .collect();
        let mount = mount_in(&first_lines, Path::new("/data")).unwrap();
        assert_eq!(mount.flags, ["rw"]);
    }
}

//! Which process listens on a port, as far as Linux tells us; elsewhere nobody knows.

use std::net::{IpAddr, SocketAddr};

/// Process id and name of the listener at `address`, where this user may see it.
#[cfg(target_os = "linux")]
pub(crate) fn port_owner(address: SocketAddr) -> Option<(u32, String)> {
    let table = match address.ip() {
        IpAddr::V4(_) => "/proc/net/tcp",
        IpAddr::V6(_) => "/proc/net/tcp6",
    };
    let text = std::fs::read_to_string(table).ok()?;
    let inode = text
        .lines()
        .skip(1)
        .find_map(|line| listening_inode(line, address.port()))?;
    let socket = format!("socket:[{inode}]");
    for entry in std::fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse::<u32>().ok())
        else {
            continue;
        };
        let Ok(files) = std::fs::read_dir(entry.path().join("fd")) else {
            continue;
        };
        let listens = files.flatten().any(|file| {
            std::fs::read_link(file.path()).is_ok_and(|target| target.as_os_str() == &*socket)
        });
        if listens {
            let name = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            return Some((pid, name.trim().to_owned()));
        }
    }
    None
}

/// Nobody knows.
#[cfg(not(target_os = "linux"))]
pub(crate) fn port_owner(_: SocketAddr) -> Option<(u32, String)> {
    None
}

/// The inode of a line of `/proc/net/tcp` that is a listener on `port`.
#[cfg(target_os = "linux")]
fn listening_inode(line: &str, port: u16) -> Option<u64> {
    const LISTEN: &str = "0A";
    let fields: Vec<&str> = line.split_whitespace().collect();
    let (_, local_port) = fields.get(1)?.rsplit_once(':')?;
    let same_port = u16::from_str_radix(local_port, 16).ok()? == port;
    if same_port && fields.get(3) == Some(&LISTEN) {
        fields.get(9)?.parse().ok()
    } else {
        None
    }
}

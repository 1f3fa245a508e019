//! Ports: taking them, and finding out whose they are when they are taken.

use crate::failure::Failure;
use crate::os_port_owner::port_owner;
use runstone_server::{DEFAULT_PORT, SECOND_PORT};
use runstone_service::{ErrorKind, ServiceError};
use std::io::{ErrorKind as IoKind, Read, Write};
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
use std::time::Duration;

/// What was bound, and the host names that were given for it.
pub(crate) struct Bound {
    pub(crate) listeners: Vec<TcpListener>,
    pub(crate) host_names: Vec<String>,
}

/// Who listens at an address.
pub(crate) enum Occupant {
    /// A Runstone, of this version.
    Runstone {
        /// As its `Server` header says.
        version: String,
    },
    /// Something else, or something that does not answer.
    Other,
}

/// Binds the default addresses: 53800 must be free, 53801 may be taken.
pub(crate) fn bind_default() -> Result<Bound, Failure> {
    let mut listeners = Vec::new();
    for (port, needed) in [(DEFAULT_PORT, true), (SECOND_PORT, false)] {
        let v4 = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let v6 = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
        for address in [v4, v6] {
            match TcpListener::bind(address) {
                Ok(listener) => listeners.push(listener),
                Err(error) if error.kind() == IoKind::AddrInUse && needed => {
                    return Err(taken(address).into());
                }
                Err(error) if error.kind() == IoKind::AddrInUse => {
                    tracing::warn!("{}; going on without it", taken(address).message);
                }
                // A machine without IPv6.
                Err(_) if address.is_ipv6() => {}
                Err(error) => return Err(unbindable(&address.to_string(), &error).into()),
            }
        }
    }
    Ok(Bound {
        listeners,
        host_names: Vec::new(),
    })
}

/// Binds the addresses asked for, as `HOST:PORT`; a name may stand for several.
pub(crate) fn bind_asked(asked: &[String]) -> Result<Bound, Failure> {
    let mut bound = Bound {
        listeners: Vec::new(),
        host_names: Vec::new(),
    };
    for text in asked {
        let addresses = text.to_socket_addrs().map_err(|error| {
            ServiceError::invalid(format!("`{text}` is no address to listen on: {error}"))
                .with_hint("write HOST:PORT, as 127.0.0.1:53800 or [::1]:53800")
        })?;
        let before = bound.listeners.len();
        let mut port = None;
        for mut address in addresses {
            // With port 0 all addresses of one name share the port that the first was given.
            if let (0, Some(port)) = (address.port(), port) {
                address.set_port(port);
            }
            match TcpListener::bind(address) {
                Ok(listener) => {
                    let real = listener.local_addr().map_err(|e| unbindable(text, &e))?;
                    port = Some(real.port());
                    if !real.ip().is_loopback() && !real.ip().is_unspecified() {
                        bound.host_names.push(real.ip().to_string());
                    }
                    bound.listeners.push(listener);
                }
                Err(error) if error.kind() == IoKind::AddrInUse => {
                    return Err(taken(address).into());
                }
                Err(_) if bound.listeners.len() > before => {}
                Err(error) => return Err(unbindable(text, &error).into()),
            }
        }
        if let Some((name, _)) = text.rsplit_once(':')
            && name.parse::<std::net::IpAddr>().is_err()
            && !name.starts_with('[')
        {
            bound.host_names.push(name.to_owned());
        }
    }
    Ok(bound)
}

fn unbindable(address: &str, error: &std::io::Error) -> ServiceError {
    ServiceError::new(
        ErrorKind::Unavailable,
        format!("can't listen on {address}: {error}"),
    )
    .with_hint("give an address of this machine with --listen HOST:PORT; port 0 takes a free one")
}

/// The error for a port that is taken, naming whose it is.
fn taken(address: SocketAddr) -> ServiceError {
    let owner = port_owner(address);
    let process = owner.as_ref().map_or_else(String::new, |(pid, name)| {
        format!(" (process {pid}, {name})")
    });
    let (who, hint) = match ask_occupant(address) {
        Some(Occupant::Runstone { version }) => (
            format!("another Runstone {version}{process}"),
            format!(
                "use it at http://{address}, or stop it, or choose a port with --listen 127.0.0.1:0"
            ),
        ),
        _ if owner.is_some() => (
            format!("another program{process}"),
            "stop it, or choose a port with --listen 127.0.0.1:0".to_owned(),
        ),
        _ => (
            "another program".to_owned(),
            format!(
                "`ss -ltnp sport = :{}` as root tells whose it is; choose a port with --listen 127.0.0.1:0",
                address.port()
            ),
        ),
    };
    ServiceError::new(ErrorKind::Conflict, format!("{address} is taken by {who}")).with_hint(hint)
}

/// Asks whoever listens at `address` who it is; `None` if nobody does. Waits half a second.
pub(crate) fn ask_occupant(address: SocketAddr) -> Option<Occupant> {
    let wait = Duration::from_millis(500);
    let mut stream = TcpStream::connect_timeout(&address, wait).ok()?;
    let answer = (|| {
        stream.set_read_timeout(Some(wait))?;
        stream.set_write_timeout(Some(wait))?;
        write!(
            stream,
            "GET /runstone/v1/server HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = Vec::new();
        stream.take(4_096).read_to_end(&mut answer)?;
        std::io::Result::Ok(answer)
    })()
    .unwrap_or_default();
    let text = String::from_utf8_lossy(&answer).to_ascii_lowercase();
    let version = text
        .lines()
        .take_while(|line| !line.is_empty())
        .find_map(|line| line.strip_prefix("server: runstone/"));
    Some(
        version.map_or(Occupant::Other, |version| Occupant::Runstone {
            version: version.trim().to_owned(),
        }),
    )
}

//! Finds the addresses of a server's host.
//!
//! Given to every connection (`http`). Most servers are an IP address or `localhost`: those need no
//! look-up. A name is looked up in a thread of its own, since the system's look-up has no time
//! limit. The surprising rule: where no thread can be had, as below a limit of processes, that is
//! an ordinary error, and the frame is sent later; the resolver of the HTTP library panics there.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, ToSocketAddrs};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};

use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::os_unix_thread::spawn_deaf_with_stack;

/// Addresses that are tried; as many as the library keeps.
const ADDRESSES_MAX: usize = 16;
/// The modules of the system's look-up want more than our own threads.
const STACK_BYTES: usize = 1024 * 1024;

type Work = Box<dyn FnOnce() + Send>;

/// See the module.
#[derive(Debug)]
pub(crate) struct HostResolver {
    spawn: fn(Work) -> io::Result<()>,
}

impl HostResolver {
    pub(crate) fn new() -> Self {
        Self {
            spawn: |work| spawn_deaf_with_stack("runstone-lookup", STACK_BYTES, work).map(|_| ()),
        }
    }

    fn look_up(
        &self,
        address: String,
        timeout: NextTimeout,
    ) -> Result<Vec<SocketAddr>, ureq::Error> {
        let (tell, found) = sync_channel(1);
        let asked = address.clone();
        let work = move || {
            // Nobody listens any more when the time was over.
            let _ = tell.send(asked.to_socket_addrs().map(Iterator::collect));
        };
        (self.spawn)(Box::new(work)).map_err(|error| {
            let text = format!("no thread to look up {address}: {error}");
            io::Error::new(error.kind(), text)
        })?;
        match found.recv_timeout(*timeout.after) {
            Ok(found) => Ok(found?),
            Err(RecvTimeoutError::Timeout) => Err(ureq::Error::Timeout(timeout.reason)),
            Err(RecvTimeoutError::Disconnected) => Err(ureq::Error::HostNotFound),
        }
    }
}

impl Resolver for HostResolver {
    fn resolve(
        &self,
        uri: &Uri,
        _config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let address = uri
            .scheme()
            .zip(uri.authority())
            .and_then(|(scheme, authority)| DefaultResolver::host_and_port(scheme, authority))
            .ok_or(ureq::Error::HostNotFound)?;
        let found = match known_addresses(&address) {
            Some(known) => known,
            None => self.look_up(address, timeout)?,
        };
        let mut addresses = self.empty();
        for address in found.into_iter().take(ADDRESSES_MAX) {
            addresses.push(address);
        }
        if addresses.is_empty() {
            return Err(ureq::Error::HostNotFound);
        }
        Ok(addresses)
    }
}

/// Addresses that need no look-up, of `HOST:PORT`.
fn known_addresses(address: &str) -> Option<Vec<SocketAddr>> {
    if let Ok(address) = address.parse() {
        return Some(vec![address]);
    }
    let (host, port) = address.rsplit_once(':')?;
    let host = host.to_ascii_lowercase();
    if host != "localhost" && !host.ends_with(".localhost") {
        return None;
    }
    let port = port.parse().ok()?;
    let loopback = [
        IpAddr::V6(Ipv6Addr::LOCALHOST),
        IpAddr::V4(Ipv4Addr::LOCALHOST),
    ];
    Some(loopback.map(|ip| SocketAddr::new(ip, port)).to_vec())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn resolve(spawn: fn(Work) -> io::Result<()>, url: &str) -> Result<Vec<String>, ureq::Error> {
        let timeout = NextTimeout {
            after: Duration::ZERO.into(),
            reason: ureq::Timeout::Resolve,
            ..NextTimeout::default()
        };
        let uri: Uri = url.parse().unwrap();
        let found = HostResolver { spawn }.resolve(&uri, &Config::default(), timeout)?;
        Ok(found.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn addresses_and_localhost_need_no_thread() {
        let never = |_: Work| panic!("no thread is needed");
        for (url, expected) in [
            ("http://127.0.0.1:53800/x", &["127.0.0.1:53800"][..]),
            ("http://192.168.0.7", &["192.168.0.7:80"]),
            ("https://[2001:db8::1]", &["[2001:db8::1]:443"]),
            ("http://LOCALHOST:7", &["[::1]:7", "127.0.0.1:7"]),
            ("https://app.localhost", &["[::1]:443", "127.0.0.1:443"]),
        ] {
            assert_eq!(resolve(never, url).unwrap(), expected, "{url}");
        }
    }

    #[test]
    fn without_a_thread_it_is_an_error_that_names_the_host() {
        let none = |_: Work| Err(io::Error::from(io::ErrorKind::WouldBlock));
        let error = resolve(none, "http://tracker.example:1").unwrap_err();
        assert!(matches!(error, ureq::Error::Io(_)), "{error:?}");
        assert!(error.to_string().contains("tracker.example:1"), "{error}");
    }

    #[test]
    fn a_look_up_that_hangs_or_dies_is_an_error() {
        let hangs = |work: Work| {
            std::mem::forget(work);
            Ok(())
        };
        let error = resolve(hangs, "http://tracker.example").unwrap_err();
        assert!(matches!(error, ureq::Error::Timeout(_)), "{error:?}");
        let dies = |work: Work| {
            drop(work);
            Ok(())
        };
        let error = resolve(dies, "http://tracker.example").unwrap_err();
        assert!(matches!(error, ureq::Error::HostNotFound), "{error:?}");
    }

    #[test]
    fn a_name_is_looked_up() {
        let here = |work: Work| {
            work();
            Ok(())
        };
        // An address in a form that only the system's look-up takes.
        let found = resolve(here, "http://127.1:9").unwrap();
        assert_eq!(found, ["127.0.0.1:9"]);
    }
}

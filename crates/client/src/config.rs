//! Where things are: home, spool, token, server, and what the environment says.
//!
//! Called when a run is opened, by `deliver` and by the command line. Pure functions over an
//! [`Environment`], so that tests need not touch the real one. The surprising rule: with no address
//! anywhere a spool's destination is the word `local`, not the address of the local server, so
//! that whichever server is started on this machine later may take it.

use std::path::{Path, PathBuf};

use crate::error::ClientError;
use crate::options::{Mode, RunOptions};
use crate::spool::SpoolMode;

/// Address of the server that `runstone up` starts.
pub const LOCAL_URL: &str = "http://127.0.0.1:53800";
/// Destination of a spool when no address is given anywhere.
pub const LOCAL_DESTINATION: &str = "local";

/// A look-up of environment variables.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// A variable of this process; empty counts as absent.
#[must_use]
pub fn process_environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where data, spool and token lie: RUNSTONE_HOME, then `~/.runstone`.
#[must_use]
pub fn home(environment: Environment<'_>) -> PathBuf {
    if let Some(home) = environment("RUNSTONE_HOME") {
        return absolute(PathBuf::from(home));
    }
    match environment("HOME") {
        Some(home) => PathBuf::from(home).join(".runstone"),
        None => std::env::temp_dir().join("runstone"),
    }
}

/// A path that stays right when the program changes its folder.
fn absolute(path: PathBuf) -> PathBuf {
    std::path::absolute(&path).unwrap_or(path)
}

/// The folder of the server's data: `data` in the home.
#[must_use]
pub fn data_folder(environment: Environment<'_>) -> PathBuf {
    home(environment).join("data")
}

/// Root of all spools: RUNSTONE_SPOOL, then `spool` in the home.
#[must_use]
pub fn spool_root(environment: Environment<'_>) -> PathBuf {
    match environment("RUNSTONE_SPOOL") {
        Some(root) => absolute(PathBuf::from(root)),
        None => home(environment).join("spool"),
    }
}

/// Root that is taken when the proper one cannot be written or locked: in the folder for
/// temporary files, one a user.
#[must_use]
pub fn fallback_spool_root() -> PathBuf {
    std::env::temp_dir().join(format!(
        "runstone-spool-{}",
        user_name(&process_environment)
    ))
}

/// RUNSTONE_TOKEN, then the first line of `token` in the home.
#[must_use]
pub fn token(environment: Environment<'_>) -> Option<String> {
    if let Some(token) = environment("RUNSTONE_TOKEN") {
        return Some(token);
    }
    let text = std::fs::read_to_string(home(environment).join("token")).ok()?;
    let token = text.lines().next()?.trim();
    (!token.is_empty()).then(|| token.to_owned())
}

/// The mode asked for, RUNSTONE_MODE, then online.
///
/// # Errors
/// `Invalid` for a word that is no mode.
pub fn mode(asked: Option<Mode>, environment: Environment<'_>) -> Result<Mode, ClientError> {
    match (asked, environment("RUNSTONE_MODE")) {
        (Some(mode), _) => Ok(mode),
        (None, Some(text)) => text.parse().map_err(|_| {
            ClientError::Invalid(format!(
                "RUNSTONE_MODE is {text:?}; hint: use online, offline or disabled"
            ))
        }),
        (None, None) => Ok(Mode::Online),
    }
}

/// How slots reach the disk, if RUNSTONE_SPOOL_MODE forces it.
///
/// # Errors
/// `Invalid` for a word that is no mode.
pub(crate) fn spool_mode(environment: Environment<'_>) -> Result<Option<SpoolMode>, ClientError> {
    let Some(text) = environment("RUNSTONE_SPOOL_MODE") else {
        return Ok(None);
    };
    match SpoolMode::from_text(&text) {
        Some(mode) => Ok(Some(mode)),
        None => Err(ClientError::Invalid(format!(
            "RUNSTONE_SPOOL_MODE is {text:?}; hint: use mmap, pwrite or memory, or leave it out"
        ))),
    }
}

/// Where a spool goes.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Destination {
    /// What the spool's folder remembers: a URL without credentials, or `local`.
    pub name: String,
    /// The base URL to call, without a slash at its end.
    pub url: String,
}

impl Destination {
    /// Of what a spool's folder remembers.
    ///
    /// # Errors
    /// `Invalid` if it is neither `local` nor a URL.
    pub fn from_name(name: &str) -> Result<Self, ClientError> {
        if name == LOCAL_DESTINATION {
            return Ok(Self {
                name: name.to_owned(),
                url: LOCAL_URL.to_owned(),
            });
        }
        let url = checked_url(name)?;
        Ok(Self {
            name: url.clone(),
            url,
        })
    }

    /// Whether it is on this machine; such calls never go through a proxy.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        let rest = self.url.split_once("://").map_or("", |(_, rest)| rest);
        let authority = rest.split(['/', '?']).next().unwrap_or("");
        let host = match authority.strip_prefix('[') {
            Some(bracketed) => bracketed.split(']').next().unwrap_or(""),
            None => authority.split(':').next().unwrap_or(""),
        };
        host == "localhost"
            || host.ends_with(".localhost")
            || host
                .parse::<std::net::IpAddr>()
                .is_ok_and(|address| address.is_loopback())
    }
}

/// Where a run writes: the address asked for, RUNSTONE_URL, MATYAN_FRONTIER_URL, then `local`.
///
/// # Errors
/// `Invalid` for an address that is no http URL, or holds a user or a password.
pub fn write_destination(
    asked: Option<&str>,
    environment: Environment<'_>,
) -> Result<Destination, ClientError> {
    let address = asked
        .map(str::to_owned)
        .or_else(|| environment("RUNSTONE_URL"))
        .or_else(|| environment("MATYAN_FRONTIER_URL"));
    Destination::from_name(address.as_deref().unwrap_or(LOCAL_DESTINATION))
}

/// Where a reader asks: the address asked for, RUNSTONE_URL, MATYAN_BACKEND_URL, then the local
/// server.
///
/// # Errors
/// As [`write_destination`].
pub fn read_destination(
    asked: Option<&str>,
    environment: Environment<'_>,
) -> Result<Destination, ClientError> {
    let address = asked
        .map(str::to_owned)
        .or_else(|| environment("RUNSTONE_URL"))
        .or_else(|| environment("MATYAN_BACKEND_URL"));
    Destination::from_name(address.as_deref().unwrap_or(LOCAL_DESTINATION))
}

/// An http or https URL, cleaned of the slash at its end.
fn checked_url(text: &str) -> Result<String, ClientError> {
    let invalid = |reason: &str, hint: &str| {
        Err(ClientError::Invalid(format!(
            "server address {reason}: {}; hint: {hint}",
            without_user_info(text)
        )))
    };
    let Some((scheme, rest)) = text.split_once("://") else {
        return invalid("has no scheme", "write http://HOST:PORT");
    };
    if !matches!(scheme, "http" | "https") {
        return invalid("is neither http nor https", "write http://HOST:PORT");
    }
    let authority = rest.split(['/', '?', '#']).next().unwrap_or("");
    if authority.contains('@') {
        return invalid(
            "holds a user or a password",
            "give the token in RUNSTONE_TOKEN, or as token=",
        );
    }
    if authority.is_empty() || authority.starts_with(':') {
        return invalid("has no host", "write http://HOST:PORT");
    }
    if !has_sound_port(authority) {
        return invalid("has no port from 1 to 65535", "write http://HOST:PORT");
    }
    if rest.contains(['?', '#']) || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
        return invalid(
            "holds more than scheme, host, port and path",
            "write http://HOST:PORT",
        );
    }
    Ok(text.trim_end_matches('/').to_owned())
}

/// Whether the port is left out or a number. HTTP libraries take the port of the scheme for one
/// that they can't read, and a stranger would get the token.
fn has_sound_port(authority: &str) -> bool {
    let port = match authority.strip_prefix('[') {
        Some(bracketed) => match bracketed.split_once(']') {
            Some((_, "")) => return true,
            Some((_, after)) => after.strip_prefix(':'),
            None => None,
        },
        None => match authority.split_once(':') {
            Some((_, port)) => Some(port),
            None => return true,
        },
    };
    port.is_some_and(|port| {
        port.bytes().all(|byte| byte.is_ascii_digit())
            && port.parse::<u16>().is_ok_and(|number| number > 0)
    })
}

/// The address with user and password cut out, for messages.
fn without_user_info(text: &str) -> String {
    match (text.split_once("://"), text.rfind('@')) {
        (Some((scheme, _)), Some(at)) => format!("{scheme}://***{}", &text[at..]),
        (None, Some(at)) => format!("***{}", &text[at..]),
        _ => text.to_owned(),
    }
}

/// Name of this machine, for people.
#[must_use]
pub fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .map(|text| text.trim().to_owned())
        .or_else(|| process_environment("HOSTNAME"))
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "localhost".to_owned())
}

/// Name of this machine's folder below a spool root: the host name with what is odd replaced, and
/// a hash of the machine id, so that machines of one name on a shared home stay apart.
#[must_use]
pub fn host_id() -> String {
    let mut id: String = host_name()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || matches!(c, '-' | '_') {
                c
            } else {
                '_'
            }
        })
        .take(64)
        .collect();
    let machine = ["/etc/machine-id", "/var/lib/dbus/machine-id"]
        .into_iter()
        .find_map(|path| std::fs::read(Path::new(path)).ok());
    if let Some(machine) = machine {
        id.push_str(&format!("-{:08x}", crc32c::crc32c(machine.trim_ascii())));
    }
    id
}

/// Boot id of this machine; empty where the system has none.
#[must_use]
pub fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map(|text| text.trim().to_owned())
        .unwrap_or_default()
}

/// Name of the user: USER, LOGNAME, else the owner's number of this process.
#[must_use]
pub fn user_name(environment: Environment<'_>) -> String {
    environment("USER")
        .or_else(|| environment("LOGNAME"))
        .map(|name| name.replace(['/', '\\', '\0'], "_"))
        .unwrap_or_else(user_number)
}

#[cfg(unix)]
fn user_number() -> String {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").map_or_else(|_| "unknown".to_owned(), |me| me.uid().to_string())
}

#[cfg(not(unix))]
fn user_number() -> String {
    "unknown".to_owned()
}

/// Roots that may hold spools of this user: the one asked for or configured, and the fallback.
#[must_use]
pub fn spool_roots(options: &RunOptions, environment: Environment<'_>) -> Vec<PathBuf> {
    let root = options
        .spool
        .clone()
        .map_or_else(|| spool_root(environment), absolute);
    let mut roots = vec![root];
    let fallback = fallback_spool_root();
    if !roots.contains(&fallback) {
        roots.push(fallback);
    }
    roots
}

#[cfg(test)]
mod tests {
    use super::*;

    fn none(_: &str) -> Option<String> {
        None
    }

    #[test]
    fn the_address_asked_for_wins_over_the_environment() {
        let environment = |name: &str| match name {
            "RUNSTONE_URL" => Some("http://one:1/".to_owned()),
            "MATYAN_FRONTIER_URL" => Some("http://two:2".to_owned()),
            _ => None,
        };
        let asked = write_destination(Some("https://three/base/"), &environment).unwrap();
        assert_eq!(asked.url, "https://three/base");
        assert_eq!(
            write_destination(None, &environment).unwrap().url,
            "http://one:1"
        );
        let matyan =
            |name: &str| (name == "MATYAN_FRONTIER_URL").then(|| "http://two:2".to_owned());
        assert_eq!(
            write_destination(None, &matyan).unwrap().url,
            "http://two:2"
        );
        assert_eq!(
            read_destination(None, &matyan).unwrap().name,
            LOCAL_DESTINATION
        );
    }

    #[test]
    fn no_address_means_local() {
        let destination = write_destination(None, &none).unwrap();
        assert_eq!(destination.name, "local");
        assert_eq!(destination.url, LOCAL_URL);
        assert!(destination.is_loopback());
    }

    #[test]
    fn credentials_in_an_address_are_refused_and_not_repeated() {
        let error = write_destination(Some("http://me:secret@host:1"), &none).unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
        assert!(error.to_string().contains("RUNSTONE_TOKEN"));
    }

    #[test]
    fn odd_addresses_are_refused() {
        for bad in [
            "",
            "host:1",
            "ftp://x",
            "http://",
            "http://:1",
            "http://h/?q=1",
            "http://h h",
        ] {
            assert!(write_destination(Some(bad), &none).is_err(), "{bad:?}");
        }
    }

    /// Anything else would be called at the scheme's own port, with the token.
    #[test]
    fn a_port_that_is_none_is_refused() {
        for bad in [
            "http://h:",
            "http://h:0",
            "http://h:65536",
            "http://h:99999/base",
            "http://h:5380O",
            "http://h:-1",
            "http://h:+1",
            "http://h:1:2",
            "http://[::1]:99999",
            "http://[::1]1",
            "http://[::1",
            "http://::1",
        ] {
            assert!(write_destination(Some(bad), &none).is_err(), "{bad:?}");
        }
        for good in [
            "http://h",
            "http://h/base",
            "http://h:1",
            "https://h:65535/base",
            "http://[::1]",
            "http://[::1]:53800",
        ] {
            assert!(write_destination(Some(good), &none).is_ok(), "{good:?}");
        }
    }

    #[test]
    fn loopback_is_recognised() {
        for (url, loopback) in [
            ("http://localhost:1", true),
            ("http://127.0.0.9", true),
            ("http://[::1]:53800/x", true),
            ("http://127.0.0.1.example.org", false),
            ("http://192.168.0.1", false),
        ] {
            assert_eq!(
                Destination::from_name(url).unwrap().is_loopback(),
                loopback,
                "{url}"
            );
        }
    }

    #[test]
    fn the_mode_comes_from_the_call_then_the_environment() {
        let offline = |name: &str| (name == "RUNSTONE_MODE").then(|| "offline".to_owned());
        assert_eq!(mode(None, &offline).unwrap(), Mode::Offline);
        assert_eq!(
            mode(Some(Mode::Disabled), &offline).unwrap(),
            Mode::Disabled
        );
        assert_eq!(mode(None, &none).unwrap(), Mode::Online);
        let bad = |_: &str| Some("loud".to_owned());
        assert!(mode(None, &bad).is_err());
    }

    #[test]
    fn a_spool_mode_is_one_of_three_words() {
        assert_eq!(spool_mode(&none).unwrap(), None);
        for (text, expected) in [
            ("mmap", SpoolMode::Mmap),
            ("pwrite", SpoolMode::Pwrite),
            ("memory", SpoolMode::Memory),
        ] {
            let forced = |name: &str| (name == "RUNSTONE_SPOOL_MODE").then(|| text.to_owned());
            assert_eq!(spool_mode(&forced).unwrap(), Some(expected));
        }
        let bad = |_: &str| Some("Mmap".to_owned());
        let error = spool_mode(&bad).unwrap_err();
        assert!(matches!(error, ClientError::Invalid(_)), "{error:?}");
        let text = error.to_string();
        assert!(
            text.contains("\"Mmap\"") && text.contains("hint: use mmap"),
            "{text}"
        );
    }
}

//! Takes secrets out of text before it goes into a bundle.
//!
//! Three nets, one behind the other: secrets that this machine knows (token file, environment),
//! all of addresses but scheme, host and port, and shapes of well-known tokens. The home folder
//! becomes `~`, because its name is a person's. It rather takes out too much than too little.

use runstone_client::config::{self, process_environment};
use serde_json::Value;
use std::io::Read;
use std::ops::Range;
use std::path::Path;

const REMOVED: &str = "[removed]";
/// Shorter ones would be found everywhere.
const SECRET_BYTES_MIN: usize = 6;
const TOKEN_FILE_BYTES_MAX: u64 = 64 * 1024;
/// After one of these a token follows.
const TOKEN_STARTS: [&str; 23] = [
    "rst_",
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "hf_",
    "sk-",
    "sk_",
    "pk_",
    "rk_",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "AKIA",
    "ASIA",
    "AIza",
    "eyJ",
    "npm_",
    "pypi-",
    "dckr_pat_",
];
const TOKEN_BYTES_MIN: usize = 12;
/// What follows is a secret, whatever its shape. Compared in lower case.
const ANNOUNCED: [&str; 12] = [
    "bearer ",
    "basic ",
    "token=",
    "token:",
    "password=",
    "password:",
    "passwd=",
    "secret=",
    "secret:",
    "api_key=",
    "apikey=",
    "access_key=",
];

/// What is secret here.
pub(crate) struct Scrubber {
    secrets: Vec<String>,
    folders: Vec<(String, &'static str)>,
}

impl Scrubber {
    /// With the secrets of this home and this environment.
    pub(crate) fn of_this_machine() -> Self {
        let mut secrets = Vec::new();
        for (name, value) in std::env::vars_os() {
            let (name, value) = (name.to_string_lossy(), value.to_string_lossy());
            if is_secret_name(&name) {
                secrets.push(value.trim().to_owned());
            }
            secrets.extend(passwords(&value));
        }
        let token_file = config::home(&process_environment).join("token");
        secrets.extend(lines_of(&token_file));
        let mut folders = Vec::new();
        let fallback = config::fallback_spool_root();
        if let Some(name) = fallback.file_name() {
            folders.push((name.to_string_lossy().into_owned(), "runstone-spool-~"));
        }
        if let Some(home) = process_environment("HOME") {
            folders.push((home.trim_end_matches('/').to_owned(), "~"));
        }
        Self::new(secrets, folders)
    }

    fn new(mut secrets: Vec<String>, mut folders: Vec<(String, &'static str)>) -> Self {
        secrets.retain(|secret| secret.len() >= SECRET_BYTES_MIN);
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
        secrets.dedup();
        folders.retain(|(folder, _)| folder.len() > 1);
        Self { secrets, folders }
    }

    /// The text without secrets.
    pub(crate) fn text(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for secret in &self.secrets {
            clean = clean.replace(secret.as_str(), REMOVED);
        }
        clean = without_address_details(&clean);
        clean = without_announced(&clean);
        clean = without_tokens(&clean);
        for (folder, short) in &self.folders {
            clean = replace_folder(&clean, folder, short);
        }
        clean
    }

    /// The document with every text in it scrubbed, names of fields too.
    pub(crate) fn document(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text)),
            Value::Array(items) => items.into_iter().map(|item| self.document(item)).collect(),
            Value::Object(fields) => fields
                .into_iter()
                .map(|(name, value)| (self.text(&name), self.document(value)))
                .collect(),
            other => other,
        }
    }

    /// Whether a known secret stands in these bytes after all.
    pub(crate) fn is_leaking(&self, bytes: &[u8]) -> bool {
        self.secrets
            .iter()
            .any(|secret| contains(bytes, secret.as_bytes()))
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Whether a variable of this name holds a secret.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let parts = [
        "TOKEN",
        "SECRET",
        "PASSWORD",
        "PASSWD",
        "CREDENTIAL",
        "API_KEY",
        "APIKEY",
    ];
    parts.iter().any(|part| name.contains(part)) || name.ends_with("_KEY")
}

fn lines_of(path: &Path) -> Vec<String> {
    let mut text = String::new();
    let read = std::fs::File::open(path)
        .and_then(|file| file.take(TOKEN_FILE_BYTES_MAX).read_to_string(&mut text));
    match read {
        Ok(_) => text.lines().map(|line| line.trim().to_owned()).collect(),
        Err(_) => Vec::new(),
    }
}

/// Passwords in the addresses of a text: they may stand elsewhere without their address.
fn passwords(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, _) in text.match_indices("://") {
        let rest = &text[at + 3..];
        let address = &rest[..address_end(rest)];
        if let Some((user_info, _)) = address.rsplit_once('@') {
            found.push(user_info.to_owned());
            if let Some((_, password)) = user_info.split_once(':') {
                found.push(password.to_owned());
            }
        }
    }
    found
}

fn address_end(text: &str) -> usize {
    text.find(|character: char| character.is_whitespace() || "\"'<>`,;".contains(character))
        .unwrap_or(text.len())
}

/// Addresses keep scheme, host and port. What follows up to the next blank goes, quotes and all, but
/// for the punctuation that ends it.
fn without_address_details(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        clean.push_str(before);
        let end = after.find(char::is_whitespace).unwrap_or(after.len());
        let address = &after[..end];
        let closed = address.trim_end_matches(|character| "\"'`<>()[]{},;.\\".contains(character));
        let mut tail = closed.len();
        match host_and_port(address) {
            Some(host) => {
                // The host may end with a bracket itself.
                tail = tail.max(host.end);
                clean.push_str(&address[host]);
            }
            None => clean.push_str(REMOVED),
        }
        clean.push_str(&address[tail..]);
        rest = &after[end..];
    }
    clean + rest
}

/// Where host and port stand in what follows `://`; `None` where a password may be in their place.
fn host_and_port(address: &str) -> Option<Range<usize>> {
    let end = address
        .find(|character| "/?#\\".contains(character))
        .unwrap_or(address.len());
    let (authority, others) = address.split_at(end);
    let start = match authority.rfind('@') {
        Some(at) => at + 1,
        // A password with a slash in it, as people write them.
        None if others.contains('@') => return None,
        None => 0,
    };
    Some(start..start + host_length(&authority[start..]))
}

/// Bytes of a name or address of a host, with its port if that is a number.
fn host_length(text: &str) -> usize {
    let name = if text.starts_with('[') {
        text.find(']').map_or(0, |end| end + 1)
    } else {
        text.find(|character: char| !(character.is_alphanumeric() || "-._".contains(character)))
            .unwrap_or(text.len())
    };
    let port = text[name..].strip_prefix(':').map_or(0, |port| {
        port.bytes().take_while(u8::is_ascii_digit).count()
    });
    if port == 0 { name } else { name + 1 + port }
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.+/=~%".contains(&byte)
}

fn token_length(text: &str) -> usize {
    text.bytes().take_while(|byte| is_token_byte(*byte)).count()
}

/// What follows a word that announces a secret goes.
fn without_announced(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let mut clean = String::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let found = ANNOUNCED
            .iter()
            .find(|word| lower[at..].starts_with(**word));
        if let Some(word) = found {
            let after = at + word.len();
            let blanks = text[after..]
                .bytes()
                .take_while(|byte| *byte == b' ')
                .count();
            let length = token_length(&text[after + blanks..]);
            if length >= SECRET_BYTES_MIN {
                clean.push_str(&text[at..after + blanks]);
                clean.push_str(REMOVED);
                at = after + blanks + length;
                continue;
            }
        }
        let step = text[at..].chars().next().map_or(1, char::len_utf8);
        clean.push_str(&text[at..at + step]);
        at += step;
    }
    clean
}

/// What has the shape of a token goes.
fn without_tokens(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let inside_word = text[..at]
            .bytes()
            .next_back()
            .is_some_and(|byte| byte.is_ascii_alphanumeric());
        let starts = !inside_word && TOKEN_STARTS.iter().any(|start| rest.starts_with(start));
        let length = token_length(rest);
        if starts && length >= TOKEN_BYTES_MIN {
            clean.push_str(REMOVED);
            at += length;
            continue;
        }
        let step = rest.chars().next().map_or(1, char::len_utf8);
        clean.push_str(&rest[..step]);
        at += step;
    }
    clean
}

/// Replaces a folder where it ends as one: `/home/ada` in `/home/ada/x`, not in `/home/adam`.
fn replace_folder(text: &str, folder: &str, short: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(folder) {
        let (before, found) = rest.split_at(at);
        let after = &found[folder.len()..];
        clean.push_str(before);
        let goes_on = after
            .chars()
            .next()
            .is_some_and(|next| next.is_alphanumeric() || "-_.".contains(next));
        clean.push_str(if goes_on { folder } else { short });
        rest = after;
    }
    clean + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scrubber() -> Scrubber {
        Scrubber::new(
            vec!["hunter-22".to_owned(), "abc".to_owned()],
            vec![("/home/ada".to_owned(), "~")],
        )
    }

    #[test]
    fn known_secrets_go_and_short_ones_are_no_secrets() {
        assert_eq!(scrubber().text("a hunter-22 abc"), "a [removed] abc");
        assert!(scrubber().is_leaking(b"x hunter-22"));
        assert!(!scrubber().is_leaking(b"hunter-2"));
    }

    #[test]
    fn addresses_keep_scheme_host_and_port() {
        for (text, clean) in [
            ("http://me:pw@h:1/x", "http://h:1"),
            (
                "a http://me@h b https://u:p@q@i c",
                "a http://h b https://i c",
            ),
            ("http://h", "http://h"),
            ("http://h/", "http://h"),
            (
                "https://h.example:8080/x?key=opensesame",
                "https://h.example:8080",
            ),
            ("https://h?auth=opensesame&b=1", "https://h"),
            ("https://h/b?se=1&sig=Zm9v%2F+Yg==", "https://h"),
            ("https://h/services/T0/B0/opensesame", "https://h"),
            ("https://h/#opensesame", "https://h"),
            ("https://h#opensesame", "https://h"),
            ("https://h/?key=\"opensesame\"&b", "https://h"),
            ("https://h\"opensesame", "https://h"),
            ("https://h'opensesame/x", "https://h"),
            (
                "{\"url\":\"https://h/?key=opensesame\"}",
                "{\"url\":\"https://h\"}",
            ),
            ("(see https://h/opensesame).", "(see https://h)."),
            ("http://[::1]:53800/opensesame", "http://[::1]:53800"),
            ("http://u:p@[::1]", "http://[::1]"),
            ("http://u:open/sesame@h:1", "http://[removed]"),
            ("http://u:opensesame", "http://u"),
            ("https://h/a://opensesame", "https://h"),
            ("https://\u{e4}/\u{e4}?\u{df} x", "https://\u{e4} x"),
            ("file:///etc/opensesame", "file://"),
            ("mail me@h", "mail me@h"),
        ] {
            assert_eq!(scrubber().text(text), clean);
        }
    }

    #[test]
    fn passwords_are_found_for_themselves_too() {
        assert_eq!(
            passwords("x://ada:love-lace@h"),
            ["ada:love-lace", "love-lace"]
        );
        assert!(passwords("x://h").is_empty());
    }

    #[test]
    fn tokens_go_by_their_shape() {
        for text in [
            "rst_0123456789abcdef",
            "hf_0123456789abcdef",
            "eyJhbGciOiJIUzI1NiJ9.e30.abc",
        ] {
            assert_eq!(scrubber().text(&format!("a {text}, b")), "a [removed], b");
        }
        assert_eq!(
            scrubber().text("first_0123456789abcdef"),
            "first_0123456789abcdef"
        );
        assert_eq!(
            scrubber().text("risk-0123456789abcdef"),
            "risk-0123456789abcdef"
        );
    }

    #[test]
    fn what_is_announced_goes_whatever_its_shape() {
        assert_eq!(
            scrubber().text("Authorization: Bearer Zm9vYmFy, ü PASSWORD=opensesame"),
            "Authorization: Bearer [removed], ü PASSWORD=[removed]"
        );
        assert_eq!(scrubber().text("token: none"), "token: none");
    }

    #[test]
    fn the_home_becomes_a_tilde_and_its_neighbours_stay() {
        assert_eq!(
            scrubber().text("/home/ada /home/ada/x /home/adam"),
            "~ ~/x /home/adam"
        );
    }

    #[test]
    fn documents_are_scrubbed_in_values_and_names() {
        let document = serde_json::json!({"hunter-22": ["http://a:b@c", 1, null]});
        assert_eq!(
            scrubber().document(document),
            serde_json::json!({"[removed]": ["http://c", 1, null]})
        );
    }

    #[test]
    fn secret_names_are_recognised() {
        for name in [
            "RUNSTONE_TOKEN",
            "aws_secret_access_key",
            "DB_PASSWORD",
            "OPENAI_API_KEY",
        ] {
            assert!(is_secret_name(name), "{name}");
        }
        for name in ["RUNSTONE_HOME", "PATH", "KEYBOARD"] {
            assert!(!is_secret_name(name), "{name}");
        }
    }
}

//! A place from its address, `s3://BUCKET/PREFIX?endpoint=URL&region=NAME&part_mib=N`.
//!
//! What the address leaves out comes from the environment and the files that other programs for S3
//! read too: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, `AWS_REGION`, `AWS_DEFAULT_REGION`,
//! `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN`; for the profile `AWS_PROFILE` (or
//! `default`) the files `AWS_SHARED_CREDENTIALS_FILE` (`~/.aws/credentials`) and `AWS_CONFIG_FILE`
//! (`~/.aws/config`). Without credentials anywhere the role of the machine is asked. An address never
//! holds a secret, so it can be noted and shown.

use std::path::PathBuf;

use crate::{BlobError, Place, S3Credentials, S3Place};

const MEBIBYTE: usize = 1024 * 1024;
const REGION: &str = "us-east-1";
/// Files of credentials are small.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

impl Place {
    /// The place of an address. Reads the files named above where the environment has no answer.
    ///
    /// # Errors
    /// `Invalid` for what is no such address, and for half a pair of credentials.
    pub fn from_address(
        address: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Self, BlobError> {
        let refuse = |reason: String| {
            // Without what may be a secret by mistake.
            let shown = address.split('?').next().unwrap_or_default();
            Err(BlobError::Invalid(format!(
                "{shown} is no address of blobs: {reason}, hint: as \
                 s3://bucket/prefix?endpoint=https://s3.example.org&region=eu-central-1"
            )))
        };
        let Some(rest) = address.strip_prefix("s3://") else {
            return refuse("it does not begin with s3://".to_owned());
        };
        let (name, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (bucket, prefix) = name.split_once('/').unwrap_or((name, ""));
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        if bucket.is_empty() || !bucket.bytes().all(is_name) {
            return refuse(format!("{bucket:?} is no bucket"));
        }
        let files = Files::new(environment);
        let mut place = S3Place::new(bucket, files.region());
        prefix.trim_matches('/').clone_into(&mut place.prefix);
        place.endpoint = files.asked(&["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]);
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            match key {
                "endpoint" => place.endpoint = Some(value.to_owned()),
                "region" => value.clone_into(&mut place.region),
                "part_mib" => match value.parse::<usize>() {
                    Ok(mebibytes @ 5..=1024) => place.part_bytes = mebibytes * MEBIBYTE,
                    _ => return refuse(format!("part_mib is {value:?}, not 5 to 1024")),
                },
                _ => return refuse(format!("{key:?} is no parameter of it")),
            }
        }
        if let Some(endpoint) = &mut place.endpoint {
            if endpoint.contains('@') {
                // Not repeated: what stands before it may be a secret.
                return Err(BlobError::Invalid(
                    "the endpoint of the blobs holds a user or a password, hint: credentials come \
                     from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY"
                        .to_owned(),
                ));
            }
            if !endpoint.starts_with("http://") && !endpoint.starts_with("https://") {
                return refuse(format!("the endpoint {endpoint:?} is no http address"));
            }
            endpoint.truncate(endpoint.trim_end_matches('/').len());
        }
        place.credentials = files.credentials()?;
        Ok(Self::S3(place))
    }
}

/// Where what an address leaves out is looked for.
struct Files<'a> {
    environment: &'a dyn Fn(&str) -> Option<String>,
    profile: String,
}

impl<'a> Files<'a> {
    fn new(environment: &'a dyn Fn(&str) -> Option<String>) -> Self {
        let profile = environment("AWS_PROFILE").filter(|name| !name.is_empty());
        Self {
            environment,
            profile: profile.unwrap_or_else(|| "default".to_owned()),
        }
    }

    /// The first variable that is set and not empty.
    fn asked(&self, names: &[&str]) -> Option<String> {
        let mut values = names.iter().filter_map(|name| (self.environment)(name));
        values.find(|value| !value.is_empty())
    }

    fn region(&self) -> String {
        let section = match self.profile.as_str() {
            "default" => "default".to_owned(),
            profile => format!("profile {profile}"),
        };
        self.asked(&["AWS_REGION", "AWS_DEFAULT_REGION"])
            .or_else(|| {
                let text = self.read("AWS_CONFIG_FILE", "config")?;
                value_in(&text, &section, "region")
            })
            .unwrap_or_else(|| REGION.to_owned())
    }

    fn credentials(&self) -> Result<Option<S3Credentials>, BlobError> {
        let key = self.asked(&["AWS_ACCESS_KEY_ID"]);
        let secret = self.asked(&["AWS_SECRET_ACCESS_KEY"]);
        let token = self.asked(&["AWS_SESSION_TOKEN"]);
        if key.is_some() || secret.is_some() {
            return pair(key, secret, token, "the environment").map(Some);
        }
        let Some(text) = self.read("AWS_SHARED_CREDENTIALS_FILE", "credentials") else {
            return Ok(None);
        };
        let value = |name| value_in(&text, &self.profile, name);
        let (key, secret) = (value("aws_access_key_id"), value("aws_secret_access_key"));
        if key.is_none() && secret.is_none() {
            return Ok(None);
        }
        let token = value("aws_session_token");
        pair(key, secret, token, "the file of credentials").map(Some)
    }

    /// The text of a file of the usual place, or the one that a variable names.
    fn read(&self, variable: &str, name: &str) -> Option<String> {
        let path = match self.asked(&[variable]) {
            Some(path) => PathBuf::from(path),
            None => PathBuf::from(self.asked(&["HOME"])?)
                .join(".aws")
                .join(name),
        };
        let is_small = std::fs::metadata(&path)
            .is_ok_and(|file| file.is_file() && file.len() <= FILE_BYTES_MAX);
        is_small.then(|| std::fs::read_to_string(path).ok())?
    }
}

fn pair(
    key: Option<String>,
    secret: Option<String>,
    session_token: Option<String>,
    place: &str,
) -> Result<S3Credentials, BlobError> {
    match (key, secret) {
        (Some(access_key_id), Some(secret_access_key)) => Ok(S3Credentials {
            access_key_id,
            secret_access_key,
            session_token,
        }),
        _ => Err(BlobError::Invalid(format!(
            "{place} has half a pair of credentials, hint: set both AWS_ACCESS_KEY_ID and \
             AWS_SECRET_ACCESS_KEY"
        ))),
    }
}

/// A value of a section in the files that AWS's tools write.
fn value_in(text: &str, section: &str, name: &str) -> Option<String> {
    let mut inside = false;
    for line in text.lines() {
        let line = line.trim();
        if let Some(title) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            inside = title.trim() == section;
        } else if inside
            && let Some((key, value)) = line.split_once('=')
            && key.trim() == name
        {
            return Some(value.trim().to_owned()).filter(|value| !value.is_empty());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(address: &str, environment: &[(&str, &str)]) -> Result<S3Place, String> {
        let look = |name: &str| {
            let found = environment.iter().find(|(key, _)| *key == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        match Place::from_address(address, &look) {
            Ok(Place::S3(place)) => Ok(place),
            Ok(Place::Folder(_)) => Err("a folder".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn an_address_says_where_and_the_environment_says_who() {
        let found = place(
            "s3://runs/lab/blobs/?endpoint=http://127.0.0.1:9000/&part_mib=8",
            &[
                ("AWS_ACCESS_KEY_ID", "a"),
                ("AWS_SECRET_ACCESS_KEY", "b"),
                ("AWS_REGION", "eu-central-1"),
                ("AWS_ENDPOINT_URL", "http://elsewhere"),
            ],
        )
        .unwrap();
        assert_eq!(
            (found.bucket, found.prefix),
            ("runs".into(), "lab/blobs".into())
        );
        assert_eq!(found.endpoint.as_deref(), Some("http://127.0.0.1:9000"));
        assert_eq!(
            (found.region, found.part_bytes),
            ("eu-central-1".into(), 8 << 20)
        );
        assert_eq!(found.credentials.unwrap().secret_access_key, "b");
        let bare = place("s3://runs", &[]).unwrap();
        assert_eq!(
            (bare.prefix, bare.region),
            (String::new(), REGION.to_owned())
        );
        assert!(bare.credentials.is_none());
    }

    #[test]
    fn what_is_no_address_is_refused_with_an_example() {
        for (address, environment) in [
            ("/folder", &[][..]),
            ("s3://", &[]),
            ("s3://a b/c", &[]),
            ("s3://runs?part_mib=1", &[]),
            ("s3://runs?secret=x", &[]),
            ("s3://runs?endpoint=ftp://x", &[]),
            ("s3://runs", &[("AWS_ACCESS_KEY_ID", "a")]),
        ] {
            let refused = place(address, environment).unwrap_err();
            assert!(refused.contains("hint: "), "{refused}");
        }
    }

    #[test]
    fn the_usual_files_are_read_by_profile() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".aws")).unwrap();
        let write = |name: &str, text: &str| {
            std::fs::write(home.path().join(".aws").join(name), text).unwrap();
        };
        write(
            "credentials",
            "[default]\naws_access_key_id = d\naws_secret_access_key = e\n\n\
             [lab]\naws_access_key_id=l\naws_secret_access_key=m\naws_session_token = t\n",
        );
        write(
            "config",
            "[default]\nregion = r1\n[profile lab]\nregion = r2\n",
        );
        let home = home.path().to_str().unwrap();
        let usual = place("s3://runs", &[("HOME", home)]).unwrap();
        assert_eq!(usual.region, "r1");
        assert_eq!(usual.credentials.unwrap().access_key_id, "d");
        let lab = place("s3://runs", &[("HOME", home), ("AWS_PROFILE", "lab")]).unwrap();
        assert_eq!(lab.region, "r2");
        assert_eq!(lab.credentials.unwrap().session_token.as_deref(), Some("t"));
        let nobody = place("s3://runs", &[("HOME", home), ("AWS_PROFILE", "x")]).unwrap();
        assert!(nobody.credentials.is_none());
    }
}

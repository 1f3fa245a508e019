use super::*;

fn key(id: &str, byte: u8) -> SigningKey {
    SigningKey::new(id, vec![byte; 32]).unwrap()
}

fn keys() -> UploadKeys {
    UploadKeys::new(key("k2", 2), vec![key("k1", 1)]).unwrap()
}

fn grant() -> UploadGrant {
    UploadGrant {
        method: "PUT".to_owned(),
        run: RunId::new("sgd-1").unwrap(),
        path: "model/weights.bin".to_owned(),
        expires_at: Timestamp::from_micros(2_000_000),
        bytes_max: 1024,
    }
}

fn check(keys: &UploadKeys, query: &str) -> Result<UploadGrant, BlobError> {
    let UploadGrant {
        method, run, path, ..
    } = grant();
    keys.check(
        &method,
        &run,
        &path,
        query,
        Timestamp::from_micros(1_999_999),
    )
}

#[test]
fn an_address_permits_what_it_was_signed_for() {
    let query = keys().sign(&grant());
    assert_eq!(check(&keys(), &query).unwrap(), grant());
    let more = format!("digest=sha256:00&{query}&x");
    assert_eq!(check(&keys(), &more).unwrap(), grant());
}

#[test]
fn the_bytes_that_are_signed_stay_the_same() {
    // Computed with Python's hmac module from the description in docs/formats/blobs.md.
    assert_eq!(
        keys().sign(&grant()),
        "key=k2&expires_at_micros=2000000&bytes_max=1024&signature=\
         df3a171f3978f262004efac77f3746090ec12ed12dea010f55d93d0edb15bfc0"
    );
}

#[test]
fn another_method_run_path_time_or_size_is_refused() {
    let keys = keys();
    let query = keys.sign(&grant());
    let now = Timestamp::from_micros(1);
    let (run, other) = (grant().run, RunId::new("sgd-2").unwrap());
    for (method, run, path) in [
        ("GET", &run, "model/weights.bin"),
        ("PUT", &other, "model/weights.bin"),
        ("PUT", &run, "model/weights.bi"),
        ("PUTs", &RunId::new("gd-1").unwrap(), "model/weights.bin"),
    ] {
        let refused = keys.check(method, run, path, &query, now);
        assert!(
            matches!(refused, Err(BlobError::Refused(_))),
            "{method} {path}"
        );
    }
    for (from, to) in [
        ("2000000", "2000001"),
        ("2000000", "+2000000"),
        ("bytes_max=1024", "bytes_max=1025"),
        ("bytes_max=1024", "bytes_max=01024"),
        ("bytes_max=1024", "bytes_max=1024&bytes_max=1024"),
        ("key=k2", "key=k1"),
        ("key=k2", "key=k3"),
        ("key=k2&", ""),
        ("signature=", "signature=0"),
    ] {
        let refused = check(&keys, &query.replacen(from, to, 1));
        assert!(matches!(refused, Err(BlobError::Refused(_))), "{from} {to}");
    }
    let (start, last) = query.split_at(query.len() - 1);
    let flipped = if last == "0" { "1" } else { "0" };
    assert!(check(&keys, &format!("{start}{flipped}")).is_err());
    assert!(check(&keys, "").is_err());
}

#[test]
fn an_address_expires() {
    let (keys, grant) = (keys(), grant());
    let query = keys.sign(&grant);
    let late = keys.check("PUT", &grant.run, &grant.path, &query, grant.expires_at);
    let message = late.unwrap_err().to_string();
    assert_eq!(
        message,
        "the address of the upload can't be used: it has expired at 1970-01-01T00:00:02.000000Z, \
         hint: ask for a new one"
    );
}

#[test]
fn a_former_key_checks_until_it_is_removed() {
    let before = UploadKeys::new(key("k1", 1), Vec::new()).unwrap();
    let query = before.sign(&grant());
    assert!(check(&keys(), &query).is_ok());
    let after = UploadKeys::new(key("k2", 2), Vec::new()).unwrap();
    assert!(matches!(check(&after, &query), Err(BlobError::Refused(_))));
    // A new secret under the old id checks nothing of the old one.
    let reused = UploadKeys::new(key("k1", 9), Vec::new()).unwrap();
    assert!(check(&reused, &query).is_err());
}

#[test]
fn weak_or_doubled_keys_are_refused_and_secrets_are_not_shown() {
    assert!(SigningKey::new("k", vec![1; 31]).is_err());
    assert!(SigningKey::new("", vec![1; 32]).is_err());
    assert!(SigningKey::new("a&b", vec![1; 32]).is_err());
    assert!(UploadKeys::new(key("k", 1), vec![key("k", 2)]).is_err());
    assert_eq!(format!("{:?}", key("k", 1)), "SigningKey(k)");
}

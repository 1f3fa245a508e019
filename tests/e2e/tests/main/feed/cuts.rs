//! A reader whose connection is cut again and again, at any byte.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use runstone_client::{ApiClient, ChangeEvent, ClientError};
use runstone_e2e::proxy::{Harm, Proxy};
use runstone_e2e::random::Random;
use runstone_e2e::server::Server;
use serde_json::Value;

use super::{all_changes, assert_same, creator, fill, heartbeat, number, post};

const CUTS: u64 = 100;
/// A change is about 200 bytes, so most cuts are inside of one.
const CUT_BYTES_MAX: u64 = 10_000;
const LONGEST: Duration = Duration::from_secs(60);

/// Reads one connection to its end; ids must rise.
fn read_on(
    api: &ApiClient,
    last_id: Option<u64>,
    seen: &mut Vec<Value>,
    until: Option<u64>,
) -> Result<Option<u64>, ClientError> {
    let mut stream = api.open_changes(&[("since", "0")], last_id, LONGEST)?;
    while let Some(event) = stream.next_event::<Value>()? {
        match event {
            ChangeEvent::Change(change) => {
                let last = seen.last().map_or(0, number);
                assert!(number(&change) > last, "{last} and then {change}");
                seen.push(change);
            }
            ChangeEvent::CaughtUp { next } if until.is_some_and(|until| next >= until) => break,
            ChangeEvent::CaughtUp { .. } => {}
            ChangeEvent::Reset { next } => panic!("reset to {next}"),
        }
    }
    Ok(stream.last_id())
}

#[test]
fn a_reader_cut_at_a_hundred_places_gets_each_change_once() {
    let seed = std::env::var("RUNSTONE_CHAOS_SEED").map_or_else(
        |_| {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
            now.as_micros() as u64
        },
        |text| text.parse().unwrap(),
    );
    eprintln!("cuts: RUNSTONE_CHAOS_SEED={seed}");
    let mut random = Random::new(seed);
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fill(&data, 4, 1_500);
    let server = Server::start(&data, &folder.path().join("home")).unwrap();
    let api = ApiClient::from_environment(Some(server.url())).unwrap();
    let is_enough = AtomicBool::new(false);
    let mut seen = Vec::new();
    let mut last_id = None;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Changes go on while the reader is cut.
            let mut writer = creator("live", 99);
            while !is_enough.load(Ordering::Relaxed) {
                post(server.address(), heartbeat(&mut writer));
            }
        });
        let mut cuts = 0;
        while cuts < CUTS {
            let harm = Harm {
                cut_answers_after: vec![random.in_range(1..CUT_BYTES_MAX)],
                ..Harm::default()
            };
            let proxy = Proxy::start(server.address(), harm).unwrap();
            let through = ApiClient::from_environment(Some(&proxy.url())).unwrap();
            match read_on(&through, last_id, &mut seen, None) {
                Ok(id) => last_id = id,
                // Cut before there was an answer.
                Err(ClientError::Unavailable(_)) => {}
                Err(error) => panic!("seed {seed}, cut {cuts}: {error}"),
            }
            cuts += proxy.harmed();
        }
        is_enough.store(true, Ordering::Relaxed);
    });
    let wanted = all_changes(&api, 0);
    let newest = number(wanted.last().unwrap());
    read_on(&api, last_id, &mut seen, Some(newest)).unwrap();
    assert!(wanted.len() > 6_000);
    assert_same(&seen, &wanted);
}

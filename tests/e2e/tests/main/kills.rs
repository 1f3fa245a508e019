//! Seeded kills. After each the series must hold exactly what the killed process was told to
//! have logged: n = counter or counter + 1, nothing twice, values equal.
//!
//! `RUNSTONE_CHAOS_KILLS` is how many, `RUNSTONE_CHAOS_SEED` where to begin.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use runstone_e2e::child::{FORKED_THREAD, await_start, kill_pid};
use runstone_e2e::os_counters::FORKED_PID;
use runstone_e2e::proxy::{Harm, Proxy};
use runstone_e2e::random::Random;
use runstone_e2e::server::spawn_sync;

use crate::scene::{Home, NOWHERE, Scene, copy_folder};

/// One way to be killed: does its kills, verifies, and returns how many kills it did.
type Scenario = fn(&mut Home, &mut Random, &str) -> u64;

const SCENARIOS: [(&str, Scenario); 9] = [
    ("client while the server takes its points", client_online),
    ("client with no server", client_offline),
    (
        "client between send and acknowledgement",
        client_between_send_and_answer,
    ),
    ("parent and forked child", parent_and_fork),
    ("parent, its orphan lives on", orphan),
    ("deliverer of another's leftovers", deliverer),
    (
        "one of two deliverers with other frame sizes",
        two_deliverers,
    ),
    ("server during ingestion", server_only),
    ("server and client", server_and_client),
];

#[test]
fn every_returned_call_survives_kill_9_of_client_server_or_both() {
    let wanted: u64 = number_from_environment("RUNSTONE_CHAOS_KILLS").unwrap_or(64);
    let first_seed = number_from_environment("RUNSTONE_CHAOS_SEED").unwrap_or_else(|| {
        let now = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        now.as_secs() % 1_000_000 * 1_000
    });
    eprintln!("kills: {wanted}, first seed: {first_seed}");
    let mut home = Home::start();
    let (mut kills, mut points_rounds, mut seed) = (0, 0, first_seed);
    while kills < wanted {
        let index = usize::try_from(seed).unwrap_or(0) % SCENARIOS.len();
        let (name, scenario) = SCENARIOS[index];
        eprintln!("kill {kills}, seed {seed}: {name}");
        let mut random = Random::new(seed);
        let outcome = catch_unwind(AssertUnwindSafe(|| {
            scenario(&mut home, &mut random, &format!("run-{seed}"))
        }));
        match outcome {
            Ok(done) => kills += done,
            Err(panic) => {
                eprintln!("failed: {name}\nhint: CHAOS_SEED={seed} CHAOS_KILLS=1 make chaos");
                std::panic::resume_unwind(panic);
            }
        }
        points_rounds += 1;
        seed += 1;
    }
    eprintln!("{kills} kills in {points_rounds} rounds, nothing lost, nothing doubled");
    assert!(kills >= wanted);
}

fn number_from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

fn client_online(home: &mut Home, random: &mut Random, run: &str) -> u64 {
    let scene = Scene::new(run);
    let mut plan = scene.plan(home.url());
    plan.threads = random.in_range(1..4);
    plan.pause_micros = [0, 0, 50, 500][random.in_range(0..4) as usize];
    scene.track_and_kill(&plan, random.in_range(1_000..150_000));
    scene.deliver(home.url());
    scene.verify(&home.server, 0..plan.threads);
    1
}

fn client_offline(home: &mut Home, random: &mut Random, run: &str) -> u64 {
    let scene = Scene::new(run);
    let mut plan = scene.plan(NOWHERE);
    plan.threads = random.in_range(1..4);
    // Long enough for several rotations of segments in most rounds.
    scene.track_and_kill(&plan, random.in_range(1..150_000));
    scene.deliver(home.url());
    scene.verify(&home.server, 0..plan.threads);
    1
}

fn client_between_send_and_answer(home: &mut Home, random: &mut Random, run: &str) -> u64 {
    let scene = Scene::new(run);
    // The answers of the first connections are cut: applied there, not acknowledged here.
    let cuts = (0..40).map(|_| random.in_range(1..400)).collect();
    let harm = Harm {
        cut_answers_after: cuts,
        delay: Some(Duration::from_micros(random.in_range(1..3_000))),
        ..Harm::default()
    };
    let proxy = Proxy::start(home.server.address(), harm).unwrap();
    let mut plan = scene.plan(&proxy.url());
    plan.pause_micros = 100;
    scene.track_and_kill(&plan, random.in_range(5_000..150_000));
    scene.deliver(home.url());
    scene.verify(&home.server, 0..1);
    1
}

fn parent_and_fork(home: &mut Home, random: &mut Random, run: &str) -> u64 {
    let scene = Scene::new(run);
    let mut plan = scene.plan(if random.in_range(0..2) == 0 {
        home.url()
    } else {
        NOWHERE
    });
    plan.fork_after = Some(random.in_range(1..20_000));
    plan.pause_micros = 50;
    let mut child = scene.spawn(&plan);
    await_start(&mut child, &scene.counters).unwrap();
    let forked = await_fork(&scene);
    std::thread::sleep(Duration::from_micros(random.in_range(0..60_000)));
    child.kill().unwrap();
    child.wait().unwrap();
    kill_pid(forked).unwrap();
    scene.deliver(home.url());
    scene.verify(&home.server, [0, FORKED_THREAD]);
    2
}

fn orphan(home: &mut Home, random: &mut Random, run: &str) -> u64 {
    let scene = Scene::new(run);
    let mut plan = scene.plan(home.url());
    plan.fork_after = Some(random.in_range(1..20_000));
    plan.pause_micros = 200;
    let mut child = scene.spawn(&plan);
    await_start(&mut child, &scene.counters).unwrap();
    let forked = await_fork(&scene);
    child.kill().unwrap();
    child.wait().unwrap();
    // The orphan holds nothing of its parent's: the parent's leftovers are delivered beside it.
    scene.deliver(home.url());
    scene.verify(&home.server, [0]);
    std::thread::sleep(Duration::from_micros(random.in_range(0..60_000)));
    kill_pid(forked).unwrap();
    scene.deliver(home.url());
    scene.verify(&home.server, [0, FORKED_THREAD]);
    2
}

fn await_fork(scene: &Scene) -> u32 {
    loop {
        let pid = scene.counters.get(FORKED_PID);
        if pid != 0 && scene.counters.get(FORKED_THREAD as usize) > 0 {
            return u32::try_from(pid).unwrap();
        }
        std::thread::sleep(Duration::from_micros(200));
    }
}

fn deliverer(home: &mut Home, random: &mut Random, run: &str) -> u64 {
    let scene = Scene::new(run);
    let plan = scene.plan(NOWHERE);
    scene.track_and_kill(&plan, random.in_range(20_000..100_000));
    let frame_points = random.in_range(100..5_000);
    let mut kills = 1;
    for _ in 0..random.in_range(1..4) {
        let mut sync = spawn_sync(&scene.spool(), &scene.home(), home.url(), frame_points).unwrap();
        std::thread::sleep(Duration::from_micros(random.in_range(3_000..60_000)));
        drop(sync.kill());
        drop(sync.wait());
        kills += 1;
    }
    scene.deliver(home.url());
    scene.verify(&home.server, 0..1);
    kills
}

fn two_deliverers(home: &mut Home, random: &mut Random, run: &str) -> u64 {
    let scene = Scene::new(run);
    let plan = scene.plan(NOWHERE);
    scene.track_and_kill(&plan, random.in_range(10_000..80_000));
    let copy = scene.path().join("copy");
    copy_folder(&scene.spool(), &copy);
    let mut first = spawn_sync(&scene.spool(), &scene.home(), home.url(), 1_000).unwrap();
    let mut second = spawn_sync(&copy, &scene.home(), home.url(), 1_700).unwrap();
    let kill_second = random.in_range(0..2) == 1;
    if kill_second {
        std::thread::sleep(Duration::from_micros(random.in_range(3_000..60_000)));
        drop(second.kill());
    }
    assert!(first.wait().unwrap().success());
    let second = second.wait().unwrap();
    assert!(kill_second || second.success());
    scene.verify(&home.server, 0..1);
    runstone_e2e::server::sync(&copy, &scene.home(), home.url(), 333).unwrap();
    scene.verify(&home.server, 0..1);
    1 + u64::from(kill_second)
}

fn server_only(home: &mut Home, random: &mut Random, run: &str) -> u64 {
    let scene = Scene::new(run);
    let mut plan = scene.plan(home.url());
    plan.points = random.in_range(20_000..200_000);
    plan.pause_micros = 300;
    let mut child = scene.spawn(&plan);
    await_start(&mut child, &scene.counters).unwrap();
    let mut kills = 0;
    for _ in 0..random.in_range(1..4) {
        std::thread::sleep(Duration::from_micros(random.in_range(1_000..80_000)));
        home.server.kill().unwrap();
        kills += 1;
        std::thread::sleep(Duration::from_micros(random.in_range(0..30_000)));
        home.server.start_again().unwrap();
    }
    assert!(
        child.wait().unwrap().success(),
        "the user's exit code changed"
    );
    scene.deliver(home.url());
    assert_eq!(scene.counters.get(0), plan.points);
    assert_eq!(scene.verify(&home.server, 0..1), plan.points);
    kills
}

fn server_and_client(home: &mut Home, random: &mut Random, run: &str) -> u64 {
    let scene = Scene::new(run);
    let mut plan = scene.plan(home.url());
    plan.threads = random.in_range(1..3);
    plan.pause_micros = 100;
    let mut child = scene.spawn(&plan);
    await_start(&mut child, &scene.counters).unwrap();
    std::thread::sleep(Duration::from_micros(random.in_range(1_000..100_000)));
    if random.in_range(0..2) == 0 {
        home.server.kill().unwrap();
        child.kill().unwrap();
    } else {
        child.kill().unwrap();
        home.server.kill().unwrap();
    }
    child.wait().unwrap();
    home.server.start_again().unwrap();
    scene.deliver(home.url());
    scene.verify(&home.server, 0..plan.threads);
    2
}

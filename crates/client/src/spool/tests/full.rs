use super::*;

/// Fills a writer with points until there is no room, and the keeper, who may hold the last bytes
/// for a moment, finds none either; returns how many were written and how many dropped.
fn fill(writer: &SpoolWriter) -> (u64, u64) {
    let (mut written, mut dropped) = (0, 0);
    loop {
        while writer.push_point(7, written as f64, 0, written) {
            written += 1;
            assert!(written < 10_000_000, "it never gets full");
        }
        dropped += 1;
        if !writer.wait_for_room(Duration::from_millis(1500)) {
            return (written, dropped);
        }
    }
}

#[test]
fn at_the_bound_points_are_dropped_and_counted_and_operations_use_the_reserve() {
    for mode in [SpoolMode::Mmap, SpoolMode::Pwrite, SpoolMode::Memory] {
        let fixture = Fixture::new();
        let mut options = fixture.options(mode);
        options.bound_bytes = Some(1 << 20);
        let writer = SpoolWriter::open(&options, fresh_writer()).unwrap();
        let mut reader = SpoolReader::live(&writer);
        writer.push_operation(&[1; 10], true).unwrap();
        wait_until("the reserve", || writer.store.line.lock().reserve.is_some());
        let (written, dropped) = fill(&writer);
        assert!(writer.is_full());
        assert!(written > 20_000, "{written}");
        for _ in 0..9 {
            assert!(!writer.push_point(7, 0.0, 0, 0));
        }
        assert!(!writer.push_point_epoch(8, 0.0, 0, 0, 0.0));
        assert!(!writer.try_push_point(8, 0.0, 0, 0, None));
        for _ in 0..20 {
            writer.push_operation(&[2; 1000], false).unwrap();
        }
        assert!(writer.push_operation(&[3; 100_000], false).is_err());
        let counters = writer.counters();
        let dropped = dropped + 9;
        assert_eq!(counters.dropped_by_series, vec![(7, dropped), (8, 1)]);
        assert_eq!(counters.dropped, dropped + 1);
        assert_eq!(counters.logged, written + dropped + 1);
        let heard = hear(&mut reader);
        assert_eq!(heard.rows.len() as u64, written);
        assert_eq!(heard.operations.len(), 21);
        assert_eq!(heard.lost, vec![]);
        // What is acknowledged makes room.
        let (slot, chain) = reader.position();
        reader.release(slot, chain).unwrap();
        wait_until("room", || !writer.is_full());
        assert!(writer.push_point(7, -1.0, 0, 0));
        writer.push_operation(&[4; 10], false).unwrap();
        let heard = hear(&mut reader);
        assert_eq!((heard.rows.len(), heard.operations.len()), (1, 1));
        assert_eq!(reader.position().0, writer.next_slot());
    }
}

#[test]
fn the_smallest_bound_leaves_room_for_the_end_of_the_run() {
    for mode in [SpoolMode::Mmap, SpoolMode::Pwrite, SpoolMode::Memory] {
        let fixture = Fixture::new();
        let mut options = fixture.options(mode);
        // One segment, and nothing else.
        options.bound_bytes = Some(70_000);
        let writer = SpoolWriter::open(&options, fresh_writer()).unwrap();
        let mut reader = SpoolReader::live(&writer);
        writer.push_operation(&[1; 100], true).unwrap();
        wait_until("the reserve", || writer.store.line.lock().reserve.is_some());
        let (written, _) = fill(&writer);
        assert!(written > 1_500, "{written}");
        for _ in 0..20 {
            writer.push_operation(&[2; 1000], false).unwrap();
        }
        let heard = hear(&mut reader);
        assert_eq!(
            (heard.rows.len() as u64, heard.operations.len()),
            (written, 21)
        );
    }
}

#[test]
fn on_full_wait_waits_for_room() {
    let fixture = Fixture::new();
    let mut options = fixture.options(SpoolMode::Mmap);
    options.bound_bytes = Some(1 << 20);
    options.on_full = OnFull::Wait;
    let writer = SpoolWriter::open(&options, fresh_writer()).unwrap();
    let mut reader = SpoolReader::live(&writer);
    let total = 100_000;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for step in 0..total {
                assert!(writer.push_point(1, f64::from(step), 0, 0));
            }
        });
        let mut rows = 0;
        while rows < total as usize {
            rows += hear(&mut reader).rows.len();
            let (slot, chain) = reader.position();
            reader.release(slot, chain).unwrap();
        }
    });
    assert_eq!(writer.counters().dropped, 0);
}

/// Mounts a tmpfs for this test in a mount namespace of its own: run in a child process.
#[test]
fn a_full_disk_drops_and_counts_and_room_is_found_again() {
    let Some(root) = super::process::child_argument("full_disk") else {
        if !super::process::can_mount() {
            return;
        }
        for mode in ["mmap", "pwrite"] {
            let fixture = Fixture::new();
            let status = super::process::run_child(
                "full::a_full_disk_drops_and_counts_and_room_is_found_again",
                "full_disk",
                &fixture.folder.path().join(mode),
                &["unshare", "-m"],
            );
            assert!(status.success());
        }
        return;
    };
    let mode = SpoolMode::from_text(root.file_name().unwrap().to_str().unwrap()).unwrap();
    std::fs::create_dir_all(&root).unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=1m", "none"])
        .arg(&root)
        .status()
        .unwrap();
    assert!(mounted.success());
    let mut options = SpoolOptions::new(&root, "host", "run", "local");
    options.mode = Some(mode);
    options.bound_bytes = Some(1 << 30);
    options.strict = true;
    let writer = SpoolWriter::open(&options, fresh_writer()).unwrap();
    let mut reader = SpoolReader::live(&writer);
    writer.push_operation(&[1; 100], true).unwrap();
    wait_until("the reserve", || writer.store.line.lock().reserve.is_some());
    let (written, dropped) = fill(&writer);
    assert!(written > 10_000, "{written}");
    // Another takes what is left; nothing that was allocated is lost by it.
    let filler = root.join("filler");
    let _ = std::fs::write(&filler, vec![1; 1 << 20]);
    for _ in 0..1000 {
        assert!(!writer.push_point(7, 0.0, 0, 0));
    }
    writer.push_operation(&[2; 1000], true).unwrap();
    writer.sync().unwrap();
    assert_eq!(writer.counters().dropped, 1000 + dropped);
    assert!(writer.reason_full().contains("full"));
    let heard = hear(&mut reader);
    assert_eq!(heard.rows.len() as u64, written);
    assert_eq!(heard.operations.len(), 2);
    assert_eq!(writer.declarations().unwrap().len(), 2);
    std::fs::remove_file(&filler).unwrap();
    let (slot, chain) = reader.position();
    reader.release(slot, chain).unwrap();
    wait_until("room", || !writer.is_full());
    assert!(writer.push_point(7, 5.0, 0, 0));
    assert_eq!(hear(&mut reader).rows.len(), 1);
}

#[test]
fn a_limit_for_file_sizes_is_an_error_and_no_signal() {
    let Some(root) = super::process::child_argument("file_limit") else {
        let fixture = Fixture::new();
        let status = super::process::run_child(
            "full::a_limit_for_file_sizes_is_an_error_and_no_signal",
            "file_limit",
            fixture.folder.path(),
            &["prlimit", "--fsize=100000"],
        );
        assert!(status.success(), "{status}");
        return;
    };
    let options = SpoolOptions::new(&root, "host", "run", "local");
    let writer = SpoolWriter::open(&options, fresh_writer()).unwrap();
    assert_eq!(writer.mode(), SpoolMode::Mmap, "{:?}", writer.trouble());
    let mut options = options;
    options.bound_bytes = Some(4 << 20);
    // Segments of 64 KiB still fit below the limit.
    for step in 0..20_000 {
        assert!(writer.push_point(1, f64::from(step), 0, 0));
    }
    for byte in 0..3000_u32 {
        // The declarations grow past the limit and wait in memory.
        writer
            .push_operation(&[(byte % 250) as u8 + 1; 50], true)
            .ok();
    }
    assert!(writer.declarations().unwrap().len() >= 2900);
}

#[test]
fn an_unusable_folder_is_memory_with_a_reason_or_an_error_when_strict() {
    let fixture = Fixture::new();
    let file = fixture.folder.path().join("file");
    std::fs::write(&file, b"").unwrap();
    for root in [file.as_path(), std::path::Path::new("/proc/spool")] {
        let mut options = SpoolOptions::new(root, "host", "run", "local");
        let writer = SpoolWriter::open(&options, fresh_writer()).unwrap();
        assert_eq!(writer.mode(), SpoolMode::Memory);
        assert!(writer.trouble().unwrap().to_string().contains("hint: "));
        assert!(writer.folder().is_none());
        let mut reader = SpoolReader::live(&writer);
        writer.push_operation(&[1; 40], true).unwrap();
        for step in 0..100_000 {
            assert!(writer.push_point(1, f64::from(step), 0, 0));
        }
        assert_eq!(writer.declarations().unwrap().len(), 1);
        assert_eq!(hear(&mut reader).rows.len(), 100_000);
        let (slot, chain) = reader.position();
        reader.release(slot, chain).unwrap();
        assert!(writer.remove().unwrap());

        options.fallback_root = Some(fixture.folder.path().to_path_buf());
        let writer = SpoolWriter::open(&options, fresh_writer()).unwrap();
        assert_ne!(writer.mode(), SpoolMode::Memory);
        assert!(writer.trouble().is_some());
        options.strict = true;
        assert!(matches!(
            SpoolWriter::open(&options, fresh_writer()),
            Err(SpoolError::Unusable { .. })
        ));
    }
}

#[test]
fn an_operation_too_long_for_a_record_is_refused_and_a_long_one_is_not() {
    let fixture = Fixture::new();
    let writer = fixture.open(SpoolMode::Mmap);
    let mut reader = SpoolReader::live(&writer);
    assert!(matches!(
        writer.push_operation(&vec![0; 1 << 24], false),
        Err(SpoolError::TooLarge { .. })
    ));
    let long: Vec<u8> = (0..(1 << 24) - 1).map(|byte: u32| byte as u8).collect();
    writer.push_operation(&long, false).unwrap();
    writer.push_point(1, 0.0, 0, 0);
    let heard = hear(&mut reader);
    assert_eq!(heard.operations, vec![(long, false)]);
    assert_eq!(heard.rows.len(), 1);
}

//! The committed code is what the proto file generates. `UPDATE_GENERATED=1` writes it anew.

use std::path::Path;

use prost_build::Config;

#[test]
fn generated_code_is_fresh() {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let descriptors = protox::compile(
        [manifest.join("proto/frame.proto")],
        [manifest.join("proto")],
    )
    .unwrap();
    let out = tempfile::tempdir().unwrap();
    Config::new()
        .bytes(["."])
        .enable_type_names()
        .out_dir(out.path())
        .compile_fds(descriptors)
        .unwrap();
    let made = std::fs::read_to_string(out.path().join("runstone.frame.v1.rs")).unwrap();
    let committed_path = manifest.join("src/generated/frame_v1.rs");
    if std::env::var_os("UPDATE_GENERATED").is_some() {
        std::fs::write(&committed_path, &made).unwrap();
    }
    let committed = std::fs::read_to_string(&committed_path).unwrap_or_default();
    assert!(
        made == committed,
        "src/generated/frame_v1.rs is not what proto/frame.proto generates\n\
         hint: UPDATE_GENERATED=1 cargo test -p runstone-wire generated_code_is_fresh"
    );
}

use super::*;

#[test]
fn rows_are_split_as_the_file_format_says() {
    assert_eq!(split_row(100), (100, 0));
    assert_eq!(split_row(LOCAL_BYTES_MAX), (4_061, 0));
    // The first byte too many moves all but the least to pages of its own.
    assert_eq!(split_row(4_062), (489, 1));
    assert_eq!(split_row(489 + 4_092), (489, 1));
    assert_eq!(split_row(489 + 4_092 + 10), (499, 1));
    assert_eq!(split_row(1 << 20).1, ((1 << 20) - 489) / 4_092);
}

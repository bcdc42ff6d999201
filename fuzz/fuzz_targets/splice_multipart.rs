#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| tower_multistatus_fuzz::run("splice_multipart", input));

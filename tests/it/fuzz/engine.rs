//! Runs a target on each file of its corpus, and on mutations of them: pieces are taken out, copied, exchanged between files,
//! and replaced by words of the corpus and by unexpected bytes.
//!
//! `cargo test` makes the same few hundred inputs each time. With `LVSCTL_FUZZ_SECONDS` each target gets other inputs
//! for so long, and its memory is limited: `make fuzz`.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{RngSeed, TestError, TestRunner};

use crate::support::cpu;

/// Inputs of a target without a time.
const CASES: u32 = 150;

/// The most CPU time of one input, unoptimized.
const MOST: Duration = Duration::from_secs(20);

/// One that takes longer ends the program, and is kept.
const HANGS: Duration = Duration::from_secs(120);

/// The most memory of the program while a target runs, in KiB.
const MEMORY: u64 = 256 * 1024;

/// What no corpus has.
const ODD: &[&[u8]] = &[
    b"",
    b"\0",
    b"\n",
    b"\r\n",
    b"\n\n",
    b" ",
    b"\t",
    b"'",
    b"\"",
    b"\\",
    b"{",
    b"}",
    b"[",
    b"]",
    b"(",
    b")",
    b"<",
    b">",
    b":",
    b"=",
    b"@",
    b"%",
    b"$",
    b"`",
    b"*",
    b"!",
    b"#",
    b"-",
    b"/",
    b"..",
    b"-1",
    b"0",
    b"1",
    b"65536",
    b"4294967296",
    b"18446744073709551616",
    b"1e999",
    b"0x",
    b"NaN",
    b"true",
    b"null",
    b"::",
    b"0.0.0.0/0",
    b"255.255.255.255",
    b"fe80::1%eth0",
    "é".as_bytes(),
    "😀".as_bytes(),
    "\u{feff}".as_bytes(),
    "\u{2028}".as_bytes(),
    "\u{202e}".as_bytes(),
    b"\x1b[2J",
    b"\xff",
    b"\xc3",
];

#[derive(Debug, Clone)]
enum Edit {
    Put(Index, Index),
    Odd(Index, Index),
    Cut(Index, usize),
    End(Index),
    Flip(Index, u8),
    Copy(Index, usize, Index, usize),
    Other(Index, Index, Index, usize),
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<Index>;
    prop_oneof![
        4 => (at(), at()).prop_map(|(at, word)| Edit::Put(at, word)),
        4 => (at(), at()).prop_map(|(at, word)| Edit::Odd(at, word)),
        3 => (at(), 1..64_usize).prop_map(|(at, length)| Edit::Cut(at, length)),
        1 => at().prop_map(Edit::End),
        2 => (at(), any::<u8>()).prop_map(|(at, bits)| Edit::Flip(at, bits)),
        2 => (at(), 1..256_usize, at(), 1..40_usize)
            .prop_map(|(from, length, to, times)| Edit::Copy(from, length, to, times)),
        2 => (at(), at(), at(), 1..512_usize)
            .prop_map(|(file, from, to, length)| Edit::Other(file, from, to, length)),
    ]
}

/// A target's corpus, with its words.
struct Corpus {
    files: Vec<Vec<u8>>,
    words: Vec<Vec<u8>>,
}

impl Corpus {
    fn new(files: Vec<Vec<u8>>) -> Self {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:".contains(&byte);
        let words: BTreeSet<&[u8]> = files
            .iter()
            .flat_map(|file| file.split(|byte| !is_word(*byte)))
            .filter(|word| !word.is_empty() && word.len() < 40)
            .collect();
        let words = words.into_iter().map(<[u8]>::to_vec).collect();
        Self { files, words }
    }

    fn mutated(&self, file: Index, edits: &[Edit]) -> Vec<u8> {
        let mut bytes = file.get(&self.files).clone();
        for edit in edits {
            let all = bytes.len();
            let place = |at: &Index| at.index(all + 1);
            match edit {
                Edit::Put(at, word) => put(
                    &mut bytes,
                    place(at),
                    word.get::<Vec<u8>>(&self.words).as_slice(),
                ),
                Edit::Odd(at, word) => put(&mut bytes, place(at), word.get::<&[u8]>(ODD)),
                Edit::Cut(at, length) => {
                    let from = place(at);
                    let end = (from + length).min(bytes.len());
                    bytes.drain(from..end);
                }
                Edit::End(at) => bytes.truncate(place(at)),
                Edit::Flip(at, bits) => {
                    let at = place(at);
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= bits;
                    }
                }
                Edit::Copy(from, length, to, times) => {
                    let (from, to) = (place(from), place(to));
                    let end = (from + length).min(bytes.len());
                    let piece = bytes[from..end].repeat(*times);
                    put(&mut bytes, to, &piece);
                }
                Edit::Other(file, from, to, length) => {
                    let other = file.get(&self.files);
                    let from = from.index(other.len() + 1);
                    let end = (from + length).min(other.len());
                    let to = place(to);
                    put(&mut bytes, to, &other[from..end]);
                }
            }
        }
        bytes
    }
}

fn put(bytes: &mut Vec<u8>, at: usize, piece: &[u8]) {
    bytes.splice(at..at, piece.iter().copied());
}

/// Files of folders, in the order of their names.
pub(crate) fn files(folders: &[&str], end: &str) -> Vec<Vec<u8>> {
    let mut paths: Vec<PathBuf> = folders
        .iter()
        .flat_map(|folder| {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
            let entries =
                fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
            entries.map(|entry| entry.expect("an entry").path())
        })
        .filter(|path| path.is_file() && path.to_string_lossy().ends_with(end))
        .collect();
    paths.sort();
    let read = |path: &PathBuf| fs::read(path).expect("reads");
    paths.iter().map(read).collect()
}

/// What is run now, and since when.
type Now = Arc<Mutex<Option<(Instant, Vec<u8>)>>>;

fn set(now: &Now, value: Option<(Instant, Vec<u8>)>) {
    *now.lock().unwrap_or_else(PoisonError::into_inner) = value;
}

/// Ends the program when an input hangs; nothing else could.
fn guard(name: &'static str, now: &Now) {
    let now = Arc::downgrade(now);
    std::thread::spawn(move || {
        while let Some(now) = now.upgrade() {
            let guard = now.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((since, input)) = &*guard
                && since.elapsed() > HANGS
            {
                let path = kept(name, input);
                eprintln!("{name} hangs on the input {}", path.display());
                std::process::abort();
            }
            drop(guard);
            drop(now);
            std::thread::sleep(Duration::from_secs(1));
        }
    });
}

fn kept(name: &str, input: &[u8]) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz");
    let path = folder.join(name);
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(&path, input).expect("writes");
    path
}

/// Runs a target. `test` panics or takes long where an input shows a fault.
pub(crate) fn target(name: &'static str, files: Vec<Vec<u8>>, test: impl Fn(&[u8])) {
    assert!(!files.is_empty(), "{name} has no corpus");
    let now = Now::default();
    guard(name, &now);
    let run = |input: &[u8]| {
        set(&now, Some((Instant::now(), input.to_vec())));
        let start = cpu::of_thread();
        test(input);
        let used = cpu::of_thread() - start;
        set(&now, None);
        assert!(used < MOST, "used {used:?} of CPU time");
    };
    for file in &files {
        run(file);
    }
    let corpus = Corpus::new(files);
    let seconds = std::env::var("LVSCTL_FUZZ_SECONDS").ok();
    let seconds: Option<u64> = seconds.map(|text| text.parse().expect("a number of seconds"));
    let end = seconds.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    // The highest use of memory counts from now on (proc(5)).
    let _ = fs::write("/proc/self/clear_refs", "5");
    let mut inputs = 0;
    loop {
        let mut config = ProptestConfig {
            cases: CASES,
            failure_persistence: None,
            max_shrink_time: 60_000,
            ..ProptestConfig::default()
        };
        if config.rng_seed == RngSeed::Random && end.is_none() {
            config.rng_seed = RngSeed::Fixed(1);
        }
        let strategy = (any::<Index>(), prop::collection::vec(edit(), 1..12));
        let result = TestRunner::new(config).run(&strategy, |(file, edits)| {
            run(&corpus.mutated(file, &edits));
            Ok(())
        });
        if let Err(TestError::Fail(why, (file, edits))) = result {
            let input = corpus.mutated(file, &edits);
            let path = kept(name, &input);
            panic!(
                "{name}: {why}\nthe input is in {}:\n{}",
                path.display(),
                input.escape_ascii()
            );
        }
        inputs += CASES;
        if end.is_none_or(|end| Instant::now() >= end) {
            break;
        }
    }
    if end.is_some() {
        let peak = peak();
        eprintln!("{name}: {inputs} inputs, at most {} MiB", peak / 1024);
        assert!(peak < MEMORY, "{name} used {peak} KiB");
    }
}

/// The highest use of memory of this program, in KiB.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").expect("proc(5)");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|n| n.parse().ok())
        .expect("a number of KiB")
}

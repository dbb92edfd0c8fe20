//! The files of the history: one JSON line per run, in the state folder of the user (XDG Base Directory Specification).
//! The newest file is limited; a few older ones are kept.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::history::Record;

const NAME: &str = "history.jsonl";

/// The size above which the file is rotated.
const LARGEST: u64 = 4 * 1024 * 1024;

/// Older files that are kept.
const OLDER: usize = 4;

/// The longest line. The changes of a longer record are counted, not listed.
const LONGEST: usize = 1024 * 1024;

pub(super) fn folder() -> Option<PathBuf> {
    let given = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from);
    // A relative path is to be ignored, as the specification says.
    let state = given
        .filter(|path| path.is_absolute())
        .or_else(|| Some(std::env::home_dir()?.join(".local/state")))?;
    Some(state.join("lvsctl"))
}

fn older(folder: &Path, number: usize) -> PathBuf {
    folder.join(format!("{NAME}.{number}"))
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// Waits for another run that writes.
fn locked(folder: &Path) -> io::Result<File> {
    let path = folder.join("history.lock");
    let lock = options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    lock.lock()?;
    Ok(lock)
}

fn line(record: &Record) -> io::Result<String> {
    let line = serde_json::to_string(record)?;
    if line.len() < LONGEST {
        return Ok(line);
    }
    let mut record = record.clone();
    for host in &mut record.hosts {
        host.more += host.changes.len();
        host.changes.clear();
    }
    Ok(serde_json::to_string(&record)?)
}

pub(super) fn append(folder: &Path, record: &Record) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let _lock = locked(folder)?;
    let mut text = line(record)?;
    text.push('\n');
    let path = folder.join(NAME);
    let length = fs::metadata(&path).map_or(0, |found| found.len());
    if length > 0 && length + text.len() as u64 > LARGEST {
        rotate(folder)?;
    }
    let mut file = options().create(true).read(true).append(true).open(&path)?;
    if !ends_a_line(&mut file)? {
        text.insert(0, '\n');
    }
    file.write_all(text.as_bytes())?;
    file.sync_data()
}

/// Whether the file ends with a complete line; a full disk may have cut one off.
fn ends_a_line(file: &mut File) -> io::Result<bool> {
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    file.seek(SeekFrom::End(-1))?;
    let mut last = [0];
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}

fn rotate(folder: &Path) -> io::Result<()> {
    for number in (1..OLDER).rev() {
        match fs::rename(older(folder, number), older(folder, number + 1)) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
    }
    fs::rename(folder.join(NAME), older(folder, 1))
}

/// All records, the oldest first, and the number of invalid lines.
pub(super) fn read(folder: &Path) -> io::Result<(Vec<Record>, usize)> {
    let mut records = Vec::new();
    let mut unreadable = 0;
    let names = (1..=OLDER).rev().map(|number| older(folder, number));
    for path in names.chain([folder.join(NAME)]) {
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(e),
        };
        // A file that something else wrote is not read whole.
        let mut lines = BufReader::new(file.take(2 * LARGEST));
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            match serde_json::from_slice(&line) {
                Ok(record) => records.push(record),
                Err(_) if line.trim_ascii().is_empty() => {}
                Err(_) => unreadable += 1,
            }
            line.clear();
        }
    }
    Ok((records, unreadable))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::history::{HostRecord, Outcome, Recorded};
    use crate::resource::Action;

    fn record(time: u64, changes: usize, key: &str) -> Record {
        let change = Recorded {
            action: Action::Update,
            kind: "sysctl".into(),
            key: key.into(),
        };
        Record {
            format: 1,
            time,
            seconds: 0.0,
            command: "apply".into(),
            cluster: "web".into(),
            inventory: "web.yaml".into(),
            revision: None,
            by: "ann@desk".into(),
            lvsctl: "0".into(),
            limit: Vec::new(),
            plan: None,
            result: "done".into(),
            hosts: vec![HostRecord {
                host: "lb1".into(),
                outcome: Outcome::Changed,
                steps: 1,
                done: Some(1),
                kind: None,
                changes: vec![change; changes],
                more: 0,
            }],
        }
    }

    fn times(folder: &Path) -> (Vec<u64>, usize) {
        let (records, unreadable) = read(folder).unwrap();
        (records.iter().map(|r| r.time).collect(), unreadable)
    }

    #[test]
    fn records_are_kept_in_their_order_for_the_user_alone() {
        let place = tempfile::tempdir().unwrap();
        let folder = place.path().join("a/lvsctl");
        assert_eq!(times(&folder), (Vec::new(), 0));
        for time in 1..=3 {
            append(&folder, &record(time, 1, "k")).unwrap();
        }
        assert_eq!(times(&folder), (vec![1, 2, 3], 0));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&folder), 0o700);
        assert_eq!(mode(&folder.join(NAME)), 0o600);
    }

    #[test]
    fn a_line_that_was_cut_off_costs_no_other() {
        let place = tempfile::tempdir().unwrap();
        append(place.path(), &record(1, 1, "k")).unwrap();
        let path = place.path().join(NAME);
        let mut text = fs::read(&path).unwrap();
        text.extend(b"{\"format\":1,\"ti");
        fs::write(&path, &text).unwrap();
        append(place.path(), &record(2, 1, "k")).unwrap();
        assert_eq!(times(place.path()), (vec![1, 2], 1));
        fs::write(&path, [b"\xff\xfe\n".as_slice(), b"[]\n"].concat()).unwrap();
        append(place.path(), &record(3, 1, "k")).unwrap();
        assert_eq!(times(place.path()), (vec![3], 2));
    }

    #[test]
    fn files_are_limited_in_size_and_number() {
        let place = tempfile::tempdir().unwrap();
        let long = "x".repeat(1000);
        for time in 0..60 {
            append(place.path(), &record(time, 700, &long)).unwrap();
        }
        let files: Vec<_> = fs::read_dir(place.path())
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(NAME))
            .collect();
        assert_eq!(files.len(), OLDER + 1);
        for file in files {
            assert!(file.metadata().unwrap().len() <= LARGEST);
        }
        let (times, unreadable) = times(place.path());
        assert_eq!((times.last(), unreadable), (Some(&59), 0));
        assert!(times.is_sorted() && times.len() < 60, "{times:?}");
        // One that is too long has no changes.
        append(place.path(), &record(60, 2000, &long)).unwrap();
        let (records, _) = read(place.path()).unwrap();
        let last = &records.last().unwrap().hosts[0];
        assert_eq!((last.changes.len(), last.more), (0, 2000));
    }
}

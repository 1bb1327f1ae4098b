//! What is in the files: folders, archives and compressed files are taken apart, and each document (a JSON
//! file, or some lines of an NDJSON file) is handed on in an order that is always the same.

use crate::failure::{Exit, Failure};
use flate2::read::MultiGzDecoder;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Some resources that came together.
pub(crate) struct Document {
    /// `folder/file.zip!member.json`.
    pub(crate) origin: String,
    /// The text of each, with its line in the file; 0 for a whole file.
    pub(crate) texts: Vec<(u64, Vec<u8>)>,
}

/// Lines of an NDJSON file that are handed on together.
const LINES: usize = 200;

/// A document that is larger, unpacked, is a mistake or an attack.
const LARGEST: u64 = 512 << 20;
/// The same of a line.
const LONGEST: u64 = 64 << 20;
/// Members of one archive.
const MEMBERS: usize = 1_000_000;

/// How a file is read, by the end of its name.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Format {
    Json,
    Lines,
    Zip,
    Tar,
    Unknown,
}

/// (format, compressed with gzip)
fn format_of(name: &str) -> (Format, bool) {
    let name = name.to_lowercase();
    if name.ends_with(".tgz") {
        return (Format::Tar, true);
    }
    let (name, gzip) = match name.strip_suffix(".gz") {
        Some(inner) => (inner.to_owned(), true),
        None => (name, false),
    };
    let format = match name.rsplit_once('.').map(|(_, end)| end) {
        Some("json") => Format::Json,
        Some("ndjson" | "jsonl") => Format::Lines,
        Some("zip") => Format::Zip,
        Some("tar") => Format::Tar,
        _ => Format::Unknown,
    };
    (format, gzip)
}

/// The files that paths mean, in order, with their size.
pub(crate) fn files(paths: &[PathBuf]) -> Result<Vec<(PathBuf, u64)>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        let about = std::fs::metadata(path).map_err(Failure::file("read", path))?;
        if about.is_dir() {
            walk(path, &mut files)?;
        } else if format_of(&path.to_string_lossy()).0 == Format::Unknown {
            let message = format!(
                "{}: the name must end in .json, .ndjson, .jsonl, .zip, .tar, .tgz, or one of these with .gz",
                path.display()
            );
            return Err(Failure::new(Exit::Usage, message));
        } else {
            files.push((path.clone(), about.len()));
        }
    }
    Ok(files)
}

fn walk(folder: &Path, files: &mut Vec<(PathBuf, u64)>) -> Result<(), Failure> {
    let entries = std::fs::read_dir(folder).map_err(Failure::file("read", folder))?;
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            walk(&path, files)?;
        } else if format_of(&path.to_string_lossy()).0 != Format::Unknown {
            // What else lies in a folder (a README, a licence) is not ours to judge.
            let about = std::fs::metadata(&path).map_err(Failure::file("read", &path))?;
            files.push((path, about.len()));
        }
    }
    Ok(())
}

/// Counts what has been read of the files, for the progress.
struct Counted<R> {
    inner: R,
    count: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let got = self.inner.read(buffer)?;
        self.count.fetch_add(got as u64, Relaxed);
        Ok(got)
    }
}

/// Takes the documents of one file to `take`, which says whether to go on. `Ok(false)`: it did not want more.
pub(crate) fn read(
    path: &Path,
    count: &Arc<AtomicU64>,
    take: &mut dyn FnMut(Document) -> bool,
) -> Result<bool, Failure> {
    let name = path.display().to_string();
    let file = File::open(path).map_err(Failure::file("read", path))?;
    let (format, gzip) = format_of(&name);
    let broken = |error: std::io::Error| Failure::new(Exit::Data, format!("{name} cannot be read: {error}"));
    if format == Format::Zip && !gzip {
        let size = file.metadata().map_or(0, |it| it.len());
        let done = zip_members(&name, file, take).map_err(broken);
        count.fetch_add(size, Relaxed);
        return done;
    }
    let counted = BufReader::with_capacity(256 * 1024, Counted { inner: file, count: count.clone() });
    let plain: Box<dyn Read> = if gzip { Box::new(MultiGzDecoder::new(counted)) } else { Box::new(counted) };
    match format {
        Format::Tar => tar_members(&name, plain, take),
        format => documents(&name, format, plain, take),
    }
    .map_err(broken)
}

fn documents(
    name: &str,
    format: Format,
    text: Box<dyn Read + '_>,
    take: &mut dyn FnMut(Document) -> bool,
) -> std::io::Result<bool> {
    if format != Format::Lines {
        let mut whole = Vec::new();
        text.take(LARGEST + 1).read_to_end(&mut whole)?;
        within(whole.len(), LARGEST)?;
        return Ok(take(Document { origin: name.to_owned(), texts: vec![(0, whole)] }));
    }
    let mut reader = BufReader::with_capacity(256 * 1024, text);
    let mut texts = Vec::with_capacity(LINES);
    let mut number = 0;
    loop {
        let mut line = Vec::new();
        let ended = reader.by_ref().take(LONGEST + 1).read_until(b'\n', &mut line)? == 0;
        within(line.len(), LONGEST)?;
        number += 1;
        if line.iter().any(|byte| !byte.is_ascii_whitespace()) {
            texts.push((number, line));
        }
        if texts.len() == LINES || (ended && !texts.is_empty()) {
            let texts = std::mem::replace(&mut texts, Vec::with_capacity(LINES));
            if !take(Document { origin: name.to_owned(), texts }) {
                return Ok(false);
            }
        }
        if ended {
            return Ok(true);
        }
    }
}

/// What is larger is not read on, however small it was packed.
fn within(length: usize, most: u64) -> std::io::Result<()> {
    match length as u64 > most {
        true => Err(std::io::Error::other(format!("it holds more than {} MB in one piece", most >> 20))),
        false => Ok(()),
    }
}

/// A member of an archive: a document, or one more layer of compression (no archives in archives).
fn member(
    archive: &str,
    member: &str,
    text: Box<dyn Read + '_>,
    take: &mut dyn FnMut(Document) -> bool,
) -> std::io::Result<bool> {
    let (format, gzip) = format_of(member);
    if !matches!(format, Format::Json | Format::Lines) {
        return Ok(true);
    }
    let plain: Box<dyn Read + '_> = if gzip { Box::new(MultiGzDecoder::new(text)) } else { text };
    documents(&format!("{archive}!{member}"), format, plain, take)
}

fn tar_members(name: &str, text: Box<dyn Read>, take: &mut dyn FnMut(Document) -> bool) -> std::io::Result<bool> {
    let mut archive = tar::Archive::new(text);
    for (nth, entry) in archive.entries()?.enumerate() {
        let entry = entry?;
        if nth >= MEMBERS {
            return Err(std::io::Error::other(format!("it has more than {MEMBERS} members")));
        }
        let path = entry.path()?.display().to_string();
        if entry.header().entry_type().is_file() && !member(name, &path, Box::new(entry), take)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn zip_members(name: &str, file: File, take: &mut dyn FnMut(Document) -> bool) -> std::io::Result<bool> {
    let mut archive = zip::ZipArchive::new(BufReader::new(file))?;
    let mut names: Vec<String> = archive.file_names().map(str::to_owned).collect();
    names.sort();
    for path in names {
        let entry = archive.by_name(&path)?;
        if entry.is_file() && !member(name, &path, Box::new(entry), take)? {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn read_all(name: &str, bytes: &[u8]) -> Vec<(String, Vec<(u64, String)>)> {
        let folder =
            std::env::temp_dir().join(format!("continuo-source-{}-{}", std::process::id(), name.replace('.', "-")));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), bytes).unwrap();
        std::fs::write(folder.join("README.md"), "not a resource").unwrap();
        let mut seen = Vec::new();
        for (path, _) in files(std::slice::from_ref(&folder)).unwrap() {
            let count = Arc::new(AtomicU64::new(0));
            read(&path, &count, &mut |document| {
                let origin = document.origin.strip_prefix(&format!("{}/", folder.display())).unwrap().to_owned();
                let text = |(line, text): (u64, Vec<u8>)| (line, String::from_utf8(text).unwrap().trim().to_owned());
                seen.push((origin, document.texts.into_iter().map(text).collect()));
                true
            })
            .unwrap();
            assert_eq!(count.load(Relaxed), bytes.len() as u64, "the progress counts every byte");
        }
        std::fs::remove_dir_all(&folder).unwrap();
        seen
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(bytes).unwrap();
        out.finish().unwrap()
    }

    #[test]
    fn every_kind_of_file_gives_its_documents() {
        let lines = || vec![(1, "{1}".to_owned()), (3, "{2}".to_owned())];
        assert_eq!(read_all("a.json", b"{}"), [("a.json".into(), vec![(0, "{}".into())])]);
        assert_eq!(read_all("a.ndjson", b"{1}\n\n{2}"), [("a.ndjson".into(), lines())]);
        assert_eq!(read_all("a.ndjson.gz", &gzip(b"{1}\n\n{2}\n")), [("a.ndjson.gz".into(), lines())]);

        let mut tar = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(2);
        tar.append_data(&mut header, "in/b.json", &b"{}"[..]).unwrap();
        let tar = gzip(&tar.into_inner().unwrap());
        assert_eq!(read_all("a.tgz", &tar), [("a.tgz!in/b.json".into(), vec![(0, "{}".into())])]);

        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for name in ["c.json", "b.json", "notes.txt"] {
            zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(b"{}").unwrap();
        }
        let zip = zip.finish().unwrap().into_inner();
        let documents: Vec<String> = read_all("a.zip", &zip).into_iter().map(|it| it.0).collect();
        assert_eq!(documents, ["a.zip!b.json", "a.zip!c.json"]);
    }

    #[test]
    fn many_lines_come_in_parts() {
        let text = "{}\n".repeat(450);
        let sizes: Vec<usize> = read_all("m.ndjson", text.as_bytes()).iter().map(|it| it.1.len()).collect();
        assert_eq!(sizes, [200, 200, 50]);
    }

    #[test]
    fn a_file_we_cannot_read_is_refused_by_name() {
        let path = std::env::temp_dir().join(format!("continuo-{}.docx", std::process::id()));
        std::fs::write(&path, "x").unwrap();
        assert_eq!(files(std::slice::from_ref(&path)).err().unwrap().exit, Exit::Usage);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(files(&[PathBuf::from("/nowhere")]).err().unwrap().exit, Exit::NoInput);
    }

    /// Reads bytes under a name; what they gave, or why not.
    fn read_some(name: &str, bytes: &[u8]) -> Result<Vec<String>, String> {
        let folder = tempfolder();
        let path = folder.join(name);
        std::fs::write(&path, bytes).unwrap();
        let mut origins = Vec::new();
        let count = Arc::new(AtomicU64::new(0));
        let done = read(&path, &count, &mut |document| {
            let size: usize = document.texts.iter().map(|it| it.1.len()).sum();
            assert!(size as u64 <= LARGEST, "{name}");
            origins.push(document.origin);
            true
        });
        let left: Vec<_> = std::fs::read_dir(&folder).unwrap().flatten().map(|it| it.file_name()).collect();
        assert_eq!(left.len(), 1, "{name}: nothing is unpacked to disk");
        std::fs::remove_dir_all(&folder).unwrap();
        done.map(|_| origins).map_err(|failure| failure.message)
    }

    fn tempfolder() -> PathBuf {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Relaxed);
        let folder = std::env::temp_dir().join(format!("continuo-archive-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn tar_of(members: &[(tar::EntryType, &str, &[u8])]) -> Vec<u8> {
        let mut out = Vec::new();
        for (kind, name, bytes) in members {
            // Written by hand: the library refuses to write what attackers write.
            let mut header = tar::Header::new_gnu();
            let field = &mut header.as_old_mut().name;
            let length = name.len().min(field.len());
            field[..length].copy_from_slice(&name.as_bytes()[..length]);
            header.set_entry_type(*kind);
            header.set_size(bytes.len() as u64);
            if kind.is_symlink() || kind.is_hard_link() {
                header.set_link_name("/etc/passwd").unwrap();
            }
            header.set_cksum();
            out.extend_from_slice(header.as_bytes());
            out.extend_from_slice(bytes);
            out.resize(out.len().div_ceil(512) * 512, 0);
        }
        out.resize(out.len() + 1024, 0);
        out
    }

    fn zip_of(members: &[(&str, &[u8])]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for (name, bytes) in members {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(bytes).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    /// Archives made to harm (assurance: archives, packages and bulk files): names that lead elsewhere are only names,
    /// links and devices are no documents, archives in archives are not opened, and what is broken is refused.
    #[test]
    fn an_archive_made_to_harm_gives_documents_or_a_reason_and_writes_nothing() {
        use tar::EntryType;
        let mut count = 0;
        let mut check = |name: &str, bytes: &[u8], documents: Option<usize>| {
            let found = read_some(name, bytes);
            match documents {
                Some(expected) => assert_eq!(found.as_ref().map(Vec::len), Ok(expected), "{name}: {found:?}"),
                None => assert!(found.is_err(), "{name}: {found:?}"),
            }
            count += 1;
        };
        for (nth, name) in
            ["../../etc/x.json", "/etc/x.json", "..\\..\\x.json", "a/../../x.json", "C:\\x.json", "\u{202e}nosj.json"]
                .into_iter()
                .enumerate()
        {
            check(&format!("way{nth}.tar"), &tar_of(&[(EntryType::Regular, name, b"{}")]), Some(1));
            check(&format!("way{nth}.zip"), &zip_of(&[(name, b"{}")]), Some(1));
        }
        for (nth, kind) in [
            EntryType::Symlink,
            EntryType::Link,
            EntryType::Char,
            EntryType::Block,
            EntryType::Fifo,
            EntryType::Directory,
        ]
        .into_iter()
        .enumerate()
        {
            check(&format!("kind{nth}.tar"), &tar_of(&[(kind, "x.json", b"")]), Some(0));
        }
        let long = format!("{}.json", "n".repeat(90));
        check("long.tar", &tar_of(&[(EntryType::Regular, &long, b"{}")]), Some(1));
        check("long.zip", &zip_of(&[(&format!("{}.json", "n".repeat(60_000)), b"{}")]), Some(1));
        let twice = tar_of(&[(EntryType::Regular, "x.json", b"{}"), (EntryType::Regular, "x.json", b"{}")]);
        check("twice.tar", &twice, Some(2));
        check("nested.zip", &zip_of(&[("inner.zip", &zip_of(&[("x.json", b"{}")]))]), Some(0));
        check("nested.tgz", &gzip(&tar_of(&[(EntryType::Regular, "inner.tar.gz", &gzip(&twice))])), Some(0));
        check("other.zip", &zip_of(&[("x.exe", b"MZ"), ("y.sh", b"#!"), ("z.json", b"{}")]), Some(1));
        check("empty.zip", &zip_of(&[]), Some(0));
        check("empty.tar", &tar_of(&[]), Some(0));
        check("empty.tgz", &gzip(&tar_of(&[])), Some(0));
        check("members.ndjson.gz", &[gzip(b"{}\n"), gzip(b"{}\n")].concat(), Some(1));
        check("blank.ndjson", b"\n\n\n", Some(0));
        let good = zip_of(&[("x.json", &b"[]".repeat(400))]);
        for cut in [3, 40, good.len() / 2, good.len() - 1] {
            check(&format!("cut{cut}.zip"), &good[..cut], None);
        }
        let packed = gzip(&tar_of(&[(EntryType::Regular, "x.json", &b"{}".repeat(4_000))]));
        for cut in [1, 9, packed.len() / 2] {
            check(&format!("cut{cut}.tgz"), &packed[..cut], None);
        }
        for (name, bytes) in [
            ("lie.zip", &b"no zip at all"[..]),
            ("lie.tgz", b"no gzip at all"),
            ("lie.json.gz", b"PK\x03\x04"),
            ("head.tar", &[0xff; 512]),
        ] {
            check(name, bytes, None);
        }
        let mut claimed = tar_of(&[(EntryType::Regular, "x.json", b"{}")]);
        claimed[124..136].copy_from_slice(b"77777777777\0");
        check("claims-eight-gigabytes.tar", &claimed, None);
        // Seventy megabytes of one line, in seventy kilobytes.
        check("line.ndjson.gz", &gzip(&vec![b' '; 70 << 20]), None);
        assert!(count >= 40, "{count}");
    }
}

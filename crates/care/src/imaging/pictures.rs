//! One picture of a study, drawn by its archive (DICOM PS3.18, 8.3.5) and handed on. Whoever looks is known, may read the study,
//! and is in the audit log for each picture; the archive is told nothing of them. What comes back is taken for a picture by its
//! first bytes and not by what it is called, and never beyond a size, a time and so many at once.

use super::ImagingError;
use super::dicom::is_uid;
use super::listed::uid_of;
use super::look::archive_of;
use crate::act::Pen;
use crate::ask;
use bytes::Bytes;
use fhir::Id;
use std::time::Duration;
use tokio::sync::Semaphore;

const LARGEST: usize = 24 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(20);
/// The side of a small picture, in points.
const SMALL: u32 = 160;

/// Pictures that are on their way at the same time, of all who look.
static AT_ONCE: Semaphore = Semaphore::const_new(12);

/// How grey values become light (DICOM PS3.3, C.11.2): centre and width, in Hounsfield units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    pub key: &'static str,
    pub centre: i32,
    pub width: u32,
}

const CT: [Window; 6] = [
    Window { key: "brain", centre: 40, width: 80 },
    Window { key: "subdural", centre: 75, width: 215 },
    Window { key: "soft", centre: 50, width: 400 },
    Window { key: "liver", centre: 60, width: 160 },
    Window { key: "lung", centre: -600, width: 1_500 },
    Window { key: "bone", centre: 480, width: 2_500 },
];

/// The windows that are usual for a kind of images. Only values of computed tomography mean the same on every machine.
pub fn windows(kind: &str) -> &'static [Window] {
    if kind == "CT" { &CT } else { &[] }
}

/// Which picture, and how.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    pub series: &'a str,
    pub instance: &'a str,
    /// From 1.
    pub frame: u32,
    /// The key of one of [`windows`].
    pub window: Option<&'a str>,
    pub small: bool,
}

#[derive(Clone, Debug)]
pub struct Picture {
    pub content_type: &'static str,
    pub bytes: Bytes,
}

/// A picture of a study of a patient.
pub async fn picture(pen: &Pen<'_>, patient: &Id, study: &Id, wanted: Wanted<'_>) -> Result<Picture, ImagingError> {
    // Reading the study is what the audit log remembers, and what the rights decide.
    let (value, _) = ask::own(pen.store(), pen.caller, patient, "ImagingStudy", study).await?;
    let Wanted { series, instance, frame, window, small } = wanted;
    let archive = archive_of(pen, &value)?;
    let uid = uid_of(&value).filter(|it| is_uid(it) && is_uid(series) && is_uid(instance) && frame > 0);
    let uid = uid.ok_or(ImagingError::NotThere)?;
    let window = match window {
        Some(key) => Some(CT.iter().find(|it| it.key == key).ok_or(ImagingError::NotThere)?),
        None => None,
    };
    let plain = format!("studies/{uid}/series/{series}/instances/{instance}/frames/{frame}/rendered");
    let mut how: Vec<String> = Vec::new();
    how.extend(window.map(|it| format!("window={},{},linear", it.centre, it.width)));
    if small {
        how.push(format!("viewport={SMALL},{SMALL}"));
    }
    let path = if how.is_empty() { plain.clone() } else { format!("{plain}?{}", how.join("&")) };
    let egress = pen.organisation.surroundings.egress();
    let _turn = AT_ONCE.acquire().await.map_err(|_| ImagingError::Away)?;
    let mut answer = archive.rendered(egress, &path, LARGEST, PATIENCE).await?;
    // An archive that does not make small pictures makes large ones.
    if small && !matches!(answer.status, 200 | 401 | 403) {
        answer = archive.rendered(egress, &plain, LARGEST, PATIENCE).await?;
    }
    match answer.status {
        200 => drawn(answer.body).ok_or(ImagingError::Away),
        400 | 404 | 406 | 410 | 415 | 501 => Err(ImagingError::NotThere),
        _ => Err(ImagingError::Away),
    }
}

/// Only what is a picture that browsers draw and cannot do anything else.
fn drawn(bytes: Bytes) -> Option<Picture> {
    const KINDS: [(&[u8], &str); 2] = [(b"\xFF\xD8\xFF", "image/jpeg"), (b"\x89PNG\r\n\x1A\n", "image/png")];
    let (_, content_type) = KINDS.into_iter().find(|(begins, _)| bytes.starts_with(begins))?;
    Some(Picture { content_type, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pictures_are_handed_on() {
        let kind = |bytes: &'static [u8]| drawn(Bytes::from_static(bytes)).map(|it| it.content_type);
        assert_eq!(kind(b"\xFF\xD8\xFF\xE0JFIF"), Some("image/jpeg"));
        assert_eq!(kind(b"\x89PNG\r\n\x1A\n...."), Some("image/png"));
        for other in [&b"<svg onload=alert(1)>"[..], b"<html>", b"%PDF-1.7", b"", b"GIF89a"] {
            assert_eq!(kind(other), None);
        }
    }
}

//! What a file is, by its own bytes (in the manner of the WHATWG MIME Sniffing Standard, 6 and 7, for the few types that
//! are filed). The name of the file and what the browser says of it play no part.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Pdf,
    Jpeg,
    Png,
    Ccda,
    Text,
}

impl Kind {
    pub fn content_type(self) -> &'static str {
        match self {
            Kind::Pdf => "application/pdf",
            Kind::Jpeg => "image/jpeg",
            Kind::Png => "image/png",
            Kind::Ccda => "text/xml",
            Kind::Text => "text/plain; charset=utf-8",
        }
    }
}

/// First bytes → what it is.
const BEGINNINGS: [(&[u8], Kind); 3] =
    [(b"%PDF-", Kind::Pdf), (b"\xff\xd8\xff", Kind::Jpeg), (b"\x89PNG\r\n\x1a\n", Kind::Png)];

/// None of the types that are filed: no answer.
pub fn sniff(bytes: &[u8]) -> Option<Kind> {
    if let Some((_, kind)) = BEGINNINGS.iter().find(|(beginning, _)| bytes.starts_with(beginning)) {
        return Some(*kind);
    }
    let text = std::str::from_utf8(bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes)).ok()?;
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\u{c}')) {
        return None;
    }
    if text.trim_start().starts_with('<') {
        // Markup is filed only where it is known how to show it without its acting.
        return super::Ccda::read(text).map(|_| Kind::Ccda);
    }
    Some(Kind::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_bytes_say() {
        let check = |bytes: &[u8], kind: Option<Kind>| assert_eq!(sniff(bytes), kind, "{bytes:?}");
        check(b"%PDF-1.7\n...", Some(Kind::Pdf));
        check(b"\xff\xd8\xff\xe0JFIF", Some(Kind::Jpeg));
        check(b"\x89PNG\r\n\x1a\n\0\0", Some(Kind::Png));
        check("Übelkeit seit gestern\r\n".as_bytes(), Some(Kind::Text));
        check(b"GIF89a", Some(Kind::Text));
        check(b"GIF89a\x01\x00", None);
        check(b"PK\x03\x04", None);
        check(b"MZ\x90\x00", None);
        check(b"\xfe\xff\x00a", None);
        check(b"<html><script>alert(1)</script></html>", None);
        check(b"<svg xmlns='http://www.w3.org/2000/svg'/>", None);
        check(b"<ClinicalDocument xmlns='urn:hl7-org:v3'><title>CCD</title></ClinicalDocument>", Some(Kind::Ccda));
    }
}

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
        return formats::ccda::is_document(text.as_bytes()).then_some(Kind::Ccda);
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

    /// Files made to be taken for something else (assurance: uploads). None is filed as a type that a browser acts on.
    #[test]
    fn a_file_that_pretends_is_filed_as_what_it_is_or_not_at_all() {
        let (mut count, mut refused) = (0, 0);
        let mut check = |name: &str, bytes: &[u8], allowed: &[Option<Kind>]| {
            let kind = sniff(bytes);
            assert!(allowed.contains(&kind), "{name}: {kind:?}");
            let shown = kind.map(Kind::content_type).unwrap_or_default();
            assert!(!["html", "svg", "javascript", "xhtml", "octet"].iter().any(|it| shown.contains(it)), "{name}");
            count += 1;
            refused += usize::from(kind.is_none());
        };
        let payloads: [(&str, &[u8]); 12] = [
            ("html", b"<html><script>alert(1)</script></html>"),
            ("html in capitals", b"<HTML><BODY onload=alert(1)>"),
            ("a doctype", b"<!DOCTYPE html><script>alert(1)</script>"),
            ("svg", b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>"),
            ("xhtml", b"<html xmlns='http://www.w3.org/1999/xhtml'><script>alert(1)</script></html>"),
            ("xml with a stylesheet", b"<?xml version='1.0'?><?xml-stylesheet type='text/xsl' href='x'?><a/>"),
            ("mathml", b"<math><mtext><img src=x onerror=alert(1)></mtext></math>"),
            ("a comment first", b"<!-- x --><script>alert(1)</script>"),
            ("a document of another space", b"<ClinicalDocumentx/>"),
            ("xsl", b"<xsl:stylesheet version='1.0' xmlns:xsl='http://www.w3.org/1999/XSL/Transform'/>"),
            ("rss", b"<rss version='2.0'><channel/></rss>"),
            ("half a tag", b"<script"),
        ];
        for (name, bytes) in payloads {
            check(name, bytes, &[None]);
            for (before, what) in [(&b"\xef\xbb\xbf"[..], "after a mark of order"), (b" \r\n\t", "after blanks")] {
                check(&format!("{name} {what}"), &[before, bytes].concat(), &[None]);
            }
        }
        let polyglots: [(&str, &[u8], Option<Kind>); 16] = [
            ("a picture with a script behind", b"\x89PNG\r\n\x1a\n\0<script>alert(1)</script>", Some(Kind::Png)),
            ("a photo with html in its comment", b"\xff\xd8\xff\xfe<html><script>", Some(Kind::Jpeg)),
            (
                "a pdf with an action",
                b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(app.alert(1))>>>>",
                Some(Kind::Pdf),
            ),
            ("a pdf that launches", b"%PDF-1.7\n<</S/Launch/F(cmd.exe)>>", Some(Kind::Pdf)),
            ("html that holds a pdf", b"<html>%PDF-1.7", None),
            ("a pdf later than it should", b"\n%PDF-1.7\0", None),
            ("gif and script", b"GIF89a/*\0*/=1;alert(1)", None),
            ("zip", b"PK\x03\x04\x14\0", None),
            ("a program", b"MZ\x90\0\x03", None),
            ("another program", b"\x7fELF\x02\x01\x01\0", None),
            ("a class", b"\xca\xfe\xba\xbe\0\0", None),
            ("a web picture", b"RIFF\0\0\0\0WEBPVP8 ", None),
            ("office of before", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", None),
            ("gzip", b"\x1f\x8b\x08\0", None),
            ("wide letters", b"\xff\xfe<\0h\0t\0m\0l\0", None),
            ("a nought in a text", b"words\0<script>", None),
        ];
        for (name, bytes, kind) in polyglots {
            check(name, bytes, &[kind]);
        }
        let signature = ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"].concat();
        check("the sign of a virus", signature.as_bytes(), &[Some(Kind::Text)]);
        let entities = "<!DOCTYPE ClinicalDocument [<!ENTITY a SYSTEM 'file:///etc/passwd'>]><ClinicalDocument>&a;</ClinicalDocument>";
        check("a document with an entity", entities.as_bytes(), &[None]);
        let flood: String = (0..100_000).map(|nth| format!(" a{nth}=''")).collect();
        check("a flood of attributes", format!("<ClinicalDocument{flood}/>").as_bytes(), &[None]);
        let spaces: String = (0..5_000).map(|nth| format!("<a xmlns:n{nth}='urn:{nth}'>")).collect();
        check("a flood of names", spaces.as_bytes(), &[None]);
        check("depth", "<ClinicalDocument>".repeat(50_000).as_bytes(), &[None]);
        for control in [0x01_u8, 0x07, 0x08, 0x0b, 0x1b, 0x7f, 0x0e] {
            check("a letter that steers a terminal", &[b'a', control, b'b'], &[None]);
        }
        for (name, text) in
            [("reversed", "exe.\u{202e}fdp"), ("formula", "=cmd|'/c calc'!A1"), ("log line", "a\r\nINFO x")]
        {
            check(name, text.as_bytes(), &[Some(Kind::Text)]);
        }
        assert!(count >= 60 && refused > 45, "{count} {refused}");
    }
}

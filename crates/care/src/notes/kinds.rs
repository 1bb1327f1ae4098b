//! The kinds of notes: the eight of USCDI (Clinical Notes, v3 and later) with the LOINC codes that US Core 6.1 names for
//! them, and the letters and instructions that a practice writes besides.

/// One kind of note.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    /// In addresses and in `content/notes`.
    pub key: &'static str,
    /// LOINC.
    pub code: &'static str,
    pub display: &'static str,
    /// One of the clinical notes of USCDI, rather than a letter or a leaflet.
    pub clinical: bool,
    /// The roles that sign it by themselves; others need a co-signature.
    pub alone: &'static [&'static str],
}

const CLINICIANS: &[&str] = &["clinician"];
const ANY_STAFF: &[&str] = &["clinician", "nurse"];

const fn clinical(
    key: &'static str,
    code: &'static str,
    display: &'static str,
    alone: &'static [&'static str],
) -> Kind {
    Kind { key, code, display, clinical: true, alone }
}

const fn letter(key: &'static str, code: &'static str, display: &'static str, alone: &'static [&'static str]) -> Kind {
    Kind { key, code, display, clinical: false, alone }
}

pub const KINDS: [Kind; 11] = [
    clinical("progress", "11506-3", "Progress note", ANY_STAFF),
    clinical("history-physical", "34117-2", "History and physical note", CLINICIANS),
    clinical("consultation", "11488-4", "Consult note", CLINICIANS),
    clinical("discharge-summary", "18842-5", "Discharge summary", CLINICIANS),
    clinical("procedure", "28570-0", "Procedure note", CLINICIANS),
    clinical("imaging", "18748-4", "Diagnostic imaging study", CLINICIANS),
    clinical("laboratory", "11502-2", "Laboratory report", CLINICIANS),
    clinical("pathology", "11526-1", "Pathology study", CLINICIANS),
    letter("referral", "57133-1", "Referral note", CLINICIANS),
    letter("letter", "51852-2", "Letter", ANY_STAFF),
    letter("instructions", "69730-0", "Instructions", ANY_STAFF),
];

pub fn kind(key: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|it| it.key == key)
}

impl Kind {
    /// Whether whoever acts in this role needs somebody else to sign too.
    pub fn needs_cosigner(&self, role: &str) -> bool {
        !self.alone.contains(&role)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_eight_notes_of_uscdi_are_there() {
        let codes: Vec<&str> = KINDS.iter().filter(|it| it.clinical).map(|it| it.code).collect();
        for code in ["11488-4", "18842-5", "34117-2", "28570-0", "11506-3", "18748-4", "11502-2", "11526-1"] {
            assert!(codes.contains(&code), "{code}");
        }
        assert_eq!(codes.len(), 8);
    }

    #[test]
    fn a_nurse_signs_a_progress_note_and_needs_a_clinician_for_a_history_and_physical() {
        let needs = |key: &str, role: &str| kind(key).is_some_and(|it| it.needs_cosigner(role));
        assert!(!needs("progress", "nurse"));
        assert!(needs("history-physical", "nurse"));
        assert!(!needs("history-physical", "clinician"));
    }
}

//! The oracle of roles: who may do what with which type, in our own words, from the description of the roles in
//! docs/security/roles.md. It shares nothing with the code that decides; when the two differ, one of them is wrong.
//!
//! Letters: c create, r read (versions, history of an instance), u update (patch), d delete, s search (history of a
//! type). What is not named is refused.

/// Of a type, what somebody may reach.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Reach {
    Nothing,
    /// What lies in the compartment of a patient whose record they may see.
    Own,
    All,
}

/// Groups of types. A type in none of them is in `other`, which nobody but the system administrator looks at.
const GROUPS: [(&str, &str); 9] = [
    ("people", "Patient RelatedPerson Person"),
    ("schedule", "Appointment AppointmentResponse Schedule Slot"),
    (
        "clinical",
        "AdverseEvent AllergyIntolerance BodyStructure CarePlan CareTeam ClinicalImpression Communication \
         CommunicationRequest Composition Condition DetectedIssue DeviceRequest DeviceUseStatement DiagnosticReport \
         DocumentManifest DocumentReference Encounter EpisodeOfCare FamilyMemberHistory Flag Goal GuidanceResponse \
         ImagingStudy Immunization ImmunizationEvaluation ImmunizationRecommendation List Media \
         MedicationAdministration MedicationDispense MedicationRequest MedicationStatement MolecularSequence \
         NutritionOrder Observation Procedure QuestionnaireResponse RequestGroup RiskAssessment ServiceRequest \
         Specimen SupplyDelivery SupplyRequest Task VisionPrescription ResearchSubject Basic Binary \
         BiologicallyDerivedProduct MeasureReport",
    ),
    ("consent", "Consent Provenance"),
    (
        "money",
        "Account ChargeItem Claim ClaimResponse Contract Coverage CoverageEligibilityRequest \
         CoverageEligibilityResponse EnrollmentRequest EnrollmentResponse ExplanationOfBenefit Invoice PaymentNotice \
         PaymentReconciliation",
    ),
    (
        "directory",
        "Practitioner PractitionerRole Organization OrganizationAffiliation Location HealthcareService Medication \
         MedicationKnowledge Substance Device DeviceDefinition DeviceMetric Group InsurancePlan ChargeItemDefinition \
         CatalogEntry",
    ),
    (
        "knowledge",
        "ActivityDefinition PlanDefinition Library Measure Questionnaire CodeSystem ValueSet ConceptMap NamingSystem \
         StructureDefinition StructureMap SearchParameter OperationDefinition CapabilityStatement \
         CompartmentDefinition GraphDefinition ExampleScenario ImplementationGuide MessageDefinition \
         ObservationDefinition SpecimenDefinition EventDefinition TerminologyCapabilities TestScript TestReport \
         ResearchDefinition ResearchElementDefinition ResearchStudy Evidence EvidenceVariable EffectEvidenceSynthesis \
         RiskEvidenceSynthesis Linkage SubstanceNucleicAcid SubstancePolymer SubstanceProtein \
         SubstanceReferenceInformation SubstanceSourceMaterial SubstanceSpecification MedicinalProduct \
         MedicinalProductAuthorization MedicinalProductContraindication MedicinalProductIndication \
         MedicinalProductIngredient MedicinalProductInteraction MedicinalProductManufactured MedicinalProductPackaged \
         MedicinalProductPharmaceutical MedicinalProductUndesirableEffect",
    ),
    ("integration", "Subscription Endpoint MessageHeader Bundle OperationOutcome Parameters VerificationResult"),
    ("audit", "AuditEvent"),
];

pub fn group(kind: &str) -> &'static str {
    let found = GROUPS.iter().find(|(_, kinds)| kinds.split_whitespace().any(|it| it == kind));
    found.map_or("other", |(group, _)| group)
}

/// One line of a role: a group or types, letters, and whether only of own patients.
type Line = (&'static str, &'static str, Reach);

use Reach::{All, Own};

const FRONT_DESK: &[Line] = &[
    ("people", "crus", All),
    ("schedule", "cruds", All),
    ("Encounter Flag CareTeam Communication Task QuestionnaireResponse", "rs", All),
    ("Task Communication QuestionnaireResponse", "cu", All),
    ("Consent", "rs", All),
    ("Provenance", "c", All),
    ("Coverage CoverageEligibilityRequest CoverageEligibilityResponse", "crus", All),
    ("Account", "rs", All),
    ("directory", "rs", All),
    ("knowledge", "rs", All),
];

// Of orders only what is not signed: a sample of this table is a proposal; the block of orders asks for the rest.
const NURSE: &[Line] = &[
    ("people", "rus", All),
    ("schedule", "crus", All),
    ("clinical", "crus", All),
    ("consent", "crus", All),
    ("Coverage", "rs", All),
    ("directory", "rs", All),
    ("Device", "crus", All),
    ("knowledge", "rs", All),
];

const CLINICIAN: &[Line] = &[
    ("people", "crus", All),
    ("schedule", "crus", All),
    ("clinical", "cruds", All),
    ("consent", "crus", All),
    ("Coverage Claim", "rs", All),
    ("ChargeItem", "crs", All),
    ("directory", "rs", All),
    ("Device Medication", "crus", All),
    ("knowledge", "rs", All),
];

const BILLER: &[Line] = &[
    ("people", "rs", All),
    ("schedule", "rs", All),
    ("Encounter Condition Procedure ServiceRequest DiagnosticReport Immunization MedicationAdministration", "rs", All),
    ("money", "cruds", All),
    ("directory", "rs", All),
    ("knowledge", "rs", All),
];

const PRACTICE_ADMIN: &[Line] = &[
    ("people", "cruds", All),
    ("schedule", "cruds", All),
    ("Task Communication", "crus", All),
    ("Consent", "crus", All),
    ("money", "crus", All),
    ("directory", "cruds", All),
    ("knowledge", "cruds", All),
];

const SYSTEM_ADMIN: &[Line] = &[
    ("directory", "rs", All),
    ("knowledge", "cruds", All),
    ("integration", "cruds", All),
    ("audit", "rs", All),
    ("other", "rs", All),
];

const PRIVACY_OFFICER: &[Line] = &[
    ("people", "rs", All),
    ("consent", "rs", All),
    ("directory", "rs", All),
    ("knowledge", "rs", All),
    ("audit", "rs", All),
];

const INTEGRATION_ENGINEER: &[Line] =
    &[("directory", "rs", All), ("knowledge", "crus", All), ("integration", "cruds", All)];

const PATIENT: &[Line] = &[
    ("people", "rs", Own),
    ("schedule", "rs", Own),
    ("Schedule Slot", "rs", All),
    ("clinical", "rs", Own),
    ("QuestionnaireResponse Communication Observation", "c", Own),
    ("consent", "rs", Own),
    ("Coverage ExplanationOfBenefit Account Invoice Claim", "rs", Own),
    ("directory", "rs", All),
    ("knowledge", "rs", All),
    ("audit", "rs", Own),
];

const PROXY_LIMITED: &[Line] = &[
    ("Patient", "rs", Own),
    ("Appointment", "rs", Own),
    ("AllergyIntolerance Immunization", "rs", Own),
    ("Practitioner Organization Location", "rs", All),
];

fn lines(role: &str) -> &'static [Line] {
    match role {
        "front-desk" => FRONT_DESK,
        "nurse" => NURSE,
        "clinician" => CLINICIAN,
        "biller" => BILLER,
        "practice-admin" => PRACTICE_ADMIN,
        "system-admin" => SYSTEM_ADMIN,
        "privacy-officer" => PRIVACY_OFFICER,
        "integration-engineer" => INTEGRATION_ENGINEER,
        "patient" | "proxy" => PATIENT,
        "proxy-limited" => PROXY_LIMITED,
        _ => &[],
    }
}

/// How far a role reaches with this letter on this type.
pub fn reach(role: &str, kind: &str, letter: char) -> Reach {
    // A list of many people is never shown to one of them.
    if kind == "Group" && matches!(role, "patient" | "proxy" | "proxy-limited") {
        return Reach::Nothing;
    }
    let group = group(kind);
    let names = |what: &str| what == group || what.split_whitespace().any(|it| it == kind);
    let fitting = lines(role).iter().filter(|(what, letters, _)| names(what) && letters.contains(letter));
    fitting.map(|(_, _, reach)| *reach).max().unwrap_or(Reach::Nothing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::tables::Tables;

    #[test]
    fn every_type_is_in_exactly_one_group() {
        for kind in &Tables::read().unwrap().kinds {
            let count = GROUPS.iter().filter(|(_, kinds)| kinds.split_whitespace().any(|it| it == kind)).count();
            assert_eq!(count, 1, "{kind}");
        }
    }

    #[test]
    fn the_lines_read_as_the_description_says() {
        let check = |role: &str, kind: &str, letters: &str, expected: Reach| {
            for letter in letters.chars() {
                assert_eq!(reach(role, kind, letter), expected, "{role} {letter} {kind}");
            }
        };
        check("nurse", "Patient", "rus", All);
        check("nurse", "Patient", "cd", Reach::Nothing);
        check("nurse", "Device", "crus", All);
        check("front-desk", "Observation", "cruds", Reach::Nothing);
        check("front-desk", "Task", "crus", All);
        check("patient", "Group", "cruds", Reach::Nothing);
        check("patient", "Slot", "rs", All);
        check("patient", "Observation", "crs", Own);
        check("patient", "Observation", "ud", Reach::Nothing);
        check("proxy-limited", "Observation", "cruds", Reach::Nothing);
        check("privacy-officer", "AuditEvent", "rs", All);
        check("nobody", "Patient", "cruds", Reach::Nothing);
        check("system-admin", "Patient", "cruds", Reach::Nothing);
    }
}

//! What the standard says, read from `spec/fhir-r4` for ourselves: types, their elements, codes, and the links of
//! the patient compartment (R4 CompartmentDefinition/patient). Nothing of the product is asked: what is judged must
//! not be its own judge.

use crate::step;
use std::collections::BTreeMap;

pub struct Element {
    /// `Claim.payee.type`; a choice ends with `[x]`.
    pub path: String,
    pub required: bool,
    pub many: bool,
    /// `CodeableConcept`, `Reference(Patient|Group)`, `BackboneElement`; several for a choice.
    pub types: Vec<String>,
    /// The value set of a required binding.
    pub codes: Option<String>,
}

/// A resource of this type belongs to the compartment of the patient that this element names.
#[derive(Clone, PartialEq, Eq)]
pub struct Link {
    pub kind: String,
    pub parameter: String,
    pub path: String,
}

pub struct Tables {
    /// The 146 concrete resource types, in alphabetical order.
    pub kinds: Vec<String>,
    pub elements: Vec<Element>,
    pub codes: BTreeMap<String, Vec<(String, String)>>,
    pub links: Vec<Link>,
    /// Reference elements that a search parameter reads plainly.
    pub references: Vec<Reference>,
}

/// A search parameter over one element that refers to something.
pub struct Reference {
    pub kind: String,
    pub parameter: String,
    pub path: String,
    pub targets: Vec<String>,
}

fn read(name: &str) -> Result<Vec<Vec<String>>, String> {
    let path = step::root().join("spec/fhir-r4").join(name);
    let text = std::fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    Ok(text.lines().map(|line| line.split('\t').map(str::to_owned).collect()).collect())
}

fn field(line: &[String], place: usize) -> &str {
    line.get(place).map_or("", String::as_str)
}

impl Tables {
    pub fn read() -> Result<Tables, String> {
        let mut tables = Tables {
            kinds: Vec::new(),
            elements: Vec::new(),
            codes: BTreeMap::new(),
            links: Vec::new(),
            references: Vec::new(),
        };
        for line in read("structures.tsv")? {
            match field(&line, 0) {
                "T" if field(&line, 3) == "resource" && field(&line, 4).is_empty() => {
                    tables.kinds.push(line[1].clone());
                }
                "E" => tables.elements.push(element(&line)),
                _ => {}
            }
        }
        let mut set = String::new();
        for line in read("codes.tsv")? {
            match field(&line, 0) {
                "V" => set = field(&line, 1).to_owned(),
                "S" => {
                    let system = field(&line, 1);
                    let codes = line.iter().skip(2).map(|code| (system.to_owned(), code.clone()));
                    tables.codes.entry(set.clone()).or_default().extend(codes);
                }
                _ => {}
            }
        }
        tables.read_links()?;
        Ok(tables)
    }

    fn read_links(&mut self) -> Result<(), String> {
        let parameters = read("search-parameters.tsv")?;
        let parameters: Vec<&Vec<String>> = parameters.iter().filter(|line| field(line, 0) == "P").collect();
        for line in &parameters {
            let expression = line.last().map_or("", String::as_str);
            let plain = expression.chars().all(|it| it.is_ascii_alphanumeric() || it == '.');
            if field(line, 3) == "reference" && plain {
                self.references.push(Reference {
                    kind: field(line, 4).to_owned(),
                    parameter: field(line, 2).to_owned(),
                    path: expression.to_owned(),
                    targets: field(line, 5).split(' ').map(str::to_owned).collect(),
                });
            }
        }
        let mut owner = String::new();
        for line in read("compartments.tsv")? {
            if field(&line, 0) == "D" {
                owner = field(&line, 1).to_owned();
            }
            if field(&line, 0) != "R" || owner != "Patient" {
                continue;
            }
            let kind = field(&line, 1);
            for parameter in field(&line, 2).split(' ').filter(|it| !it.is_empty()) {
                let fitting =
                    |it: &&&Vec<String>| field(it, 2) == parameter && field(it, 4).split(' ').any(|base| base == kind);
                let found = parameters.iter().find(fitting).ok_or_else(|| format!("{kind} has no {parameter}"))?;
                let expression = found.last().map_or("", String::as_str);
                let start = format!("{kind}.");
                let path = expression
                    .split(" | ")
                    .map(|part| part.trim_start_matches('('))
                    .find(|part| part.starts_with(&start))
                    .ok_or_else(|| format!("{parameter} says nothing of {kind}"))?;
                let path = path.split(".where(").next().unwrap_or(path).trim_end_matches(')');
                let (kind, parameter) = (kind.to_owned(), parameter.to_owned());
                self.links.push(Link { kind, parameter, path: path.to_owned() });
            }
        }
        Ok(())
    }

    pub fn children<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a Element> {
        self.elements.iter().filter(move |it| {
            let rest = it.path.strip_prefix(path).and_then(|rest| rest.strip_prefix('.'));
            rest.is_some_and(|rest| !rest.contains('.'))
        })
    }

    pub fn element(&self, path: &str) -> Option<&Element> {
        self.elements.iter().find(|it| it.path == path)
    }

    /// Whether resources of this type can lie in a patient's compartment.
    pub fn in_compartment(&self, kind: &str) -> bool {
        kind == "Patient" || self.links.iter().any(|it| it.kind == kind)
    }

    /// The link by which our samples belong to somebody: the one that says whom they are about.
    pub fn main_link(&self, kind: &str) -> Option<&Link> {
        let named = |name: &str| self.links.iter().find(|it| it.kind == kind && it.parameter == name);
        ["patient", "subject", "beneficiary", "individual", "member"]
            .into_iter()
            .find_map(named)
            .or_else(|| self.links.iter().find(|it| it.kind == kind))
    }
}

fn element(line: &[String]) -> Element {
    let binding = field(line, 6);
    let codes = binding.strip_prefix("required ").map(|it| it.split('|').next().unwrap_or(it).to_owned());
    Element {
        path: field(line, 1).to_owned(),
        required: field(line, 2) != "0",
        many: field(line, 3) != "1",
        types: field(line, 5).split(' ').filter(|it| !it.is_empty()).map(str::to_owned).collect(),
        codes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_patient_compartment_has_66_types_and_100_links() {
        let tables = Tables::read().unwrap();
        assert_eq!(tables.kinds.len(), 146);
        assert_eq!(tables.links.len(), 100);
        let mut kinds: Vec<&str> = tables.links.iter().map(|it| it.kind.as_str()).collect();
        kinds.dedup();
        assert_eq!(kinds.len(), 66);
        let link = tables.links.iter().find(|it| it.kind == "SupplyRequest").unwrap();
        assert_eq!((link.parameter.as_str(), link.path.as_str()), ("subject", "SupplyRequest.deliverTo"));
    }
}

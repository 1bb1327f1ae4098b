//! One of some very resources, or what points at one of them: how rights name the patients that a caller may see.
//! One owner is looked up within the statement that asks, so that a patient's own searches and reads are one statement;
//! many are looked up together and handed over as one list, so that thousands are no more statements than one.

use super::fetch;
use super::leaf::{Leaf, pointing_at, resources};
use super::plan::{Plan, Planner};
use crate::db::Session;
use crate::error::StoreResult;
use crate::intern::by_id;
use crate::lane::LIVE;
use crate::physical::Layer;
use fhir::Key;
use fhir::search::query::Source;

impl<S: Session> Planner<'_, S> {
    /// One of these, as far as they live.
    pub(super) async fn keys(&mut self, keys: &[Key]) -> StoreResult<Plan> {
        Ok(match keys {
            [] => Plan::Nothing,
            [key] => Plan::Leaf(Leaf {
                table: "resource",
                condition: format!("{{t}}.state = {LIVE} AND {{t}}.rid = {}", self.number_of()),
                values: by_id(key).to_vec(),
                tells_kind: false,
                probe_by_rid: true,
                ordered: true,
                cost: 1,
            }),
            many => resources(&fetch::rids(self.session, many).await?),
        })
    }

    /// What points at one of these from one of the slots, when it can be said without looking anything up.
    pub(super) fn pointing_at_one(&self, sources: &[Source], keys: &[Key]) -> Option<Plan> {
        let [key] = keys else { return None };
        if self.layer != Layer::Own || sources.is_empty() || sources.iter().any(|it| it.only.is_some()) {
            return None;
        }
        let here = self.session.dialect().here("s");
        let marks = vec!["?"; sources.len()].join(", ");
        let condition = format!(
            "{{t}}.slot IN (SELECT s.id FROM slot s WHERE {here} s.name IN ({marks}) AND s.term = 0) \
             AND {{t}}.target = {}",
            self.number_of()
        );
        let names = sources.iter().map(|it| self.registry.slot_def(it.slot).name.as_str().into());
        Some(Plan::Leaf(Leaf {
            table: "reference",
            condition,
            values: names.chain(by_id(key)).collect(),
            tells_kind: true,
            probe_by_rid: true,
            ordered: sources.len() == 1,
            cost: 0,
        }))
    }

    /// What points at one of these from one of the slots.
    pub(super) async fn pointing(&mut self, slots: &[i64], keys: &[Key]) -> StoreResult<Plan> {
        let targets = fetch::rids(self.session, keys).await?;
        Ok(if targets.is_empty() { Plan::Nothing } else { Plan::Leaf(pointing_at(&targets, slots, true)) })
    }

    /// The number of a resource, looked up where it is asked.
    fn number_of(&self) -> String {
        format!(
            "(SELECT o.rid FROM resource o WHERE {} o.id = ? AND (o.rid >> 40) = ?)",
            self.session.dialect().here("o")
        )
    }
}

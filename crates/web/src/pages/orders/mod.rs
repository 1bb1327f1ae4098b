//! Orders (screen C-10): the basket, the order form, orders that are open, orders that wait for a signature. Every
//! change of the basket is a form of its own and is on disk when the page is back; nothing here needs JavaScript.

pub(crate) mod basket;
pub(crate) mod cosign;
pub(crate) mod edit;
pub(crate) mod form;
pub(crate) mod tracking;

use crate::components::shell;
use crate::request::{Refusal, Visitor};
use axum::extract::Path;
use axum::response::Response;
use care::chart::Banner;
use care::orders::OrderError;
use maud::Markup;

/// The sheet of this family of pages.
pub(crate) const NEEDS: shell::Needs = shell::Needs::of(&["orders.css"], &[]);

/// The address of a page about a patient.
pub(crate) type Address = Path<(String, String)>;

/// A page of this family in the frame of the chart.
pub(crate) fn framed(visitor: &Visitor, banner: &Banner, title: &str, main: Markup) -> Response {
    shell::chart(visitor, banner, "orders", (title.to_owned(), NEEDS), main)
}

impl From<OrderError> for Refusal {
    fn from(error: OrderError) -> Refusal {
        match error {
            OrderError::MayNotSign | OrderError::Unknown => Refusal::NotFound,
            OrderError::Changed => Refusal::Cannot("orders-changed"),
            OrderError::Controlled => Refusal::Cannot("pharmacy-controlled-factor"),
            OrderError::Reason => Refusal::Cannot("orders-reason-needed"),
            OrderError::TooLong => Refusal::Cannot("orders-too-many"),
            OrderError::Store(error) => Refusal::from(error),
            OrderError::Act(error) => {
                // It names resources and rules, never what is in them.
                tracing::error!(%error, "an order could not be written");
                Refusal::Cannot("common-act-invalid")
            }
        }
    }
}

/// `SMITH, Jane`: whose orders a button signs.
pub(crate) fn named(banner: &Banner) -> String {
    banner.person.name()
}

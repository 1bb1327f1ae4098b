//! The FHIR door as its callers see it: requests go into the router, answers are looked at from outside.
//! One store in a file for each test; the clock and the ids are the tests' own.

#![allow(clippy::unwrap_used)] // A request that cannot even be made is a failed test.

mod access;
mod audit;
mod batch;
mod capability;
mod conditional;
mod history;
mod import;
mod operations;
mod pages;
mod patch;
mod read_write;
mod search;
mod transaction;
mod world;

//! The FHIR door as its callers see it: requests go into the router, answers are looked at from outside.
//! One store in a file for each test; the clock and the ids are the tests' own.

mod access;
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

//! The suite that every backend passes. SQLite always; PostgreSQL where `CONTINUO_TEST_POSTGRES` names a server.

#![allow(clippy::unwrap_used)] // What a test builds on must be there.

mod asking;
mod dice;
mod people;
mod places;
mod world;

mod audit;
mod canonical;
mod chance;
mod commit;
mod contained;
mod context;
mod cost;
mod disk;
mod escape;
mod examples;
mod items;
mod messages;
mod oracle;
mod paging;
mod patients;
mod postgres;
mod reach;
mod search;
mod writing;

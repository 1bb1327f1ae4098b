//! The suite that every backend passes. SQLite always; PostgreSQL where `CONTINUO_TEST_POSTGRES` names a server.

mod asking;
mod dice;
mod people;
mod places;
mod world;

mod commit;
mod disk;
mod examples;
mod oracle;
mod paging;
mod postgres;
mod reach;
mod search;

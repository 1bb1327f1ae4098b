//! The suite that every backend passes. SQLite always; PostgreSQL where `CONTINUO_TEST_POSTGRES` names a server.

mod places;

mod canonical;
mod commit;
mod contained;
mod cost;
mod search;

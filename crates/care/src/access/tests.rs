//! Signing in and what follows, at a practice of its own: the cases of attackers beside those of people.

mod people;
mod place;
mod recovery;
mod second;
mod sessions;
mod signing_in;
mod upstream;

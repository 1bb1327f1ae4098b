//! The program from outside, as operators and clients use it.
#![allow(clippy::unwrap_used)] // Everything here is a test.

mod harness;
mod lines;
mod pages;
mod records;
mod sending;
mod serving;
